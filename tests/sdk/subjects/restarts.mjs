// The daemon goes away and comes back: what the SDK does then goes on, or says what is the matter.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect, ids } from '../help.mjs';
import { text, uid } from '../worker.mjs';

const AWAY_MS = 700; // the gateway waits as long
const LONG_AWAY_MS = 2500; // and then says that nobody is there

async function scene(t) {
  const daemon = await t.startDaemon();
  const { url } = await t.startGateway([], daemon);
  const assistant = uid('asst');
  const sdk = t.sdkOf(t.client({ url, maxRetries: 5 }));
  const { id: thread } = await sdk.threads.create();
  return { daemon, url, assistant, sdk, thread };
}

async function blink(daemon) {
  await daemon.stop();
  await sleep(AWAY_MS);
  await daemon.restart();
}

export const tests = {
  "a request during a restart succeeds by the SDK's retries": async (t) => {
    const { daemon, sdk, thread, assistant } = await scene(t);
    await daemon.stop();
    const reading = sdk.threads.retrieve(thread);
    const writing = sdk.runs.create(
      thread,
      { assistant_id: assistant },
      { headers: { 'Idempotency-Key': uid('key') } },
    );
    await sleep(LONG_AWAY_MS);
    await daemon.restart();
    assert.equal((await reading).id, thread);
    const run = await writing;
    assert.deepEqual(ids((await sdk.runs.list(thread)).data), [run.id]);
    assert.ok(
      t.answers.log.some(({ status, answer }) => status === 503 && answer.get('retry-after') === '1'),
    );
  },

  'a poll goes on over a restart': async (t) => {
    const { daemon, sdk, thread, assistant } = await scene(t);
    const polling = sdk.runs.createAndPoll(thread, { assistant_id: assistant });
    await sleep(100);
    await blink(daemon);
    const worker = await t.worker(assistant, daemon).claim();
    await worker.complete();
    assert.equal((await polling).status, 'completed');
  },

  'a stream goes on over a restart, with nothing lost or doubled': async (t) => {
    const { daemon, sdk, thread, assistant } = await scene(t);
    const stream = await sdk.runs.create(thread, { assistant_id: assistant, stream: true });
    const events = collect(stream);
    const before = await t.worker(assistant, daemon).claim();
    const { id } = await before.message({ content: [], status: 'in_progress' });
    await before.messageUpdate(id, { content: [text('one ')] });
    await blink(daemon);
    const after = t.worker(assistant, daemon);
    Object.assign(after, { run: before.run, lease: before.lease });
    await after.messageUpdate(id, { content: [text('one two')] });
    await after.messageUpdate(id, { status: 'completed' });
    await after.complete();
    assert.deepEqual(
      (await events).map(({ event }) => event),
      [
        'thread.run.created',
        'thread.run.queued',
        'thread.run.in_progress',
        'thread.message.created',
        'thread.message.in_progress',
        'thread.message.delta',
        'thread.message.delta',
        'thread.message.completed',
        'thread.run.completed',
      ],
    );
  },

  'pages go on over a restart': async (t) => {
    const { daemon, sdk, thread } = await scene(t);
    const made = [];
    for (let n = 0; n < 6; n++) {
      made.push((await sdk.messages.create(thread, { role: 'user', content: `${n}` })).id);
    }
    const page = await sdk.messages.list(thread, { order: 'asc', limit: 3 });
    await blink(daemon);
    assert.deepEqual([...ids(page.data), ...ids((await page.getNextPage()).data)], made);
  },

  'a gateway may be there before its daemon': async (t) => {
    const daemon = await t.startDaemon();
    await daemon.stop();
    const { url } = await t.startGateway([], daemon);
    assert.equal((await fetch(`${url}/v1/threads/t`)).status, 503);
    await daemon.restart();
    const { id } = await t.sdkOf(t.client({ url })).threads.create();
    assert.match(id, /^thread_/);
  },
};
