// The gates that run.py started, and a client of their API for what needs no browser.

const gates = JSON.parse(process.env.GATES ?? 'null');
if (!gates) throw new Error('run tests/people/run.py, which starts the gates');

export const PASSWORD = 'quartz lantern mumbles 42';
export const ROOT = { email: 'root@example.com', name: 'Root' };

/** The gate of one file of tests: where it is, and the token of its first start. */
export const gate = (name) => gates[name];

/** Somebody's session, as programs have one. */
export class Caller {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  async ask(method, path, body) {
    const headers = { accept: 'application/json' };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    // Whatever it is now: nobody else changes it here.
    if (['PUT', 'PATCH'].includes(method)) headers['if-match'] = '*';
    if (body !== undefined) headers['content-type'] = 'application/json';
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: sent });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  }

  /** Asks, and fails when the answer is a no. */
  async must(method, path, body) {
    const said = await this.ask(method, path, body);
    if (said.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(said)}`);
    return said.body;
  }
}

/** The first administrator of a gate. */
export async function administrator({ url, token }) {
  const session = await new Caller(url).must('POST', '/setup', { token, ...ROOT, password: PASSWORD });
  return new Caller(url, session.token);
}
