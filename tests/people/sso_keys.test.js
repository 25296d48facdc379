// An identity provider that changes its keys, and one behind certificates of an authority of its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Connected } from './connected.js';
import { Caller, gate } from './gate.js';
import { IdentityProvider, signingKey } from './provider.js';

const here = gate('sso_keys');
const LONG = 60_000;
const PAUSE_SECONDS_MAX = 40;
const started = [];
let scene;
let provider;

const start = async (options) => {
  const made = await IdentityProvider.start([`${here.url}/sso`], options);
  started.push(made);
  return made;
};

before(async () => {
  provider = await start();
  scene = await Connected.start(here, provider);
});
after(() => started.forEach((one) => one.stop()));

/** New keys are asked for when a token names one that is not known, though not every moment. */
async function eventuallySignsIn() {
  const until = Date.now() + PAUSE_SECONDS_MAX * 1000;
  for (;;) {
    const said = await scene.signIn('ann');
    if (said.status === 201) return;
    assert.ok(Date.now() < until, JSON.stringify(said));
    await new Promise((next) => { setTimeout(next, 5_000); });
  }
}

test('agp_s3_keys_that_change_at_the_provider_are_followed', { timeout: LONG }, async () => {
  const [old, newest] = [signingKey('old'), signingKey('newest')];
  provider.signsWith(old);
  await scene.signedIn('ann');
  // The old one is taken away, and another is there.
  provider.signsWith(newest);
  await eventuallySignsIn();
  // Whoever has the old one can say nothing with it, under its own name or under the new one's.
  provider.published = [newest].map(({ d, ...open }) => open);
  for (const stolen of [old, { ...old, kid: 'newest' }]) {
    provider.signsWith(stolen);
    await scene.refused('sso_token_signature', 'ann');
  }
  provider.published = null;
  provider.signsWith(newest);
  await scene.signedIn('ann');
});

test('anp_d0005_a_provider_shows_a_certificate_of_an_authority_that_is_trusted', { timeout: LONG }, async () => {
  const { trusted, stranger } = here.certificates;
  const person = { email: 'eve@example.com', email_verified: true };
  // Of an authority that nobody named: it is not asked anything, and nobody is sent there.
  const unknown = await start({ certificate: stranger });
  await scene.set({ issuer: unknown.issuer });
  const said = await new Caller(here.url).ask('POST', '/sessions/sso', { tenant: 'acme' });
  assert.deepEqual([said.status, said.body.code], [503, 'unavailable']);
  assert.deepEqual(unknown.asked, []);
  // Of the one that the gate was told of.
  const known = await start({ certificate: trusted });
  known.people.eve = person;
  scene.provider = known;
  await scene.set();
  const session = await scene.signedIn('eve');
  const me = await new Caller(here.url, session.token).must('GET', '/me');
  assert.equal(me.name, 'eve@example.com');
  assert.ok(known.asked.includes('POST /token'));
  scene.provider = provider;
  await scene.set();
});
