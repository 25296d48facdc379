// The page of the control listener in a real browser: from the first start to a passkey, by hand and by keyboard.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';

import { authenticator, clean, code, fits, isUsable, launch, pictured, visitor } from './browser.js';
import { Caller, PASSWORD, ROOT, gate } from './gate.js';

const { url, token } = gate('page');
const LONG = 60_000;
let browser;
/** What one test leaves for the next: they are one story. */
const story = {};

before(async () => { browser = await launch(); });
after(() => browser?.close());

const says = (page, text) => page.locator('#said', { hasText: text }).waitFor();
const isIn = (page) => page.locator('#inside-title').waitFor();
const isOut = (page) => page.locator('#outside-title').waitFor();
const fact = (page, term) => page.locator(`dt:text-is("${term}") + dd`).innerText();

async function signInWithPassword(page, code) {
  await page.locator('#email').fill(ROOT.email);
  await page.locator('#password').fill(PASSWORD);
  if (code) await page.locator('#code').fill(code);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('the setup link makes the first administrator', { timeout: LONG }, async () => {
  story.person = await visitor(browser);
  const { page, said } = story.person;
  await pictured('setup', page, async () => {
    const asked = [];
    page.on('request', (request) => asked.push(request.url() + (request.headers().referer ?? '')));
    await page.goto(`${url}/#setup=${token}`);
    await page.getByRole('heading', { name: 'Choose a password' }).waitFor();
    assert.equal(page.url(), `${url}/`, 'the token stays in the address');
    assert.equal(await page.locator('#token').inputValue(), token);
    await isUsable(page);
    await page.locator('#new-email').fill(ROOT.email);
    await page.getByLabel('Your name').fill(ROOT.name);
    const password = page.getByLabel('Password of at least 12 characters');
    await password.fill('short');
    await page.keyboard.press('Enter');
    assert.equal(await password.evaluate((field) => field.validity.tooShort), true);
    // Long enough, and among the first that anybody tries.
    await password.fill('password1234');
    await page.keyboard.press('Enter');
    await page.locator('#said.wrong').waitFor();
    await password.fill(PASSWORD);
    await page.keyboard.press('Enter');
    await isIn(page);
    assert.equal(await fact(page, 'Account'), ROOT.email);
    assert.equal(await fact(page, 'Second factor'), 'none yet');
    assert.deepEqual(asked.filter((address) => address.includes(token)), [], 'the token was sent in an address');
    await isUsable(page);
    clean(said);
  });
  // It was good once.
  const again = { token, ...ROOT, email: 'second@example.com', password: PASSWORD };
  assert.equal((await new Caller(url).ask('POST', '/setup', again)).status, 401);
});

test('ctx_t3_anp_0013_the_cookie_is_out_of_reach', { timeout: LONG }, async () => {
  const { context, page } = story.person;
  const cookies = await context.cookies();
  assert.equal(cookies.length, 1);
  const [cookie] = cookies;
  assert.equal(cookie.name, '__Host-bartizan');
  const { httpOnly, secure, sameSite, path, domain } = cookie;
  assert.deepEqual({ httpOnly, secure, sameSite, path, domain }, {
    httpOnly: true, secure: true, sameSite: 'Strict', path: '/', domain: 'localhost',
  });
  const within = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage }));
  assert.equal(within, '{}');
});

test('a passkey is added, and signs in', { timeout: LONG }, async () => {
  const { context, page, said } = story.person;
  story.device = await authenticator(story.person);
  await pictured('passkey', page, async () => {
    const [before] = await context.cookies();
    await page.getByLabel('Name of a new passkey').fill('the laptop');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await says(page, 'the passkey was added');
    const listed = page.locator('#passkeys li');
    assert.equal(await listed.count(), 1);
    assert.match(await listed.innerText(), /the laptop, added/);
    assert.equal(await fact(page, 'Second factor'), 'shown');
    const [now] = await context.cookies();
    assert.notEqual(now.value, before.value, 'a session that may do more goes on under its old token');
    // The same device is not added twice.
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.locator('#said.wrong').waitFor();
    assert.equal(await listed.count(), 1);
    await isUsable(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await isOut(page);
    assert.deepEqual(await context.cookies(), []);
    // With the address, and without: the device remembers whose it is.
    for (const email of [ROOT.email, '']) {
      await page.locator('#email').fill(email);
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await isIn(page);
      assert.equal(await fact(page, 'Second factor'), 'shown');
      await page.getByRole('button', { name: 'Sign out' }).click();
      await isOut(page);
    }
    // Nobody at the device.
    await story.device.knowsNobody();
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
    await says(page, 'nothing was done');
    assert.equal(await page.locator('#inside').isVisible(), false);
    await story.device.knowsItsOwner();
    clean(said);
  });
});

test('what wants all one has is refused until it was shown', { timeout: LONG }, async () => {
  const { page, said } = story.person;
  await pictured('step-up', page, async () => {
    await signInWithPassword(page);
    await isIn(page);
    assert.equal(await fact(page, 'Second factor'), 'not shown in this session');
    await page.getByRole('button', { name: /^Remove: the laptop/ }).click();
    await page.locator('#said.wrong').waitFor();
    assert.equal(await page.locator('#passkeys li').count(), 1);
    await page.getByRole('button', { name: 'Add an authenticator app' }).click();
    await page.locator('#said.wrong').waitFor();
    assert.equal(await page.locator('#app').isVisible(), false);
    await page.getByRole('button', { name: 'Confirm with a passkey' }).click();
    await says(page, 'confirmed');
    assert.equal(await fact(page, 'Second factor'), 'shown');
    clean(said);
  });
});

test('an authenticator app is added, and its codes sign in once', { timeout: LONG }, async () => {
  const { page, said } = story.person;
  await pictured('app', page, async () => {
    await page.getByRole('button', { name: 'Add an authenticator app' }).click();
    await page.locator('#app').waitFor();
    const secret = await page.locator('#app-secret').innerText();
    const link = new URL(await page.locator('#app-link').getAttribute('href'));
    assert.equal(link.protocol, 'otpauth:');
    assert.equal(link.searchParams.get('secret'), secret);
    await isUsable(page);
    await page.locator('#app-code').fill(code(secret, -1));
    await page.keyboard.press('Enter');
    await says(page, 'the app was added');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'recovery-title');
    const codes = await page.locator('#recovery-codes li').allInnerTexts();
    assert.ok(codes.length >= 8, codes);
    await isUsable(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await isOut(page);
    assert.equal((await page.content()).includes(codes[0]), false, 'codes stay in the page');
    assert.equal((await page.content()).includes(secret), false, 'the seed stays in the page');
    // The password alone is not enough now, and the page says what is missing where it goes.
    await signInWithPassword(page);
    await says(page, 'send a code of your authenticator app');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'code');
    await page.locator('#code').fill('000000');
    await page.keyboard.press('Enter');
    await says(page, 'is wrong');
    const good = code(secret);
    await page.locator('#code').fill(good);
    await page.keyboard.press('Enter');
    await isIn(page);
    assert.equal(await fact(page, 'Second factor'), 'shown');
    for (const [used, works] of [[good, false], [codes[0], true], [codes[0], false]]) {
      if (await page.locator('#inside').isVisible()) await page.getByRole('button', { name: 'Sign out' }).click();
      await isOut(page);
      await signInWithPassword(page, used);
      await (works ? isIn(page) : says(page, 'is wrong'));
    }
    clean(said);
  });
});

test('a wrong password is said, and nothing of who is there', { timeout: LONG }, async () => {
  const { page, context, said } = await visitor(browser);
  await pictured('wrong', page, async () => {
    await page.goto(url);
    const messages = [];
    for (const email of [ROOT.email, 'nobody@example.com']) {
      await page.locator('#email').fill(email);
      await page.locator('#password').fill('not the password');
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.locator('#said.wrong').waitFor();
      messages.push(await page.locator('#said').innerText());
    }
    assert.match(messages[0], /the e-mail address, password or code is wrong/);
    assert.equal(messages[0], messages[1]);
    // Whoever uses a screen reader hears it, and whoever uses the keyboard is where they were.
    assert.equal(await page.locator('#said').getAttribute('role'), 'status');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Sign in');
    assert.deepEqual(await context.cookies(), []);
    await isUsable(page);
    clean(said);
  });
  await context.close();
});

test('everything can be done by keyboard, on a small screen', { timeout: LONG }, async () => {
  const { page, context, said } = await visitor(browser, { viewport: { width: 320, height: 568 }, colorScheme: 'dark' });
  await authenticator({ page, context });
  const on = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  await pictured('keyboard', page, async () => {
    // Somebody invited, so that there is an account without a second factor.
    const root = new Caller(url, await freshRoot());
    const invited = await root.must('POST', '/tenants/platform/users', { email: 'kim@example.com', name: 'Kim' });
    await page.goto(`${url}/#invitation=${invited.setup_token}&email=kim%40example.com`);
    await page.getByRole('heading', { name: 'Choose a password' }).waitFor();
    await fits(page);
    await page.locator('#new-email').focus();
    await page.keyboard.press('Tab');
    assert.equal(await on(), 'new-password');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await isIn(page);
    await fits(page);
    assert.equal(await on(), 'inside-title', 'the focus is lost on the way in');
    await isUsable(page);
    const tabTo = async (id) => {
      for (let presses = 0; presses < 30; presses += 1) {
        if ((await on()) === id) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`no way to ${id} by Tab`);
    };
    await tabTo('name');
    await page.keyboard.type('a device with a name that is as long as a name of a device can reasonably be');
    await page.keyboard.press('Enter');
    await says(page, 'the passkey was added');
    await fits(page);
    await tabTo('sign-out');
    await page.keyboard.press('Enter');
    await isOut(page);
    await fits(page);
    assert.equal(await on(), 'email');
    for (const [field, text] of [['email', 'kim@example.com'], ['password', PASSWORD]]) {
      assert.equal(await on(), field);
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    }
    assert.equal(await on(), 'code');
    await page.keyboard.press('Tab');
    assert.equal(await on(), 'Sign in');
    await page.keyboard.press('Space');
    await isIn(page);
    clean(said);
  });
  await context.close();
});

/** The first administrator's session as a program has it: by the page's own passkey. */
async function freshRoot() {
  const { page } = story.person;
  await page.goto(url);
  if (await page.locator('#inside').isVisible()) await page.getByRole('button', { name: 'Sign out' }).click();
  await isOut(page);
  const answer = page.waitForResponse((response) => response.url().endsWith('/sessions/passkey/confirm'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  const session = await (await answer).json();
  await isIn(page);
  return session.token;
}

test('anp_0013_no_other_page_acts_in_the_name_of_who_is_signed_in', { timeout: LONG }, async () => {
  const { page, context } = story.person;
  await freshRoot();
  const evil = http.createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html');
    answer.end('<!doctype html><title>x</title><form id=f method=post enctype=text/plain><input name=a></form>');
  });
  await new Promise((ready) => { evil.listen(0, '127.0.0.1', ready); });
  try {
    // Of another site, which sends no cookie; and of the same site on another port, which does.
    for (const host of ['127.0.0.1', 'localhost']) {
      const thief = await context.newPage();
      const seen = [];
      await context.route(`${url}/**`, async (route) => {
        seen.push(await route.request().allHeaders());
        await route.continue();
      });
      await thief.goto(`http://${host}:${evil.address().port}/`);
      const read = await thief.evaluate(async (target) => {
        const told = [];
        for (const options of [
          { method: 'DELETE' },
          { method: 'POST', mode: 'no-cors', body: '{}' },
          { method: 'POST', headers: { 'content-type': 'application/json', 'x-csrf-token': 'x' }, body: '{}' },
        ]) {
          try {
            const answer = await fetch(`${target}/api/v1/me/session`, { credentials: 'include', ...options });
            told.push(`${answer.type} ${answer.status}`);
          } catch { told.push('refused'); }
        }
        try {
          const answer = await fetch(`${target}/api/v1/me`, { credentials: 'include' });
          told.push(await answer.text());
        } catch { told.push('refused'); }
        return told;
      }, url);
      assert.deepEqual(read, ['refused', 'refused', 'refused', 'refused'], host);
      // A form goes there as a whole page.
      await thief.evaluate((target) => {
        const form = document.getElementById('f');
        form.action = `${target}/api/v1/tenants`;
        form.submit();
      }, url);
      await thief.waitForURL(`${url}/**`);
      const problem = JSON.parse(await thief.locator('body').innerText());
      assert.ok([401, 403, 415].includes(problem.status), JSON.stringify(problem));
      assert.ok(seen.length > 0);
      await context.unroute(`${url}/**`);
      await thief.close();
    }
    // Nor does it fit into a frame.
    const framed = await context.newPage();
    await framed.goto(`http://localhost:${evil.address().port}/`);
    const isShown = await framed.evaluate((target) => new Promise((told) => {
      const frame = document.createElement('iframe');
      frame.src = target;
      frame.onload = () => told(frame.contentDocument !== null || frame.contentWindow.length > 0);
      document.body.append(frame);
    }), url);
    assert.equal(isShown, false);
    assert.equal(framed.frames().some((frame) => frame.url() === `${url}/`), false);
    await framed.close();
    // Whoever is signed in still is, and made nothing.
    await page.reload();
    await isIn(page);
  } finally {
    evil.close();
  }
});
