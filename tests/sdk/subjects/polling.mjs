// The SDK's helpers that poll: the gateway holds each GET until there is news, so that they do not.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { refused, request } from '../help.mjs';
import { SLACK } from '../tap.mjs';
import { USAGE, call, uid } from '../worker.mjs';

const HELPER = { 'x-stainless-poll-helper': 'true' };

function polls(t) {
  return t.answers.log.filter(
    ({ method, headers }) => method === 'GET' && headers.has('x-stainless-poll-helper'),
  );
}

// How long `work` takes, in milliseconds.
async function duration(work) {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

// createAndPoll of a run that the worker ends by `script`.
async function polled(t, script, options) {
  const { assistant, thread, worker } = await t.scene();
  t.meanwhile(async () => {
    await worker.claim();
    await script(worker);
  });
  const run = await t.sdk.runs.createAndPoll(thread, { assistant_id: assistant }, options);
  return { run, thread, assistant, worker };
}

export const tests = {
  'createAndPoll returns the completed run': async (t) => {
    const { run, thread } = await polled(t, async (worker) => {
      await worker.say('Hello');
      await worker.complete();
    });
    assert.deepEqual([run.status, run.usage], ['completed', USAGE]);
    assert.deepEqual(await t.sdk.runs.retrieve(thread, run.id), run);
  },

  'createAndPoll returns a run that failed': async (t) => {
    const last_error = { code: 'rate_limit_exceeded', message: 'Too much.' };
    const { run } = await polled(t, (worker) => worker.update({ status: 'failed', last_error }));
    assert.deepEqual([run.status, run.last_error], ['failed', last_error]);
  },

  'createAndPoll returns a run that was left incomplete': async (t) => {
    const { run } = await polled(t, (worker) =>
      worker.update({ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } }),
    );
    assert.deepEqual(
      [run.status, run.incomplete_details],
      ['incomplete', { reason: 'max_completion_tokens' }],
    );
  },

  'createAndPoll returns a run that was cancelled': async (t) => {
    const { run } = await polled(t, async (worker) => {
      await t.sdk.runs.cancel(worker.run.thread_id, worker.run.id);
      await sleep(50);
      await worker.update({ status: 'cancelled' });
    });
    assert.equal(run.status, 'cancelled');
  },

  'createAndPoll returns a run that expired': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.createAndPoll(thread, { assistant_id: assistant, expires_in: 1 });
    assert.equal(run.status, 'expired');
  },

  'createAndPoll returns a run that requires action, and submitToolOutputsAndPoll goes on': async (t) => {
    const calls = [call('get_weather', { city: 'Oslo' })];
    const { run, thread, worker } = await polled(t, (w) => w.requireAction(calls));
    assert.equal(run.status, 'requires_action');
    assert.deepEqual(run.required_action.submit_tool_outputs.tool_calls, calls);
    t.meanwhile(async () => {
      await worker.claim();
      await worker.complete();
    });
    const done = await t.sdk.runs.submitToolOutputsAndPoll(thread, run.id, {
      tool_outputs: [{ tool_call_id: calls[0].id, output: 'rain' }],
    });
    assert.deepEqual([done.id, done.status], [run.id, 'completed']);
  },

  'createAndRunPoll returns the completed run': async (t) => {
    const assistant = uid('asst');
    const worker = t.worker(assistant);
    t.meanwhile(async () => {
      await worker.claim();
      await worker.say('Hello');
      await worker.complete();
    });
    const run = await t.sdk.threads.createAndRunPoll({
      assistant_id: assistant,
      thread: { messages: [{ role: 'user', content: 'Hi' }] },
    });
    assert.equal(run.status, 'completed');
    assert.equal((await t.sdk.messages.list(run.thread_id)).data.length, 2);
  },

  'poll returns at once when there is nothing to wait for': async (t) => {
    const { run, thread } = await polled(t, (worker) => worker.complete());
    const took = await duration(() => t.sdk.runs.poll(thread, run.id));
    assert.ok(took < 500 * SLACK, `${took} ms`);
  },

  'a poll asks once a status, not all the time': async (t) => {
    await polled(t, async (worker) => {
      await sleep(700);
      await worker.say('Hello');
      await sleep(700);
      await worker.complete();
    });
    const statuses = polls(t).map(({ text }) => JSON.parse(text).status);
    assert.ok(statuses.length <= 3, `${statuses}`);
    assert.equal(statuses.at(-1), 'completed');
    assert.equal(new Set(statuses).size, statuses.length, `${statuses}`);
    assert.ok(polls(t).every(({ answer }) => answer.get('openai-poll-after-ms') === '0'));
  },

  'what happens between the read and the wait is not missed': async (t) => {
    const { assistant } = await t.scene();
    for (let n = 0; n < 20; n++) {
      const { id: thread } = await t.sdk.threads.create();
      const worker = t.worker(assistant);
      const work = worker.claim().then(() => worker.complete());
      const took = await duration(() => t.sdk.runs.createAndPoll(thread, { assistant_id: assistant }));
      await work;
      assert.ok(took < 2000 * SLACK, `${took} ms`);
    }
  },

  'a poll is held no longer than its timeout less a second': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const held = (headers) =>
      duration(async () => {
        const { body, headers: answer } = await request(t, `/threads/${thread}/runs/${id}`, {
          headers: { ...HELPER, ...headers },
        });
        assert.equal(body.status, 'queued');
        assert.match(answer.get('openai-poll-after-ms'), /^\d+$/);
      });
    const [two, none, ten] = await Promise.all([
      held({ 'x-stainless-timeout': '3' }),
      held({ 'x-stainless-timeout': '1' }),
      held({ 'x-stainless-timeout': '600' }),
    ]);
    assert.ok(two > 1700 && two < 2800 * SLACK, `timeout 3 s: held ${two} ms`);
    assert.ok(none < 500 * SLACK, `timeout 1 s: held ${none} ms`);
    assert.ok(ten > 9500 && ten < 11_000 * SLACK, `timeout 600 s: held ${ten} ms`);
  },

  'a poll of a patient client does not time out': async (t) => {
    const { run } = await polled(
      t,
      async (worker) => {
        await sleep(2500);
        await worker.complete();
      },
      { timeout: 2000, maxRetries: 0 },
    );
    assert.equal(run.status, 'completed');
  },

  'a GET that is no poll is answered at once': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const took = await duration(() => t.sdk.runs.retrieve(thread, id));
    assert.ok(took < 500 * SLACK, `${took} ms`);
  },

  'a poll with an interval of its own works as well': async (t) => {
    const { run } = await polled(t, (worker) => worker.complete(), { pollIntervalMs: 20 });
    assert.equal(run.status, 'completed');
  },

  'a poll can be given up': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    await refused(t, t.sdk.runs.poll(thread, id, { signal: controller.signal }), 'APIUserAbortError', {});
    assert.equal((await t.sdk.runs.cancel(thread, id)).status, 'cancelled');
  },

  'a poll of a run that is deleted ends': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    setTimeout(() => t.sdk.threads.del(thread), 100);
    await refused(t, t.sdk.runs.poll(thread, id), 'NotFoundError', { status: 404, code: 'not_found' });
  },

  'a hundred polls wait side by side': async (t) => {
    const assistant = uid('asst');
    const all = Array.from({ length: 100 }, () =>
      t.sdk.threads.createAndRunPoll({ assistant_id: assistant }),
    );
    const workers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 25; n++) await (await t.worker(assistant).claim()).complete();
    });
    assert.ok((await Promise.all(all)).every(({ status }) => status === 'completed'));
    await Promise.all(workers);
  },
};
