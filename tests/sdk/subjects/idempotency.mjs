// The header Idempotency-Key: what is asked twice under one key happens once.
import assert from 'node:assert/strict';
import { collect, ids, refused, refusedPlainly, request } from '../help.mjs';
import * as sse from '../sse.mjs';
import { call, uid } from '../worker.mjs';

function keyed(key = uid('key')) {
  return { headers: { 'Idempotency-Key': key } };
}

// Ask twice under one key: the answers must be equal.
async function twice(ask, options = keyed()) {
  const first = await ask(options);
  const second = await ask(options);
  assert.deepEqual({ ...second }, { ...first });
  return first;
}

export const tests = {
  'a thread with messages is created once': async (t) => {
    const thread = await twice((options) =>
      t.sdk.threads.create(
        {
          messages: [
            { role: 'user', content: 'One' },
            { role: 'user', content: 'Two' },
          ],
        },
        options,
      ),
    );
    assert.equal((await t.sdk.messages.list(thread.id)).data.length, 2);
  },

  'a message is created once': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    await twice((options) => t.sdk.messages.create(thread, { role: 'user', content: 'x' }, options));
    assert.equal((await t.sdk.messages.list(thread)).data.length, 1);
  },

  'an assistant is created once': async (t) => {
    await twice((options) => t.sdk.assistants.create({ model: 'm', name: 'Once' }, options));
  },

  'a run is created once, with its additional messages': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await twice((options) =>
      t.sdk.runs.create(
        thread,
        {
          assistant_id: assistant,
          additional_messages: [
            { role: 'user', content: 'x' },
            { role: 'user', content: 'y' },
          ],
        },
        options,
      ),
    );
    assert.deepEqual(ids((await t.sdk.runs.list(thread)).data), [run.id]);
    assert.equal((await t.sdk.messages.list(thread)).data.length, 2);
  },

  'a thread and its run are created once': async (t) => {
    const body = {
      assistant_id: uid('asst'),
      thread: { messages: [{ role: 'user', content: 'x' }] },
      metadata: { k: 'v' },
    };
    const run = await twice((options) => t.sdk.threads.createAndRun(body, options));
    assert.equal((await t.sdk.runs.list(run.thread_id)).data.length, 1);
    assert.equal((await t.sdk.messages.list(run.thread_id)).data.length, 1);
  },

  'what was done is answered as it is now': async (t) => {
    const assistant = uid('asst');
    const options = keyed();
    const run = await t.sdk.threads.createAndRun({ assistant_id: assistant }, options);
    const worker = await t.worker(assistant).claim();
    await worker.complete();
    const again = await t.sdk.threads.createAndRun({ assistant_id: assistant }, options);
    assert.deepEqual([again.id, again.thread_id, again.status], [run.id, run.thread_id, 'completed']);
  },

  'cancelling, changing and deleting are done once': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await twice((options) => t.sdk.runs.update(thread, run.id, { metadata: { a: '1' } }, options));
    await twice((options) => t.sdk.runs.cancel(thread, run.id, options));
    const message = await t.sdk.messages.create(thread, { role: 'user', content: 'x' });
    await twice((options) => t.sdk.messages.del(thread, message.id, options));
    await twice((options) => t.sdk.threads.del(thread, options));
  },

  'tool outputs are submitted once': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const calls = [call('f', {})];
    await worker.requireAction(calls);
    const outputs = { tool_outputs: [{ tool_call_id: calls[0].id, output: '1' }] };
    await twice((options) => t.sdk.runs.submitToolOutputs(thread, run.id, outputs, options));
  },

  'a key that was used for something else is refused': async (t) => {
    const { assistant, thread } = await t.scene();
    const options = keyed();
    await t.sdk.runs.create(thread, { assistant_id: assistant, metadata: { n: '1' } }, options);
    const conflict = { status: 400, code: 'idempotency_conflict', type: 'invalid_request_error' };
    await refused(
      t,
      t.sdk.runs.create(thread, { assistant_id: assistant, metadata: { n: '2' } }, options),
      'BadRequestError',
      conflict,
    );
    const both = keyed();
    await t.sdk.threads.createAndRun(
      { assistant_id: assistant, thread: { messages: [{ role: 'user', content: 'a' }] } },
      both,
    );
    await refused(
      t,
      t.sdk.threads.createAndRun(
        { assistant_id: assistant, thread: { messages: [{ role: 'user', content: 'b' }] } },
        both,
      ),
      'BadRequestError',
      conflict,
    );
    await refused(
      t,
      t.sdk.threads.createAndRun({ assistant_id: assistant, thread: { messages: [] } }, both),
      'BadRequestError',
      conflict,
    );
    await refused(t, t.sdk.threads.create({}, both), 'BadRequestError', conflict);
  },

  'a refused request leaves its key unused': async (t) => {
    const { assistant, thread } = await t.scene();
    const options = keyed();
    await refused(
      t,
      t.sdk.runs.create(thread, { assistant_id: assistant, temperature: 9 }, options),
      'BadRequestError',
      {},
    );
    assert.equal((await t.sdk.runs.create(thread, { assistant_id: assistant }, options)).status, 'queued');
  },

  'what was deleted since is not found': async (t) => {
    const options = keyed();
    const { id } = await t.sdk.threads.create({}, options);
    await t.sdk.threads.del(id);
    await refused(t, t.sdk.threads.create({}, options), 'NotFoundError', { status: 404, code: 'not_found' });
  },

  'a stream that is asked for again is of the same run': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    t.meanwhile(async () => {
      await worker.claim();
      await worker.say('Hello');
      await worker.complete();
    });
    const options = keyed();
    const ask = async () =>
      collect(await t.sdk.runs.create(thread, { assistant_id: assistant, stream: true }, options));
    const first = await ask();
    assert.deepEqual(await ask(), first);
    assert.equal((await t.sdk.runs.list(thread)).data.length, 1);
  },

  'outputs whose stream is asked for again are streamed from their submission on': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const calls = [call('f', {})];
    await worker.requireAction(calls);
    t.meanwhile(async () => {
      await worker.claim();
      await worker.say('Hello');
      await worker.complete();
    });
    const options = keyed();
    const outputs = { tool_outputs: [{ tool_call_id: calls[0].id, output: '1' }], stream: true };
    const ask = async () => collect(await t.sdk.runs.submitToolOutputs(thread, run.id, outputs, options));
    const first = await ask();
    assert.deepEqual(
      [first[0].event, first.at(-1).event],
      ['thread.run.step.completed', 'thread.run.completed'],
    );
    assert.deepEqual(await ask(), first);
  },

  'a run whose answer was lost is not created twice by the SDK': async (t) => {
    const { assistant, thread } = await t.scene();
    let lost = 0;
    const real = t.answers.recorder(globalThis.fetch, Response);
    const client = t.client({
      fetch: async (url, init) => {
        const response = await real(url, init);
        if (lost++ === 0) throw new TypeError('fetch failed');
        return response;
      },
    });
    const run = await t.sdkOf(client).runs.create(thread, { assistant_id: assistant }, keyed());
    assert.equal(lost, 2);
    assert.deepEqual(ids((await t.sdk.runs.list(thread)).data), [run.id]);
  },

  'ten that ask at once get one run': async (t) => {
    const options = keyed();
    const body = { assistant_id: uid('asst'), thread: { messages: [{ role: 'user', content: 'x' }] } };
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => t.sdk.threads.createAndRun(body, options)),
    );
    assert.equal(new Set(ids(runs)).size, 1);
    assert.equal(new Set(runs.map(({ thread_id }) => thread_id)).size, 1);
    assert.equal((await t.sdk.messages.list(runs[0].thread_id)).data.length, 1);
  },

  'keys are of 1 to 64 bytes': async (t) => {
    assert.equal((await request(t, '/threads', { json: {}, ...keyed('k'.repeat(64)) })).status, 200);
    for (const key of ['k'.repeat(65), '']) {
      await refusedPlainly(
        t,
        '/threads',
        { json: {}, ...keyed(key) },
        { status: 400, code: 'invalid_params', param: 'Idempotency-Key' },
      );
    }
  },

  'a stream and a plain answer of one key are of the same run': async (t) => {
    const body = { assistant_id: uid('asst') };
    const options = keyed();
    const run = await t.sdk.threads.createAndRun(body, options);
    await t.sdk.runs.cancel(run.thread_id, run.id);
    const { text } = await request(t, '/threads/runs', { json: { ...body, stream: true }, ...options });
    const events = sse.parse(text);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['thread.created', 'thread.run.created', 'thread.run.queued', 'thread.run.cancelled', 'done'],
    );
    assert.equal(JSON.parse(events[1].data).id, run.id);
  },
};
