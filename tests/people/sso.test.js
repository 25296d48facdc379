// Single sign-on with a real identity provider: who gets in with which roles, who does not, and why.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';

import { clean, launch, pictured, visitor } from './browser.js';
import { Connected } from './connected.js';
import { gate } from './gate.js';
import { IdentityProvider, SECRET, authorize } from './provider.js';

const { url, token } = gate('sso');
const LONG = 60_000;
let scene;
let provider;

before(async () => {
  scene = await Connected.start({ url, token });
  ({ provider } = scene);
});
after(() => provider?.stop());

test('a person signs in in the browser, by the page', { timeout: LONG }, async () => {
  const browser = await launch();
  try {
    const { page, said, context } = await visitor(browser);
    await pictured('sso', page, async () => {
      provider.person = 'ann';
      await page.goto(url);
      await page.locator('#tenant').fill('acme');
      await page.getByRole('button', { name: 'Single sign-on' }).click();
      await page.locator('#inside-title').waitFor();
      assert.equal(page.url(), `${url}/`, 'code and state stay in the address');
      await page.locator('dd', { hasText: 'ann@example.com' }).waitFor();
      assert.match(await page.locator('dt:text-is("Roles") + dd').innerText(), /^member of team_/);
      assert.equal((await context.cookies(url)).some(({ name }) => name === '__Host-bartizan'), true);
      assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })), '{}');
      clean(said);
    });
  } finally {
    await browser.close();
  }
});

test('roles follow the groups of the identity token', { timeout: LONG }, async () => {
  const first = await scene.signedIn('ann');
  assert.deepEqual(await scene.roles(first.user), ['member true']);
  provider.people.ann.groups = ['auditors'];
  const again = await scene.signedIn('ann');
  assert.equal(again.user, first.user);
  assert.deepEqual(await scene.roles(first.user), ['auditor true']);
  provider.people.ann.groups = [];
  await scene.signedIn('ann');
  assert.deepEqual(await scene.roles(first.user), []);
});

test('agp_s3_who_is_not_permitted_is_not_let_in', { timeout: LONG }, async () => {
  provider.people.bob = { email: 'bob@elsewhere.example', email_verified: true };
  provider.people.cat = { email: 'cat@example.com', email_verified: false };
  provider.people.dan = { email: 'dan@example.com', email_verified: true };
  await scene.refused('sso_email_of_another_domain', 'bob');
  await scene.refused('sso_email_not_verified', 'cat');
  await scene.set({ create_users: false });
  await scene.refused('sso_nobody_here', 'dan');
  await scene.set();
  const { user } = await scene.signedIn('dan');
  await scene.root.must('PATCH', scene.path(`/users/${user}`), { state: 'disabled' });
  await scene.refused('sso_disabled', 'dan');
  await scene.signedIn('ann');
});

test('agp_s3_only_the_token_of_this_sign_in_counts', { timeout: LONG }, async () => {
  // Really signed by the provider, each of them: for an earlier sign-in, for another client, by a sister of another name.
  let earlier;
  provider.turn = (tokens) => { earlier = tokens; return tokens; };
  await scene.signedIn('ann');
  provider.turn = (own) => own;
  const another = await tokensOf(provider, 'another', 'https://another.example/back');
  const sister = await tokensOfASister();
  for (const [reason, tokens] of [
    ['sso_token_other_sign_in', earlier],
    ['sso_token_audience', another],
    ['sso_token_issuer', sister],
  ]) {
    provider.turn = () => tokens;
    await scene.refused(reason, 'ann');
    provider.turn = (own) => own;
    await scene.signedIn('ann');
  }
});

/** What a provider answers at its token endpoint when one of its clients asks. */
async function tokensOf({ issuer }, id, redirect) {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code', client_id: id, redirect_uri: redirect, scope: 'openid email profile',
    state: 'state', nonce: 'nonce', code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  });
  const back = await authorize(`${issuer}/auth?${query}`);
  const basic = [id, SECRET].map(encodeURIComponent).join(':');
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: back.searchParams.get('code'), redirect_uri: redirect, code_verifier: verifier,
    }),
  });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** Of a provider with the same keys, people and clients, and another name. */
async function tokensOfASister() {
  const sister = await IdentityProvider.start([`${url}/sso`], { keys: provider.keys });
  Object.assign(sister.people, provider.people);
  sister.person = 'ann';
  try {
    return await tokensOf(sister, 'gate', `${url}/sso`);
  } finally {
    sister.stop();
  }
}
