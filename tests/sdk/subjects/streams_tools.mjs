// Streams of runs that call tools, and of several steps at once.
import assert from 'node:assert/strict';
import { collect, ids, request } from '../help.mjs';
import * as sse from '../sse.mjs';
import {
  BEGIN,
  MESSAGE_BEGINS,
  STEP_BEGINS,
  deltas,
  listen,
  messagesAre,
  stored,
  streamed,
} from '../streaming.mjs';
import { USAGE, call, text, uid } from '../worker.mjs';

const INCLUDE = 'step_details.tool_calls[*].file_search.results[*].content';

// Submit `output` for every call that `run` waits for, and stream what follows.
function submit(t, run, output) {
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  return t.sdk.runs.submitToolOutputsStream(run.thread_id, run.id, {
    tool_outputs: calls.map(({ id }) => ({ tool_call_id: id, output })),
  });
}

export const tests = {
  'a tool call is followed, and the stream goes on from the submitted outputs': async (t) => {
    const pieces = ['{"', 'location', '": "', 'San Francisco, CA', '"}'];
    const first = await streamed(t, async (worker) => {
      const { call: made } = await worker.streamCall('get_current_weather', pieces);
      await worker.requireAction([made]);
    });
    const { told, thread, run, worker } = first;
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      ...deltas(pieces.length + 1, 'run.step'),
      'thread.run.requires_action',
    ]);
    assert.equal(run.status, 'requires_action');
    assert.equal(told.toolCallCreated[0][0].function.name, 'get_current_weather');
    assert.equal(told.toolCallDelta.length, pieces.length);
    assert.deepEqual(
      told.toolCallDelta.map(([delta]) => delta.function.arguments),
      pieces,
    );
    assert.equal(told.toolCallDone.at(-1)[0].function.arguments, pieces.join(''));

    t.meanwhile(async () => {
      await worker.claim();
      await worker.stream(['It is ', 'sunny.']);
      await worker.complete();
    });
    const [{ id: tool_call_id }] = run.required_action.submit_tool_outputs.tool_calls;
    const stream = t.sdk.runs.submitToolOutputsStream(thread, run.id, {
      tool_outputs: [{ tool_call_id, output: '70 degrees' }],
    });
    const after = listen(stream);
    assert.equal((await stream.finalRun()).status, 'completed');
    assert.deepEqual(after.events, [
      'thread.run.step.completed',
      'thread.run.queued',
      'thread.run.in_progress',
      ...STEP_BEGINS,
      ...MESSAGE_BEGINS,
      ...deltas(2),
      'thread.message.completed',
      'thread.run.step.completed',
      'thread.run.completed',
    ]);
    const { steps, messages } = await stored(t, first);
    assert.deepEqual(await stream.finalRunSteps(), steps);
    await messagesAre(t, stream, messages);
    assert.equal(steps[0].step_details.tool_calls[0].function.output, '70 degrees');
  },

  'a run that requires action without a step of its worker has one told': async (t) => {
    const calls = [call('a', { x: 1 }), call('b', {})];
    const { told, stream, run, thread } = await streamed(t, (worker) => worker.requireAction(calls));
    assert.deepEqual(
      told.events.filter((name) => !name.endsWith('.delta')),
      [...BEGIN, ...STEP_BEGINS, 'thread.run.requires_action'],
    );
    assert.deepEqual(run.required_action.submit_tool_outputs.tool_calls, calls);
    const [step] = await stream.finalRunSteps();
    assert.deepEqual(
      step.step_details.tool_calls.map((one) => [one.id, one.function.name, one.function.arguments]),
      calls.map((one) => [one.id, one.function.name, one.function.arguments]),
    );
    assert.deepEqual([step], (await stored(t, { run, thread })).steps);
  },

  'a code interpreter is followed': async (t) => {
    const interpreter = (input, outputs) => [
      { id: 'call_1', type: 'code_interpreter', code_interpreter: { input, outputs } },
    ];
    const all = await streamed(t, async (worker) => {
      const step = await worker.stepOfCalls([]);
      for (const [input, outputs] of [
        ['', []],
        ['print(', []],
        ['print(1)', []],
        ['print(1)', [{ type: 'logs', logs: '1' }]],
        [
          'print(1)',
          [
            { type: 'logs', logs: '1\n' },
            { type: 'image', image: { file_id: 'file-1' } },
          ],
        ],
      ]) {
        await worker.stepUpdate(step, {
          step_details: { type: 'tool_calls', tool_calls: interpreter(input, outputs) },
        });
      }
      await worker.stepUpdate(step, { status: 'completed' });
      await worker.complete();
    });
    assert.deepEqual(await all.stream.finalRunSteps(), (await stored(t, all)).steps);
    assert.equal(all.told.toolCallDone.at(-1)[0].code_interpreter.input, 'print(1)');
  },

  'createAndRun and submitToolOutputs stream as plain iterators too': async (t) => {
    const assistant = uid('asst');
    const worker = t.worker(assistant);
    const calls = [call('f', {})];
    t.meanwhile(async () => {
      await worker.claim();
      await worker.requireAction(calls);
    });
    const events = await collect(await t.sdk.threads.createAndRun({ assistant_id: assistant, stream: true }));
    assert.deepEqual(
      [events[0].event, events.at(-1).event],
      ['thread.created', 'thread.run.requires_action'],
    );
    const { thread_id, id } = events.at(-1).data;
    t.meanwhile(async () => {
      await worker.claim();
      await worker.complete();
    });
    const rest = await collect(
      await t.sdk.runs.submitToolOutputs(thread_id, id, {
        tool_outputs: [{ tool_call_id: calls[0].id, output: '1' }],
        stream: true,
      }),
    );
    assert.deepEqual(
      rest.map(({ event }) => event),
      ['thread.run.step.completed', 'thread.run.queued', 'thread.run.in_progress', 'thread.run.completed'],
    );
  },

  'steps that run side by side are told one after the other': async (t) => {
    const all = await streamed(t, async (worker) => {
      const one = await worker.stepOfCalls([]);
      const two = await worker.stepOfCalls([call('b', {})]);
      const message = uid('msg');
      const three = await worker.stepOfMessage(message);
      await worker.stepUpdate(one, {
        step_details: { type: 'tool_calls', tool_calls: [call('a', {}, 'call_a')] },
      });
      await worker.message({ id: message, content: [], status: 'in_progress' });
      await worker.stepUpdate(two, { status: 'completed' });
      await worker.messageUpdate(message, { content: [text('three')] });
      await worker.stepUpdate(one, { status: 'completed' });
      await worker.messageUpdate(message, { status: 'completed' });
      await worker.stepUpdate(three, { status: 'completed', usage: USAGE });
      await worker.complete();
    });
    const { told, stream } = all;
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      'thread.run.step.delta',
      'thread.run.step.completed',
      ...STEP_BEGINS,
      'thread.run.step.completed',
      ...STEP_BEGINS,
      ...MESSAGE_BEGINS,
      'thread.message.delta',
      'thread.message.completed',
      'thread.run.step.completed',
      'thread.run.completed',
    ]);
    const { steps, messages } = await stored(t, all);
    assert.deepEqual(
      told.runStepDone.map(([step]) => step.id),
      ids(steps),
    );
    assert.deepEqual(await stream.finalRunSteps(), steps);
    await messagesAre(t, stream, messages);
  },

  'a second round of tool calls is streamed from its own outputs on': async (t) => {
    const { run, worker } = await streamed(t, (w) => w.requireAction([call('one', {})]));
    t.meanwhile(async () => {
      await worker.claim();
      await worker.requireAction([call('two', {})]);
      await worker.claim();
      await worker.complete();
    });
    const between = submit(t, run, '1');
    const first = listen(between);
    const waiting = await between.finalRun();
    assert.deepEqual(first.events, [
      'thread.run.step.completed',
      'thread.run.queued',
      'thread.run.in_progress',
      ...STEP_BEGINS,
      'thread.run.requires_action',
    ]);
    assert.equal(waiting.required_action.submit_tool_outputs.tool_calls[0].function.name, 'two');
    const last = submit(t, waiting, '2');
    const second = listen(last);
    assert.equal((await last.finalRun()).status, 'completed');
    assert.deepEqual(second.events, [
      'thread.run.step.completed',
      'thread.run.queued',
      'thread.run.in_progress',
      'thread.run.completed',
    ]);
    assert.equal((await last.finalRunSteps())[0].step_details.tool_calls[0].function.output, '2');
  },

  'arguments of many thousand characters are streamed whole': async (t) => {
    const pieces = Array.from({ length: 25 }, (_, n) => `${n} ${'words '.repeat(1000)}`);
    const { told, run } = await streamed(t, async (worker) => {
      const { call: made } = await worker.streamCall('write', pieces);
      await worker.requireAction([made]);
    });
    assert.equal(told.toolCallDone.at(-1)[0].function.arguments, pieces.join(''));
    assert.equal(run.required_action.submit_tool_outputs.tool_calls[0].function.arguments, pieces.join(''));
  },

  'what file searches found is streamed when it is asked for': async (t) => {
    const content = [{ type: 'text', text: 'found text' }];
    const result = { file_id: 'file-1', file_name: 'a.txt', score: 0.5 };
    const search = (results) => [
      {
        id: 'call_1',
        type: 'file_search',
        file_search: { ranking_options: { ranker: 'auto', score_threshold: 0 }, results },
      },
    ];
    const script = async (worker) => {
      const step = await worker.stepOfCalls(search([]));
      await worker.stepUpdate(step, {
        step_details: { type: 'tool_calls', tool_calls: search([{ ...result, content }]) },
      });
      await worker.stepUpdate(step, { status: 'completed' });
      await worker.complete();
    };
    const found = (step) => step.step_details.tool_calls[0].file_search.results;
    const without = await streamed(t, script);
    assert.deepEqual(found((await without.stream.finalRunSteps())[0]), [result]);
    const asked = await streamed(t, script, 'stream', { include: [INCLUDE] });
    assert.deepEqual(found((await asked.stream.finalRunSteps())[0]), [{ ...result, content }]);
    const { text: replayed } = await request(t, `/threads/${asked.thread}/runs/${asked.run.id}/events`);
    assert.ok(sse.parse(replayed).length > 5 && !replayed.includes('found text'));
  },
};
