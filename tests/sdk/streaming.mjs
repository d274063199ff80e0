// What the tests of streams share.
import assert from 'node:assert/strict';
import { collect } from './help.mjs';

export const BEGIN = ['thread.run.created', 'thread.run.queued', 'thread.run.in_progress'];
export const STEP_BEGINS = ['thread.run.step.created', 'thread.run.step.in_progress'];
export const MESSAGE_BEGINS = ['thread.message.created', 'thread.message.in_progress'];
export const SAID = [
  ...STEP_BEGINS,
  ...MESSAGE_BEGINS,
  'thread.message.delta',
  'thread.message.completed',
  'thread.run.step.completed',
];

export function deltas(n, of = 'message') {
  return Array.from({ length: n }, () => `thread.${of}.delta`);
}

// Everything that an AssistantStream tells, by the name of its callback.
export function listen(stream) {
  const told = { events: [], order: [] };
  stream.on('event', ({ event }) => told.events.push(event));
  for (const name of [
    'textCreated',
    'textDelta',
    'textDone',
    'messageCreated',
    'messageDelta',
    'messageDone',
    'runStepCreated',
    'runStepDelta',
    'runStepDone',
    'toolCallCreated',
    'toolCallDelta',
    'toolCallDone',
    'imageFileDone',
    'end',
  ]) {
    told[name] = [];
    stream.on(name, (...args) => {
      told.order.push(name);
      told[name].push(structuredClone(args));
    });
  }
  return told;
}

// A stream of a run that the worker ends by `script`, followed to its end.
export async function streamed(t, script, method = 'stream', body = {}) {
  const { assistant, thread, worker } = await t.scene();
  t.meanwhile(async () => {
    await worker.claim();
    await script(worker);
  });
  const stream = t.sdk.runs[method](thread, { assistant_id: assistant, ...body });
  const told = listen(stream);
  const run = await stream.finalRun();
  return { told, run, stream, thread, worker };
}

// Version 4 leaves messages as their deltas made them, with the places that these name.
function withoutIndex(value) {
  if (Array.isArray(value)) return value.map(withoutIndex);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'index')
      .map(([key, member]) => [key, withoutIndex(member)]),
  );
}

export async function messagesAre(t, stream, messages) {
  const final = await stream.finalMessages();
  if (t.major > 4) return assert.deepEqual(final, messages);
  const contents = (all) => all.map(({ id, content }) => [id, content]);
  return assert.deepEqual(contents(withoutIndex(final)), contents(messages));
}

export async function stored(t, { run, thread }) {
  return {
    run: await t.sdk.runs.retrieve(thread, run.id),
    steps: await collect(t.sdk.steps.list(thread, run.id, { order: 'asc' })),
    messages: await collect(t.sdk.messages.list(thread, { run_id: run.id, order: 'asc' })),
  };
}
