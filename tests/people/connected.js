// A tenant of a gate whose people sign in by an identity provider, and what tests do there.

import assert from 'node:assert/strict';

import { Caller, administrator } from './gate.js';
import { IdentityProvider, SECRET, authorize } from './provider.js';

export class Connected {
  /** With a provider of its own, unless there is one. */
  static async start(gate, provider) {
    const it = new Connected();
    it.url = gate.url;
    it.provider = provider ?? (await IdentityProvider.start([`${gate.url}/sso`]));
    it.root = await administrator(gate);
    it.tenant = (await it.root.must('POST', '/tenants', { name: 'acme' })).id;
    it.team = (await it.root.must('POST', it.path('/teams'), { name: 'one' })).id;
    it.provider.people.ann = {
      email: 'ann@example.com', email_verified: true, name: 'Ann', groups: ['engineers', 'unknown'],
    };
    await it.set();
    return it;
  }

  path(rest) {
    return `/tenants/${this.tenant}${rest}`;
  }

  /** Sets single sign-on up, with this changed. */
  set(changed = {}) {
    return this.root.must('PUT', this.path('/sso'), {
      issuer: this.provider.issuer,
      client_id: 'gate',
      client_secret: SECRET,
      domains: ['example.com'],
      groups_claim: 'groups',
      create_users: true,
      roles: [
        { group: 'auditors', role: 'auditor' },
        { group: 'engineers', role: 'member', team: this.team },
      ],
      ...changed,
    });
  }

  /** From the gate to the provider and back to the gate. */
  async signIn(person) {
    this.provider.person = person;
    const stranger = new Caller(this.url);
    const { ceremony, address } = await stranger.must('POST', '/sessions/sso', { tenant: 'acme' });
    const back = (await authorize(address)).searchParams;
    assert.equal(back.get('error'), null, back.toString());
    const body = { ceremony, code: back.get('code'), state: back.get('state'), iss: back.get('iss') };
    return stranger.ask('POST', '/sessions/sso/finish', body);
  }

  async signedIn(person) {
    const said = await this.signIn(person);
    assert.equal(said.status, 201, JSON.stringify(said));
    return said.body;
  }

  /** Nobody is let in, and the audit log says why. */
  async refused(reason, person) {
    const said = await this.signIn(person);
    assert.deepEqual([said.status, said.body?.code], [401, 'sign_in_failed'], reason);
    const records = await this.root.must('GET', this.path('/audit?act=sign_in_by_sso&limit=1'));
    assert.equal(records.items[0].outcome, reason);
  }

  /** The roles somebody has, and whether they come of groups. */
  async roles(user) {
    const { items } = await this.root.must('GET', this.path(`/grants?holder=${user}`));
    return items.map((one) => `${one.role} ${one.by_sso}`).sort();
  }
}
