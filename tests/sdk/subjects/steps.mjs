import assert from 'node:assert/strict';
import { collect, ids, refused, request } from '../help.mjs';
import { USAGE, call, uid } from '../worker.mjs';

const MANY = 1000;
const INCLUDE = 'step_details.tool_calls[*].file_search.results[*].content';

// A run in progress with `n` steps, each of them completed.
async function stepped(t, n) {
  const scene = await t.scene();
  const run = await t.sdk.runs.create(scene.thread, { assistant_id: scene.assistant });
  await scene.worker.claim();
  const made = [];
  for (let i = 0; i < n; i++) made.push((await scene.worker.stepOfCalls([call('f', { i })])).id);
  return { ...scene, run: run.id, made };
}

// A run of the past with `n` steps, all of one second.
async function imported(t, n) {
  const { id: thread } = await t.sdk.threads.create();
  const template = await t.sdk.runs.create(thread, { assistant_id: 'asst_many' });
  await t.sdk.runs.cancel(thread, template.id);
  const run = {
    ...template,
    id: uid('run'),
    status: 'completed',
    completed_at: template.created_at,
    expires_at: null,
  };
  const made = Array.from({ length: n }, () => uid('step'));
  const steps = made.map((id) => ({
    id,
    object: 'thread.run.step',
    created_at: run.created_at,
    run_id: run.id,
    assistant_id: 'asst_many',
    thread_id: thread,
    type: 'message_creation',
    status: 'completed',
    completed_at: run.created_at,
    cancelled_at: null,
    failed_at: null,
    expired_at: null,
    last_error: null,
    usage: null,
    metadata: {},
    step_details: { type: 'message_creation', message_creation: { message_id: `msg_${id}` } },
  }));
  await t.daemon.rpc.call('objects.import', { objects: [run] });
  for (let at = 0; at < n; at += 500) {
    await t.daemon.rpc.call('objects.import', { objects: steps.slice(at, at + 500) });
  }
  return { thread, run: run.id, made };
}

export const tests = {
  'a step is read as its worker wrote it': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const { id: run } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const made = await worker.stepOfMessage('msg_1');
    const step = await t.sdk.steps.retrieve(thread, run, made.id);
    assert.match(step.id, /^step_[0-9A-HJKMNP-TV-Z]{26}$/);
    const { type, status, run_id, thread_id, assistant_id, usage, step_details } = step;
    assert.deepEqual(
      { type, status, run_id, thread_id, assistant_id, usage, step_details },
      {
        type: 'message_creation',
        status: 'in_progress',
        run_id: run,
        thread_id: thread,
        assistant_id: assistant,
        usage: null,
        step_details: { type: 'message_creation', message_creation: { message_id: 'msg_1' } },
      },
    );
    await worker.stepUpdate(made, { status: 'completed', usage: USAGE });
    const done = await t.sdk.steps.retrieve(thread, run, made.id);
    assert.deepEqual([done.status, done.usage], ['completed', USAGE]);
    assert.deepEqual((await t.sdk.steps.list(thread, run)).data, [done]);
  },

  'a step of each kind of tool is read': async (t) => {
    const { worker, thread, run } = await stepped(t, 0);
    const code = {
      id: 'call_1',
      type: 'code_interpreter',
      code_interpreter: {
        input: 'print(1)',
        outputs: [
          { type: 'logs', logs: '1\n' },
          { type: 'image', image: { file_id: 'file-1' } },
        ],
      },
    };
    const { id } = await worker.stepOfCalls([code, call('f', { a: 1 })]);
    const step = await t.sdk.steps.retrieve(thread, run, id);
    assert.deepEqual(step.step_details.tool_calls[0], code);
    assert.equal(step.step_details.tool_calls[1].function.output, null);
  },

  'a failed step says why': async (t) => {
    const { worker, thread, run } = await stepped(t, 0);
    const made = await worker.stepOfCalls([call('f', {})]);
    const last_error = { code: 'rate_limit_exceeded', message: 'Slow down.' };
    await worker.stepUpdate(made, { status: 'failed', last_error });
    const step = await t.sdk.steps.retrieve(thread, run, made.id);
    assert.deepEqual([step.status, step.last_error], ['failed', last_error]);
    assert.ok(step.failed_at >= step.created_at);
  },

  'steps in progress end with their run': async (t) => {
    const { worker, thread, run } = await stepped(t, 1);
    await worker.update({ status: 'failed', last_error: { code: 'server_error', message: 'Broken.' } });
    const [step] = (await t.sdk.steps.list(thread, run)).data;
    assert.deepEqual([step.status, step.last_error.message], ['failed', 'Broken.']);
  },

  'what file searches found is shown when it is asked for': async (t) => {
    const { worker, thread, run } = await stepped(t, 0);
    const content = [{ type: 'text', text: 'found text' }];
    const result = { file_id: 'file-1', file_name: 'a.txt', score: 0.5 };
    const search = (results) => ({
      id: 'call_1',
      type: 'file_search',
      file_search: { ranking_options: { ranker: 'auto', score_threshold: 0.5 }, results },
    });
    const { id } = await worker.stepOfCalls([search([{ ...result, content }])]);
    const found = (step) => step.step_details.tool_calls[0].file_search.results;
    assert.deepEqual(found(await t.sdk.steps.retrieve(thread, run, id)), [result]);
    assert.deepEqual(found((await t.sdk.steps.list(thread, run)).data[0]), [result]);
    const include = [INCLUDE];
    assert.deepEqual(found(await t.sdk.steps.retrieve(thread, run, id, { include })), [
      { ...result, content },
    ]);
    assert.deepEqual(found((await t.sdk.steps.list(thread, run, { include })).data[0]), [
      { ...result, content },
    ]);
    for (const query of [`include[]=${INCLUDE}`, `include%5B%5D=${encodeURIComponent(INCLUDE)}`]) {
      const { body } = await request(t, `/threads/${thread}/runs/${run}/steps/${id}?${query}`);
      assert.deepEqual(found(body), [{ ...result, content }], query);
    }
    await refused(t, t.sdk.steps.retrieve(thread, run, id, { include: ['everything'] }), 'BadRequestError', {
      code: 'invalid_params',
    });
  },

  'a run is created with what its steps are to include': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant, include: [INCLUDE] });
    assert.equal(run.status, 'queued');
  },

  'cursors count in the order of the list': async (t) => {
    const { thread, run, made } = await stepped(t, 7);
    const list = async (query) => ids((await t.sdk.steps.list(thread, run, query)).data);
    const back = [...made].reverse();
    assert.deepEqual(await list({}), back);
    assert.deepEqual(await list({ order: 'asc', limit: 3 }), made.slice(0, 3));
    assert.deepEqual(await list({ order: 'asc', after: made[2] }), made.slice(3));
    assert.deepEqual(await list({ order: 'desc', after: made[2] }), [made[1], made[0]]);
    assert.deepEqual(await list({ order: 'asc', before: made[2] }), made.slice(0, 2));
    assert.deepEqual(await list({ order: 'asc', before: made[6], limit: 2 }), made.slice(4, 6));
    assert.deepEqual(await list({ order: 'desc', before: made[0], limit: 2 }), [made[2], made[1]]);
    assert.deepEqual(
      await list({ order: 'asc', after: made[1], before: made[6], limit: 2 }),
      made.slice(2, 4),
    );
    assert.deepEqual(await list({ order: 'asc', after: made[5], before: made[1] }), []);
  },

  'a page says where it begins, where it ends, and whether there is more': async (t) => {
    const { thread, run, made } = await stepped(t, 3);
    const page = async (query) => {
      const { body } = await request(t, `/threads/${thread}/runs/${run}/steps?order=asc&${query}`);
      assert.equal(body.object, 'list');
      return [body.first_id, body.last_id, body.has_more];
    };
    assert.deepEqual(await page('limit=2'), [made[0], made[1], true]);
    assert.deepEqual(await page('limit=3'), [made[0], made[2], false]);
    assert.deepEqual(await page(`limit=2&after=${made[1]}`), [made[2], made[2], false]);
    assert.deepEqual(await page(`after=${made[2]}`), [null, null, false]);
    assert.deepEqual(await page(`limit=1&before=${made[2]}`), [made[1], made[1], true]);
    assert.deepEqual(await page(`limit=2&before=${made[2]}`), [made[0], made[1], false]);
  },

  'a thousand steps of one second come page by page, none twice, none left out': async (t) => {
    const { thread, run, made } = await imported(t, MANY);
    t.answers.clear();
    assert.deepEqual(ids(await collect(t.sdk.steps.list(thread, run, { order: 'asc', limit: 100 }))), made);
    assert.equal(t.answers.log.length, MANY / 100);
    assert.deepEqual(ids(await collect(t.sdk.steps.list(thread, run, { limit: 100 }))), [...made].reverse());
    assert.equal((await collect(t.sdk.steps.list(thread, run))).length, MANY);
  },

  'a page can be walked by hand': async (t) => {
    const { thread, run, made } = await imported(t, 25);
    const seen = [];
    let page = await t.sdk.steps.list(thread, run, { order: 'asc', limit: 10 });
    for (;;) {
      seen.push(ids(page.data));
      if (!page.hasNextPage()) break;
      page = await page.getNextPage();
    }
    assert.deepEqual(seen, [made.slice(0, 10), made.slice(10, 20), made.slice(20)]);
    const pages = await t.sdk.steps.list(thread, run, { limit: 10 });
    assert.deepEqual(
      (await collect(pages.iterPages())).map((one) => one.data.length),
      [10, 10, 5],
    );
  },

  'steps that come between two pages are neither doubled nor do they hide others': async (t) => {
    const { thread, run, made, worker } = await stepped(t, 4);
    const first = await t.sdk.steps.list(thread, run, { order: 'asc', limit: 2 });
    const { id } = await worker.stepOfMessage('msg_late');
    const rest = await collect(await first.getNextPage());
    assert.deepEqual([...ids(first.data), ...ids(rest)], [...made, id]);
  },

  'an unknown step, run or cursor is not found': async (t) => {
    const { thread, run } = await stepped(t, 1);
    const other = await stepped(t, 1);
    const gone = (promise, members) =>
      refused(t, promise, 'NotFoundError', { status: 404, code: 'not_found', ...members });
    await gone(t.sdk.steps.retrieve(thread, run, uid('step')), { message: /No .*step found with id/ });
    await gone(t.sdk.steps.retrieve(thread, run, other.made[0]), {});
    await gone(t.sdk.steps.list(thread, uid('run')), { message: /No run found with id/ });
    await gone(t.sdk.steps.list(thread, run, { after: other.made[0] }), { param: 'after' });
    await gone(t.sdk.steps.list(thread, run, { before: uid('step') }), { param: 'before' });
  },

  'limits and orders that make no sense are refused': async (t) => {
    const { thread, run } = await stepped(t, 1);
    const bad = (query, param) =>
      refused(t, t.sdk.steps.list(thread, run, query), 'BadRequestError', {
        status: 400,
        code: 'invalid_params',
        param,
      });
    for (const limit of [0, 101, -1, 1.5, 'many', '', '1e1', '0x10', ' 5', '99999999999999999999']) {
      await bad({ limit }, 'limit');
    }
    await bad({ order: 'random' }, 'order');
    await refused(t, t.sdk.steps.list(thread, run, { after: 'no id!' }), 'BadRequestError', {
      code: 'invalid_id',
      param: 'after',
    });
    assert.equal((await t.sdk.steps.list(thread, run, { limit: 100 })).data.length, 1);
  },
};
