import assert from 'node:assert/strict';
import { collect, ids, refused } from '../help.mjs';
import { USAGE, call, uid } from '../worker.mjs';

const FUNCTION = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: {} } },
};

const FULL = {
  model: 'gpt-4o',
  instructions: 'Be kind.',
  tools: [{ type: 'code_interpreter' }, { type: 'file_search' }, FUNCTION],
  metadata: { ключ: 'значение' },
  temperature: 0.5,
  top_p: 0.75,
  max_prompt_tokens: 1000,
  max_completion_tokens: 256,
  truncation_strategy: { type: 'last_messages', last_messages: 10 },
  tool_choice: { type: 'function', function: { name: 'get_weather' } },
  parallel_tool_calls: false,
  response_format: { type: 'json_object' },
};

const DEFAULTS = {
  status: 'queued',
  required_action: null,
  last_error: null,
  started_at: null,
  cancelled_at: null,
  failed_at: null,
  completed_at: null,
  incomplete_details: null,
  model: '',
  instructions: '',
  tools: [],
  metadata: {},
  usage: null,
  temperature: 1,
  top_p: 1,
  max_prompt_tokens: null,
  max_completion_tokens: null,
  truncation_strategy: { type: 'auto', last_messages: null },
  tool_choice: 'auto',
  parallel_tool_calls: true,
  response_format: 'auto',
};

function pick(object, of) {
  return Object.fromEntries(Object.keys(of).map((name) => [name, object[name]]));
}

async function waitingForOutputs(t, calls) {
  const scene = await t.scene();
  const { id } = await t.sdk.runs.create(scene.thread, { assistant_id: scene.assistant, tools: [FUNCTION] });
  await scene.worker.claim();
  await scene.worker.requireAction(calls);
  return { ...scene, id };
}

export const tests = {
  'a run with all fields is stored as it was sent': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.create(thread, {
      assistant_id: assistant,
      reasoning_effort: 'low',
      ...FULL,
    });
    assert.match(run.id, /^run_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.deepEqual(pick(run, FULL), FULL);
    assert.deepEqual(
      [run.thread_id, run.assistant_id, run.expires_at],
      [thread, assistant, run.created_at + 600],
    );
    assert.deepEqual(await t.sdk.runs.retrieve(thread, run.id), run);
  },

  'a run needs an assistant only': async (t) => {
    const { assistant, thread } = await t.scene();
    assert.deepEqual(pick(await t.sdk.runs.create(thread, { assistant_id: assistant }), DEFAULTS), DEFAULTS);
  },

  'fields that are sent as null take their defaults': async (t) => {
    const { assistant, thread } = await t.scene();
    const nulls = Object.fromEntries(
      [...Object.keys(FULL), 'additional_instructions', 'additional_messages', 'reasoning_effort']
        .filter((name) => name !== 'parallel_tool_calls')
        .map((name) => [name, null]),
    );
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant, ...nulls });
    assert.deepEqual(pick(run, DEFAULTS), DEFAULTS);
  },

  'additional messages come before the run': async (t) => {
    const { assistant, thread } = await t.scene();
    await t.sdk.messages.create(thread, { role: 'user', content: 'One' });
    const run = await t.sdk.runs.create(thread, {
      assistant_id: assistant,
      instructions: 'A',
      additional_instructions: 'B',
      additional_messages: [
        { role: 'user', content: 'Two', metadata: { k: 'v' } },
        { role: 'assistant', content: [{ type: 'text', text: 'Three' }] },
      ],
    });
    assert.equal(run.instructions, 'A\nB');
    const messages = await collect(t.sdk.messages.list(thread, { order: 'asc' }));
    assert.deepEqual(
      messages.map(({ content }) => content[0].text.value),
      ['One', 'Two', 'Three'],
    );
    assert.deepEqual(
      messages.map(({ run_id }) => run_id),
      [null, null, null],
    );
  },

  'a run whose additional message is refused is not created, nor are the messages before': async (t) => {
    const { assistant, thread } = await t.scene();
    await refused(
      t,
      t.sdk.runs.create(thread, {
        assistant_id: assistant,
        additional_messages: [
          { role: 'user', content: 'fine' },
          { role: 'user', content: 5 },
        ],
      }),
      'BadRequestError',
      { code: 'invalid_params', param: 'additional_messages[1].content' },
    );
    await refused(
      t,
      t.sdk.runs.create(thread, {
        assistant_id: assistant,
        temperature: 9,
        additional_messages: [{ role: 'user', content: 'fine' }],
      }),
      'BadRequestError',
      { code: 'invalid_params', param: 'temperature' },
    );
    assert.deepEqual((await t.sdk.messages.list(thread)).data, []);
    assert.deepEqual((await t.sdk.runs.list(thread)).data, []);
  },

  'a thread and its run are created at once': async (t) => {
    const run = await t.sdk.threads.createAndRun({
      assistant_id: uid('asst'),
      thread: {
        metadata: { of: 'thread' },
        messages: [
          { role: 'user', content: 'Hello' },
          { role: 'user', content: 'Again' },
        ],
        tool_resources: { code_interpreter: { file_ids: ['file-1'] } },
      },
      ...FULL,
    });
    assert.match(run.thread_id, /^thread_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.deepEqual(pick(run, FULL), FULL);
    const thread = await t.sdk.threads.retrieve(run.thread_id);
    assert.deepEqual(
      [thread.metadata, thread.tool_resources],
      [{ of: 'thread' }, { code_interpreter: { file_ids: ['file-1'] } }],
    );
    const messages = await collect(t.sdk.messages.list(run.thread_id, { order: 'asc' }));
    assert.deepEqual(
      messages.map(({ content }) => content[0].text.value),
      ['Hello', 'Again'],
    );
  },

  'a thread and its run may be created of an assistant alone': async (t) => {
    const run = await t.sdk.threads.createAndRun({ assistant_id: uid('asst') });
    assert.deepEqual(pick(run, DEFAULTS), DEFAULTS);
    assert.equal((await t.sdk.threads.retrieve(run.thread_id)).id, run.thread_id);
  },

  'what is wrong with the thread of a run is named by its path': async (t) => {
    const { threads } = await t.daemon.rpc.call('server.stats');
    const bad = (body, expected) =>
      refused(t, t.sdk.threads.createAndRun({ assistant_id: 'asst_1', ...body }), 'BadRequestError', {
        status: 400,
        ...expected,
      });
    await bad(
      {
        thread: {
          messages: [
            { role: 'user', content: 'x' },
            { role: 'x', content: 'x' },
          ],
        },
      },
      { code: 'invalid_params', param: 'thread.messages[1].role' },
    );
    await bad({ thread: { metadata: { k: 1 } } }, { code: 'invalid_params', param: 'thread.metadata.k' });
    await bad({ thread: { colour: 1 } }, { code: 'unknown_param', param: 'thread.colour' });
    await bad({ thread: 'x' }, { code: 'invalid_params', param: 'thread' });
    await bad({ colour: 1 }, { code: 'unknown_param', param: 'colour' });
    await bad({ top_p: 2 }, { code: 'invalid_params', param: 'top_p' });
    await bad({ assistant_id: undefined }, { code: 'missing_param', param: 'assistant_id' });
    assert.equal((await t.daemon.rpc.call('server.stats')).threads, threads);
  },

  'hints reach the worker: reasoning effort and tool resources': async (t) => {
    const assistant = uid('asst');
    await t.sdk.threads.createAndRun({
      assistant_id: assistant,
      tool_resources: { file_search: { vector_store_ids: ['vs_1'] } },
    });
    const { hints } = await t.worker(assistant).claim();
    assert.deepEqual(hints.tool_resources, { file_search: { vector_store_ids: ['vs_1'] } });
    const { id: thread } = await t.sdk.threads.create();
    await t.sdk.runs.create(thread, { assistant_id: assistant, reasoning_effort: 'high' });
    assert.equal((await t.worker(assistant).claim()).hints.reasoning_effort, 'high');
  },

  'metadata is all that a client changes in a run': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant, metadata: { a: '1' } });
    assert.deepEqual(await t.sdk.runs.update(thread, run.id, { metadata: { b: '2' } }), {
      ...run,
      metadata: { b: '2' },
    });
    assert.deepEqual((await t.sdk.runs.update(thread, run.id, { metadata: null })).metadata, {});
    for (const param of ['status', 'usage', 'temperature']) {
      await refused(t, t.sdk.runs.update(thread, run.id, { [param]: 'completed' }), 'BadRequestError', {
        code: 'unknown_param',
        param,
      });
    }
  },

  'runs are listed, newest first unless asked otherwise': async (t) => {
    const { assistant, thread } = await t.scene();
    const made = [];
    for (let n = 0; n < 5; n++) {
      made.push((await t.sdk.runs.create(thread, { assistant_id: assistant, on_active: 'parallel' })).id);
    }
    assert.deepEqual(ids((await t.sdk.runs.list(thread)).data), [...made].reverse());
    assert.deepEqual(
      ids((await t.sdk.runs.list(thread, { order: 'asc', limit: 2, after: made[0] })).data),
      made.slice(1, 3),
    );
    assert.deepEqual(
      ids((await t.sdk.runs.list(thread, { order: 'asc', limit: 2, before: made[4] })).data),
      made.slice(2, 4),
    );
    assert.deepEqual(ids(await collect(t.sdk.runs.list(thread, { limit: 2 }))), [...made].reverse());
    const empty = await t.sdk.runs.list(thread, { after: made[0] });
    assert.deepEqual([empty.data, empty.has_more], [[], false]);
  },

  'a second run on a thread is refused, queued or let beside as asked': async (t) => {
    const { assistant, thread } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await refused(t, t.sdk.runs.create(thread, { assistant_id: assistant }), 'BadRequestError', {
      status: 400,
      code: 'run_active',
      message: new RegExp(`Thread ${thread} already has an active run ${run.id}\\.`),
    });
    await t.sdk.runs.create(thread, { assistant_id: assistant, on_active: 'enqueue' });
    await t.sdk.runs.create(thread, { assistant_id: assistant, on_active: 'parallel' });
  },

  'a queued run is cancelled at once': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const run = await t.sdk.runs.cancel(thread, id);
    assert.equal(run.status, 'cancelled');
    assert.ok(run.cancelled_at >= run.created_at);
    assert.equal(run.expires_at, null);
  },

  'a run in progress is cancelled by its worker': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    assert.equal((await t.sdk.runs.cancel(thread, id)).status, 'cancelling');
    await refused(t, t.sdk.runs.cancel(thread, id), 'BadRequestError', {
      code: 'invalid_transition',
      message: /Cannot cancel run with status 'cancelling'\./,
    });
    await worker.update({ status: 'cancelled' });
    assert.equal((await t.sdk.runs.retrieve(thread, id)).status, 'cancelled');
  },

  'a run that has ended is not cancelled': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    await worker.complete();
    await refused(t, t.sdk.runs.cancel(thread, id), 'BadRequestError', {
      status: 400,
      code: 'invalid_transition',
      type: 'invalid_request_error',
      message: /Cannot cancel run with status 'completed'\./,
    });
    const run = await t.sdk.runs.retrieve(thread, id);
    assert.deepEqual([run.usage, run.expires_at], [USAGE, null]);
    assert.ok(run.started_at <= run.completed_at);
  },

  'tool outputs are submitted, and the run is queued again': async (t) => {
    const calls = [call('get_weather', { city: 'Oslo' }), call('get_weather', { city: 'Rome' })];
    const { thread, id, worker } = await waitingForOutputs(t, calls);
    const waiting = await t.sdk.runs.retrieve(thread, id);
    assert.equal(waiting.status, 'requires_action');
    assert.deepEqual(waiting.required_action, {
      type: 'submit_tool_outputs',
      submit_tool_outputs: { tool_calls: calls },
    });
    const run = await t.sdk.runs.submitToolOutputs(thread, id, {
      tool_outputs: calls.map((one, n) => ({ tool_call_id: one.id, output: `${n} degrees` })),
    });
    assert.deepEqual([run.status, run.required_action], ['queued', null]);
    const [step] = (await t.sdk.steps.list(thread, id)).data;
    assert.deepEqual([step.type, step.status], ['tool_calls', 'completed']);
    assert.deepEqual(
      step.step_details.tool_calls.map((one) => [one.id, one.function.output]),
      calls.map((one, n) => [one.id, `${n} degrees`]),
    );
    await worker.claim();
    await worker.complete();
  },

  'tool outputs that do not fit are refused': async (t) => {
    const calls = [call('get_weather', {}), call('get_weather', {})];
    const { thread, id } = await waitingForOutputs(t, calls);
    const submit = (tool_outputs, expected) =>
      refused(t, t.sdk.runs.submitToolOutputs(thread, id, { tool_outputs }), 'BadRequestError', {
        status: 400,
        ...expected,
      });
    const [one, two] = calls.map(({ id: tool_call_id }) => ({ tool_call_id, output: 'x' }));
    await submit([one], { code: 'invalid_params' });
    await submit([one, two, { tool_call_id: 'call_other', output: 'x' }], { code: 'invalid_params' });
    await submit([one, { ...two, output: 5 }], { code: 'invalid_params', param: 'tool_outputs[1].output' });
    await submit([one, { ...two, colour: 1 }], { code: 'unknown_param', param: 'tool_outputs[1].colour' });
    await submit(undefined, { code: 'missing_param', param: 'tool_outputs' });
    assert.equal((await t.sdk.runs.retrieve(thread, id)).status, 'requires_action');
    await t.sdk.runs.cancel(thread, id);
    await refused(
      t,
      t.sdk.runs.submitToolOutputs(thread, id, { tool_outputs: [one, two] }),
      'BadRequestError',
      { code: 'invalid_transition', message: /Runs in status "cancelled" do not accept tool outputs\./ },
    );
  },

  'a run is found in its own thread only': async (t) => {
    const { assistant, thread } = await t.scene();
    const { id } = await t.sdk.runs.create(thread, { assistant_id: assistant });
    const { id: other } = await t.sdk.threads.create();
    const gone = (promise) =>
      refused(t, promise, 'NotFoundError', {
        status: 404,
        code: 'not_found',
        message: new RegExp(`No run found with id '${id}'`),
      });
    await gone(t.sdk.runs.retrieve(other, id));
    await gone(t.sdk.runs.update(other, id, { metadata: {} }));
    await gone(t.sdk.runs.cancel(other, id));
    await gone(t.sdk.runs.submitToolOutputs(other, id, { tool_outputs: [] }));
    await gone(t.sdk.steps.list(other, id));
  },

  'what is wrong with a run is named': async (t) => {
    const { assistant, thread } = await t.scene();
    const bad = (body, expected) =>
      refused(t, t.sdk.runs.create(thread, { assistant_id: assistant, ...body }), 'BadRequestError', {
        status: 400,
        type: 'invalid_request_error',
        ...expected,
      });
    await bad({ assistant_id: undefined }, { code: 'missing_param', param: 'assistant_id' });
    await bad({ assistant_id: 'a/b' }, { code: 'invalid_id', param: 'assistant_id' });
    await bad({ colour: 'red' }, { code: 'unknown_param', param: 'colour' });
    await bad({ temperature: 2.1 }, { code: 'invalid_params', param: 'temperature' });
    await bad({ max_prompt_tokens: 255 }, { code: 'invalid_params', param: 'max_prompt_tokens' });
    await bad(
      { tools: [{ type: 'code_interpreter' }, { type: 'hammer' }] },
      { code: 'invalid_params', param: 'tools[1].type' },
    );
    await bad(
      { tools: [FUNCTION, { type: 'function', function: { name: 'n'.repeat(65) } }] },
      { code: 'invalid_params', param: 'tools[1].function.name' },
    );
    await bad(
      { tools: Array.from({ length: 21 }, () => FUNCTION) },
      { code: 'invalid_params', param: 'tools' },
    );
    await bad(
      { truncation_strategy: { type: 'last_messages', last_messages: 0 } },
      { code: 'invalid_params', param: 'truncation_strategy.last_messages' },
    );
    await bad({ tool_choice: 'maybe' }, { code: 'invalid_params', param: 'tool_choice' });
    await bad({ metadata: [] }, { code: 'invalid_params', param: 'metadata' });
    await bad({ on_active: 'sometimes' }, { code: 'invalid_params', param: 'on_active' });
    await bad({ expires_in: -1 }, { code: 'invalid_params', param: 'expires_in' });
    await bad({ id: 'run_mine' }, { code: 'unknown_param', param: 'id' });
    await bad({ thread_id: 'thread_other' }, { code: 'unknown_param', param: 'thread_id' });
  },
};
