// The official OpenAI client for Node.

import assert from 'node:assert/strict';
import test from 'node:test';

import OpenAI from 'openai';

import { MODELS, TEXT, openai } from './gate.js';

const asks = (content) => [{ role: 'user', content }];
const tools = ['weather', 'clock'].map((name) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} } },
}));

for (const model of MODELS) {
  test(`a whole answer, ${model}`, async () => {
    const answer = await openai().chat.completions.create({ model, messages: asks('say') });
    assert.equal(answer.choices[0].message.content, TEXT);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.deepEqual([answer.usage.prompt_tokens, answer.usage.completion_tokens], [101, 13]);
  });

  test(`a stream, ${model}`, async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const stream = await openai().chat.completions.create({ model, messages: asks('say'), ...options });
    let text = '';
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, TEXT);
    assert.equal(usage.total_tokens, 114);
  });

  test(`parallel tool calls, streamed, ${model}`, async () => {
    const stream = openai().chat.completions.stream({ model, messages: asks('tools'), tools });
    const answer = await stream.finalChatCompletion();
    const calls = answer.choices[0].message.tool_calls;
    assert.deepEqual(calls.map((call) => call.function.name), ['weather', 'clock']);
    assert.equal(JSON.parse(calls[0].function.arguments).city, 'Paris');
    assert.deepEqual(JSON.parse(calls[1].function.arguments).after, [1, 2.5, null]);
  });

  test(`the provider limits the rate, ${model}`, async () => {
    const call = openai().chat.completions.create({ model, messages: asks('error 429') });
    await assert.rejects(call, OpenAI.RateLimitError);
  });
}

test('a wrong key', async () => {
  const call = openai('btz_wrong').chat.completions.create({ model: MODELS[0], messages: asks('say') });
  await assert.rejects(call, OpenAI.AuthenticationError);
});

test('no such model', async () => {
  const call = openai().chat.completions.create({ model: 'no-such-model', messages: asks('say') });
  await assert.rejects(call, (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
});

test('models', async () => {
  const names = [];
  for await (const model of openai().models.list()) names.push(model.id);
  assert.deepEqual(names.sort(), ['embed', ...MODELS].sort());
});
