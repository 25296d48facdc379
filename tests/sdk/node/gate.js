// Where the gate is, and the clients that talk to it.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const { GATE_URL, GATE_KEY } = process.env;
if (!GATE_URL || !GATE_KEY) throw new Error('run tests/sdk/run_node.py, which starts the gate');

/** Both upstream dialects. */
export const MODELS = ['on-openai', 'on-anthropic'];
export const TEXT = 'Hello from the scripted model. Grüße, 👋!';

export const openai = (key = GATE_KEY) =>
  new OpenAI({ baseURL: `${GATE_URL}/v1`, apiKey: key, maxRetries: 0, timeout: 30_000 });

export const anthropic = (key = GATE_KEY) =>
  new Anthropic({ baseURL: GATE_URL, apiKey: key, maxRetries: 0, timeout: 30_000 });
