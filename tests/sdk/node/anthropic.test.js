// The official Anthropic client for Node.

import assert from 'node:assert/strict';
import test from 'node:test';

import Anthropic from '@anthropic-ai/sdk';

import { MODELS, TEXT, anthropic } from './gate.js';

const asks = (content) => ({ max_tokens: 200, messages: [{ role: 'user', content }] });
const tools = ['weather', 'clock'].map((name) => ({ name, input_schema: { type: 'object', properties: {} } }));
const textOf = (message) => message.content.filter((block) => block.type === 'text').map((block) => block.text).join('');

for (const model of MODELS) {
  test(`a whole answer, ${model}`, async () => {
    const message = await anthropic().messages.create({ model, ...asks('say') });
    assert.equal(textOf(message), TEXT);
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [101, 13]);
  });

  test(`a stream, ${model}`, async () => {
    const pieces = [];
    const stream = anthropic().messages.stream({ model, ...asks('say') });
    stream.on('text', (piece) => pieces.push(piece));
    const message = await stream.finalMessage();
    assert.equal(pieces.join(''), TEXT);
    assert.equal(textOf(message), TEXT);
    assert.equal(message.usage.output_tokens, 13);
  });

  test(`parallel tool calls, streamed, ${model}`, async () => {
    const message = await anthropic().messages.stream({ model, tools, ...asks('tools') }).finalMessage();
    const calls = message.content.filter((block) => block.type === 'tool_use');
    assert.deepEqual(calls.map((call) => call.name), ['weather', 'clock']);
    assert.equal(calls[0].input.city, 'Paris');
    assert.deepEqual(calls[1].input.after, [1, 2.5, null]);
    assert.equal(message.stop_reason, 'tool_use');
  });

  test(`the provider limits the rate, ${model}`, async () => {
    await assert.rejects(anthropic().messages.create({ model, ...asks('error 429') }), Anthropic.RateLimitError);
  });
}

test('a wrong key', async () => {
  const call = anthropic('btz_wrong').messages.create({ model: MODELS[0], ...asks('say') });
  await assert.rejects(call, Anthropic.AuthenticationError);
});

test('no such model', async () => {
  await assert.rejects(anthropic().messages.create({ model: 'no-such-model', ...asks('say') }), Anthropic.NotFoundError);
});
