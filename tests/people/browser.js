// A real browser: what a person does at its page, and what it must never say while they do.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { createHmac } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';

import { chromium } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/** Chromium as the machine has it. Its sandbox does not run as root. */
export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: process.getuid() === 0 ? [...FLAGS, '--no-sandbox'] : FLAGS,
  });

/** A fresh profile with one page, watched: see `clean`. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1024, height: 768 }, ...options });
  context.setDefaultTimeout(20_000);
  await context.addInitScript({ path: AXE });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  return { context, page, said };
}

/** Nothing went wrong in the browser's own eyes: no error, no broken policy. That an answer said no (4xx) it
 * writes down too, and tests look for those elsewhere. */
export function clean(said) {
  assert.deepEqual(said.filter((text) => !/the server responded with a status of 4\d\d/.test(text)), []);
  said.length = 0;
}

/** A device that makes passkeys and knows its owner. */
export async function authenticator({ context, page }) {
  const client = await context.newCDPSession(page);
  await client.send('WebAuthn.enable');
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  const set = (isUserVerified) => client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  return { knowsItsOwner: () => set(true), knowsNobody: () => set(false) };
}

/** What people who see, hear or move differently could not use (axe's serious and critical findings). */
export async function isUsable(page) {
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes.map((node) => node.html) }));
  });
  assert.deepEqual(found.filter(({ impact }) => ['serious', 'critical'].includes(impact)), []);
}

/** Nobody has to scroll sideways. */
export async function fits(page) {
  const [wide, seen] = await page.evaluate(() => {
    const root = document.documentElement;
    return [root.scrollWidth, root.clientWidth];
  });
  assert.ok(wide <= seen, `${wide} pixels on a screen of ${seen}`);
}

/** Runs a test's steps; a picture of the page is kept if they fail, and `SCREENSHOTS` says where. */
export async function pictured(name, page, steps) {
  try {
    await steps();
  } catch (error) {
    const folder = process.env.SCREENSHOTS;
    if (folder) {
      await fs.mkdir(folder, { recursive: true });
      const file = path.join(folder, `${name}.png`);
      await page.screenshot({ path: file, fullPage: true });
      error.message += `\n(the page looked like this: ${file})`;
    }
    throw error;
  }
}

/** The code that an authenticator app shows, by RFC 6238; `steps` of half a minute from now. */
export function code(secret, steps = 0) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
