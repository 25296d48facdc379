// A real OpenID provider (`oidc-provider`) on this machine. People sign in there without typing: `person` says who
// comes next. What it says can be exchanged for something else that it, or a sister of it, really signed.

import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { Provider } from 'oidc-provider';

export const SECRET = 'what:only/the+two%of=us&know';

/** A key to sign with. */
export function signingKey(kid) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' };
}

const client = (id, redirects) => ({
  client_id: id,
  client_secret: SECRET,
  redirect_uris: redirects,
  response_types: ['code'],
  grant_types: ['authorization_code'],
  id_token_signed_response_alg: 'ES256',
});

export class IdentityProvider {
  /** Those who sign in: by their `sub`, with their claims. */
  people = {};
  /** Whose turn it is. */
  person = '';
  /** Changes the token endpoint's answer before it leaves. */
  turn = (tokens) => tokens;
  /** Publishes these keys instead of its own. */
  published = null;
  /** The paths it was asked for. */
  asked = [];

  /** Behind TLS where a `certificate` is given: files of a chain and of a key. */
  static async start(redirects, { keys = [signingKey('first')], certificate } = {}) {
    const it = new IdentityProvider();
    it.redirects = redirects;
    const act = (request, answer) => it.answer(request, answer);
    it.server = certificate
      ? https.createServer({ cert: fs.readFileSync(certificate.chain), key: fs.readFileSync(certificate.key) }, act)
      : http.createServer(act);
    // Who does not trust it hangs up.
    it.server.on('tlsClientError', () => {});
    await new Promise((ready) => { it.server.listen(0, '127.0.0.1', ready); });
    const [scheme, host] = certificate ? ['https', 'localhost'] : ['http', '127.0.0.1'];
    it.issuer = `${scheme}://${host}:${it.server.address().port}`;
    it.signsWith(...keys);
    return it;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** A new start under the same name, with these keys: it signs with the first. */
  signsWith(...keys) {
    this.keys = keys;
    this.provider = this.make(this.issuer, keys);
  }

  make(issuer, keys) {
    const { people } = this;
    const provider = new Provider(issuer, {
      clients: [client('gate', this.redirects), client('another', ['https://another.example/back'])],
      jwks: { keys },
      cookies: { keys: ['a key for cookies of tests'] },
      pkce: { required: () => true },
      // Claims stand in the identity token, where the gate reads them.
      conformIdTokenClaims: false,
      claims: { email: ['email', 'email_verified'], profile: ['name', 'groups'] },
      findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...people[sub] }) }),
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
      ttl: { Session: 60, Interaction: 60, Grant: 60, AuthorizationCode: 60, AccessToken: 60, IdToken: 300 },
    });
    provider.on('server_error', (_, error) => console.error(error));
    return provider;
  }

  async answer(request, answer) {
    const path = new URL(request.url, this.issuer).pathname;
    this.asked.push(`${request.method} ${path}`);
    if (path.startsWith('/sign-in/')) return this.signIn(request, answer);
    if (path === '/jwks' && this.published) {
      answer.setHeader('content-type', 'application/json');
      return answer.end(JSON.stringify({ keys: this.published }));
    }
    if (path === '/token') this.intercept(answer);
    return this.provider.callback()(request, answer);
  }

  /** Whoever's turn it is signs in, and agrees to what is asked. */
  async signIn(request, answer) {
    const { provider } = this;
    const { params, grantId } = await provider.interactionDetails(request, answer);
    const grant = (grantId && await provider.Grant.find(grantId))
      || new provider.Grant({ accountId: this.person, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, answer, { login: { accountId: this.person }, consent });
  }

  intercept(answer) {
    const end = answer.end.bind(answer);
    answer.end = (body) => {
      const changed = JSON.stringify(this.turn(JSON.parse(body)));
      answer.setHeader('content-length', Buffer.byteLength(changed));
      return end(changed);
    };
  }
}

/** What a browser does between the gate and the code: goes where it is sent, with a jar of cookies of its own. */
export async function authorize(address) {
  const jar = new Map();
  const host = new URL(address).host;
  for (let next = address, hops = 0; hops < 10; hops += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      jar.set(name, value);
    }
    const to = answer.headers.get('location');
    if (!to) throw new Error(`${answer.status} at ${next}: ${await answer.text()}`);
    next = new URL(to, next).href;
    if (new URL(next).host !== host) return new URL(next);
  }
  throw new Error('sent around in circles');
}
