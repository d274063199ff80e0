// GET /v1/threads/{t}/runs/{r}/events: all that has happened to a run, and what goes on happening.
import assert from 'node:assert/strict';
import { refused, refusedPlainly, request } from '../help.mjs';
import * as sse from '../sse.mjs';
import { USAGE, call, text, uid } from '../worker.mjs';

const path = (thread, run) => `/threads/${thread}/runs/${run}/events`;

async function replay(t, thread, run, after) {
  const headers = after === undefined ? {} : { 'last-event-id': String(after) };
  const { status, headers: answer, text: body } = await request(t, path(thread, run), { headers });
  assert.equal(status, 200, body);
  assert.equal(answer.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(answer.get('cache-control'), 'no-cache');
  return sse.parse(body);
}

// A run that has seen all kinds of things: steps side by side, a message in pieces, tool outputs.
async function eventful(t) {
  const { assistant, thread, worker } = await t.scene();
  const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
  await worker.claim();
  const one = await worker.stepOfCalls([]);
  const message = uid('msg');
  const two = await worker.stepOfMessage(message);
  await worker.message({ id: message, content: [], status: 'in_progress' });
  await worker.stepUpdate(one, {
    step_details: { type: 'tool_calls', tool_calls: [call('f', { a: 1 }, 'call_f')] },
  });
  await worker.messageUpdate(message, { content: [text('Let me')] });
  await worker.stepUpdate(one, { status: 'completed' });
  await t.sdk.runs.update(thread, id, { metadata: { k: 'v' } });
  await worker.messageUpdate(message, { content: [text('Let me see.')], status: 'completed' });
  await worker.stepUpdate(two, { status: 'completed', usage: USAGE });
  const { call: made } = await worker.streamCall('g', ['{"x":', '1}']);
  await worker.requireAction([made]);
  await t.sdk.runs.submitToolOutputs(thread, id, {
    tool_outputs: [{ tool_call_id: made.id, output: 'yes' }],
  });
  await worker.claim();
  await worker.stream(['All ', 'done.']);
  await worker.complete();
  return { thread, run: id };
}

const EVENTFUL = [
  'thread.run.created',
  'thread.run.queued',
  'thread.run.in_progress',
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.run.step.delta',
  'thread.run.step.completed',
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.message.created',
  'thread.message.in_progress',
  'thread.message.delta',
  'thread.message.delta',
  'thread.message.completed',
  'thread.run.step.completed',
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.run.step.delta',
  'thread.run.step.delta',
  'thread.run.step.delta',
  'thread.run.requires_action',
  'thread.run.step.delta',
  'thread.run.step.completed',
  'thread.run.queued',
  'thread.run.in_progress',
  'thread.run.step.created',
  'thread.run.step.in_progress',
  'thread.message.created',
  'thread.message.in_progress',
  'thread.message.delta',
  'thread.message.delta',
  'thread.message.completed',
  'thread.run.step.completed',
  'thread.run.completed',
  'done',
];

export const tests = {
  'a run is told from its creation to its end, through what it required': async (t) => {
    const { thread, run } = await eventful(t);
    const events = await replay(t, thread, run);
    assert.deepEqual(
      events.map(({ event }) => event),
      EVENTFUL,
    );
    assert.deepEqual(JSON.parse(events.at(-2).data), { ...(await t.sdk.runs.retrieve(thread, run)) });
  },

  'each event but the last has the number of its change': async (t) => {
    const { thread, run } = await eventful(t);
    const events = await replay(t, thread, run);
    const { changes } = await t.daemon.rpc.call('changes.list', { run_id: run, limit: 1000, after: 0 });
    const known = new Set(changes.map(({ seq }) => `${seq}`));
    for (const { event, id } of events.slice(0, -1)) assert.ok(known.has(id), `${event} has the id ${id}`);
    assert.deepEqual(events.at(-1), { event: 'done', data: '[DONE]' });
  },

  'the stream is taken up behind every event, with exactly the rest': async (t) => {
    const { thread, run } = await eventful(t);
    const events = await replay(t, thread, run);
    const numbers = new Set(events.map(({ id }) => id).filter(Boolean));
    assert.ok(numbers.size > 20);
    for (const number of numbers) {
      const last = events.findLastIndex(({ id }) => id === number);
      assert.deepEqual(await replay(t, thread, run, number), events.slice(last + 1), `after ${number}`);
    }
  },

  'an id of which the run knows nothing is refused': async (t) => {
    const { thread, run } = await eventful(t);
    const other = await eventful(t);
    const [{ id: foreign }] = await replay(t, other.thread, other.run);
    for (const id of [foreign, '0', '999999999', '-1', 'abc', '1.5', '99999999999999999999', ' ']) {
      await refusedPlainly(
        t,
        path(thread, run),
        { headers: { 'last-event-id': id } },
        { status: 400, code: 'invalid_params', param: 'Last-Event-ID' },
      );
    }
  },

  'events of a run that goes on come as they happen': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const response = await fetch(`${t.gateway.url}/v1${path(thread, id)}`);
    const events = sse.read(response.body);
    const next = async () => (await events.next()).value;
    assert.equal((await next()).event, 'thread.run.created');
    assert.equal((await next()).event, 'thread.run.queued');
    await worker.claim();
    const { event, id: number } = await next();
    assert.equal(event, 'thread.run.in_progress');
    const calls = [call('f', {})];
    await worker.requireAction(calls);
    assert.equal((await next()).event, 'thread.run.step.created');
    assert.equal((await next()).event, 'thread.run.step.in_progress');
    assert.equal((await next()).event, 'thread.run.requires_action');
    await t.sdk.runs.submitToolOutputs(thread, id, {
      tool_outputs: [{ tool_call_id: calls[0].id, output: '1' }],
    });
    assert.equal((await next()).event, 'thread.run.step.delta'); // the output
    assert.equal((await next()).event, 'thread.run.step.completed');
    const resumed = replay(t, thread, id, number);
    await worker.claim();
    await worker.complete();
    const rest = [];
    for await (const one of events) rest.push(one.event);
    assert.deepEqual(rest, ['thread.run.queued', 'thread.run.in_progress', 'thread.run.completed', 'done']);
    assert.deepEqual(
      (await resumed).map((one) => one.event),
      [
        'thread.run.step.created',
        'thread.run.step.in_progress',
        'thread.run.requires_action',
        'thread.run.step.delta',
        'thread.run.step.completed',
        ...rest,
      ],
    );
  },

  'events that are held back are taken up again as well': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const one = await worker.stepOfCalls([call('a', {})]);
    const two = await worker.stepOfCalls([call('b', {})]);
    await worker.stepUpdate(two, { status: 'completed' });
    const response = await fetch(`${t.gateway.url}/v1${path(thread, id)}`);
    const seen = [];
    for await (const event of sse.read(response.body)) {
      seen.push(event);
      if (seen.length === 5) break;
    }
    assert.deepEqual(
      seen.slice(3).map(({ event, data }) => [event, JSON.parse(data).id]),
      [
        ['thread.run.step.created', one.id],
        ['thread.run.step.in_progress', one.id],
      ],
    );
    await worker.stepUpdate(one, { status: 'completed' });
    await worker.complete();
    const rest = await replay(t, thread, id, seen.at(-1).id);
    assert.deepEqual(
      rest.map(({ event, data }) => [event, event === 'done' ? '' : JSON.parse(data).id]),
      [
        ['thread.run.step.completed', one.id],
        ['thread.run.step.created', two.id],
        ['thread.run.step.in_progress', two.id],
        ['thread.run.step.completed', two.id],
        ['thread.run.completed', id],
        ['done', ''],
      ],
    );
  },

  'each object is as its change left it': async (t) => {
    const { thread, run } = await eventful(t);
    const events = (await replay(t, thread, run)).slice(0, -1).map(sse.object);
    const runs = events.filter(({ event }) => /^thread\.run\.[a-z_]+$/.test(event));
    assert.deepEqual(
      runs.map(({ data }) => data.status),
      ['queued', 'queued', 'in_progress', 'requires_action', 'queued', 'in_progress', 'completed'],
    );
    assert.deepEqual(
      runs.map(({ data }) => data.metadata.k),
      [undefined, undefined, undefined, 'v', 'v', 'v', 'v'],
    );
    assert.ok(runs[3].data.required_action);
    const steps = events.filter(({ event }) =>
      /^thread\.run\.step\.(created|in_progress|completed)$/.test(event),
    );
    assert.ok(
      steps.every(
        ({ event, data }) => data.status === (event.endsWith('completed') ? 'completed' : 'in_progress'),
      ),
    );
    assert.deepEqual(steps[0].data.step_details.tool_calls, []);
  },

  'an imported run is told as far as it is known': async (t) => {
    const { thread, run } = await eventful(t);
    const object = { ...(await t.sdk.runs.retrieve(thread, run)), id: uid('run') };
    await t.daemon.rpc.call('objects.import', { objects: [object] });
    const events = await replay(t, thread, object.id);
    assert.deepEqual(
      [events[0].event, events.at(-2).event, events.at(-1).event],
      ['thread.run.created', 'thread.run.completed', 'done'],
    );
  },

  'there are no events of what is not there': async (t) => {
    const { thread, run } = await eventful(t);
    const { id: other } = await t.sdk.threads.create();
    await refusedPlainly(
      t,
      path(thread, uid('run')),
      {},
      { status: 404, code: 'not_found', param: 'run_id' },
    );
    await refusedPlainly(t, path(other, run), {}, { status: 404, code: 'not_found', param: 'run_id' });
    await refusedPlainly(
      t,
      `${path(thread, run)}?after=1`,
      {},
      { status: 400, code: 'unknown_param', param: 'after' },
    );
    await refusedPlainly(t, path(thread, run), { json: {} }, { status: 405, code: 'method_not_allowed' });
    await t.sdk.threads.del(thread);
    await refusedPlainly(t, path(thread, run), {}, { status: 404, code: 'not_found', param: 'run_id' });
    await refused(t, t.sdk.runs.retrieve(thread, run), 'NotFoundError', {
      code: 'not_found',
      param: 'run_id',
    });
  },
};
