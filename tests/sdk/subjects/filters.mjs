// What runstore lists beyond the official API: runs by status, assistant, model, time and metadata.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect, ids, refused, refusedPlainly, request } from '../help.mjs';
import { uid } from '../worker.mjs';

// Four runs: of the assistants a and b, of two models, one completed, one cancelled, two queued.
async function varied(t) {
  const { id: thread } = await t.sdk.threads.create();
  const [a, b] = [uid('asst'), uid('asst')];
  const made = [];
  for (const [assistant_id, model, metadata] of [
    [a, 'gpt-4o', { team: 'red', n: '1' }],
    [a, 'gpt-4o-mini', { team: 'red', n: '2' }],
    [b, 'gpt-4o', { team: 'blau & grün', n: '1' }],
    [b, 'gpt-4o-mini', {}],
  ]) {
    made.push((await t.sdk.runs.create(thread, { assistant_id, model, metadata, on_active: 'parallel' })).id);
  }
  await (await t.worker(a).claim()).complete();
  await t.sdk.runs.cancel(thread, made[1]);
  return { thread, a, b, made };
}

export const tests = {
  'runs are filtered through the SDK': async (t) => {
    const { thread, a, b, made } = await varied(t);
    const list = async (query) => ids(await collect(t.sdk.runs.list(thread, { order: 'asc', ...query })));
    assert.deepEqual(await list({ status: 'completed' }), [made[0]]);
    assert.deepEqual(await list({ status: ['queued'] }), made.slice(2));
    assert.deepEqual(await list({ status: ['completed', 'cancelled'] }), made.slice(0, 2));
    assert.deepEqual(await list({ assistant_id: a }), made.slice(0, 2));
    assert.deepEqual(await list({ model: 'gpt-4o' }), [made[0], made[2]]);
    assert.deepEqual(await list({ metadata: { team: 'red' } }), made.slice(0, 2));
    assert.deepEqual(await list({ metadata: { team: 'blau & grün', n: '1' } }), [made[2]]);
    assert.deepEqual(await list({ metadata: { team: 'red', n: '3' } }), []);
    assert.deepEqual(await list({ assistant_id: b, model: 'gpt-4o-mini', status: 'queued' }), [made[3]]);
    assert.deepEqual(await list({ status: 'queued', limit: 1 }), made.slice(2), 'page by page');
    assert.deepEqual(
      await list({ status: 'queued', after: made[0] }),
      made.slice(2),
      'after one that is filtered out',
    );
  },

  'runs are filtered by time, both ends left out': async (t) => {
    const { assistant, thread } = await t.scene();
    const create = () => t.sdk.runs.create(thread, { assistant_id: assistant, on_active: 'parallel' });
    const one = await create();
    await sleep(1100);
    const two = await create();
    const list = async (query) => ids((await t.sdk.runs.list(thread, query)).data);
    assert.deepEqual(await list({ created_after: one.created_at }), [two.id]);
    assert.deepEqual(await list({ created_before: two.created_at }), [one.id]);
    assert.deepEqual(await list({ created_after: one.created_at, created_before: two.created_at }), []);
    assert.deepEqual(await list({ created_after: one.created_at - 1, created_before: two.created_at + 1 }), [
      two.id,
      one.id,
    ]);
  },

  'filters may be written raw or encoded, once or several times': async (t) => {
    const { thread, made } = await varied(t);
    const list = async (query) => {
      const { status, body } = await request(t, `/threads/${thread}/runs?order=asc&${query}`);
      assert.equal(status, 200, `${query}: ${JSON.stringify(body)}`);
      return ids(body.data);
    };
    for (const query of [
      'status=completed&status=cancelled',
      'status[]=completed&status[]=cancelled',
      'status%5B%5D=completed&status%5b%5d=cancelled',
      'status=completed&status[]=cancelled',
    ]) {
      assert.deepEqual(await list(query), made.slice(0, 2), query);
    }
    for (const query of [
      'metadata[team]=blau+%26+gr%C3%BCn',
      'metadata%5Bteam%5D=blau%20%26%20gr%c3%bcn',
      'metadata[team]=blau%20%26%20gr%C3%BCn&metadata[n]=1',
    ]) {
      assert.deepEqual(await list(query), [made[2]], query);
    }
    assert.deepEqual(await list('model=gpt-4o&status=queued'), [made[2]]);
    assert.deepEqual(await list(''), made);
  },

  'messages and steps are filtered too': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    await t.sdk.messages.create(thread, { role: 'user', content: 'x' });
    const { id: run } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const said = await worker.say('Hello');
    const { id: calls } = await worker.stepOfCalls([]);
    assert.deepEqual(ids((await t.sdk.messages.list(thread, { run_id: run })).data), [said.id]);
    assert.deepEqual(ids((await t.sdk.steps.list(thread, run, { type: 'tool_calls' })).data), [calls]);
    assert.deepEqual(ids((await t.sdk.steps.list(thread, run, { status: ['in_progress'] })).data), [calls]);
  },

  'a key that is unknown is refused': async (t) => {
    const { thread } = await varied(t);
    const unknown = async (path, param) =>
      refusedPlainly(t, path, {}, { status: 400, code: 'unknown_param', param });
    await refused(t, t.sdk.runs.list(thread, { colour: 'red' }), 'BadRequestError', {
      code: 'unknown_param',
      param: 'colour',
    });
    await unknown(`/threads/${thread}/runs?metadata=x`, 'metadata');
    await unknown(`/threads/${thread}/runs?limit[]=1`, 'limit[]');
    await unknown(`/threads/${thread}/runs?=1`, null);
    await unknown(`/threads/${thread}/runs?thread_id=other`, 'thread_id');
    await unknown(`/threads/${thread}/runs?Limit=1`, 'Limit');
    await unknown(`/threads/${thread}?limit=1`, 'limit');
    await unknown(`/threads/${thread}/messages?status=completed`, 'status');
    await unknown('/assistants?model=m', 'model');
    await refusedPlainly(
      t,
      `/threads/${thread}?x=1`,
      { json: {} },
      { status: 400, code: 'unknown_param', param: 'x' },
    );
  },

  'a key that comes twice is refused': async (t) => {
    const { thread, made } = await varied(t);
    const double = (query, param) =>
      refusedPlainly(
        t,
        `/threads/${thread}/runs?${query}`,
        {},
        { status: 400, code: 'invalid_params', param },
      );
    await double('limit=1&limit=2', 'limit');
    await double('limit=1&limit=1', 'limit');
    await double('order=asc&model=m&order=asc', 'order');
    await double(`after=${made[0]}&after=${made[0]}`, 'after');
    await double('model=a&model=b', 'model');
    await double('metadata[k]=1&metadata%5Bk%5D=2', 'metadata[k]');
  },

  'a filter that makes no sense is refused': async (t) => {
    const { thread } = await varied(t);
    const bad = (query, param, code = 'invalid_params') =>
      refused(t, t.sdk.runs.list(thread, query), 'BadRequestError', { status: 400, code, param });
    await bad({ status: ['queued', 'sleeping'] }, 'status[1]');
    await bad({ created_after: 'yesterday' }, 'created_after');
    await bad({ assistant_id: 'a b' }, 'assistant_id', 'invalid_id');
    for (const value of ['%ff', '%zz', '%', '%00']) {
      await refusedPlainly(
        t,
        `/threads/${thread}/runs?model=${value}`,
        {},
        { status: 400, code: 'invalid_params', param: 'model' },
      );
    }
  },
};
