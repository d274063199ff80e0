// Streams through the SDK: AssistantStream, and the plain iterator.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { collect, refused } from '../help.mjs';
import {
  BEGIN,
  MESSAGE_BEGINS,
  SAID,
  STEP_BEGINS,
  deltas,
  listen,
  messagesAre,
  stored,
  streamed,
} from '../streaming.mjs';
import { call, text, uid } from '../worker.mjs';

function resolvers() {
  const all = {};
  all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }));
  return all;
}

export const tests = {
  'a worker that does not stream gives the official sequence': async (t) => {
    const all = await streamed(t, async (worker) => {
      await worker.say('Hello! How can I assist you today?');
      await worker.complete();
    });
    const { told, stream } = all;
    assert.deepEqual(told.events, [...BEGIN, ...SAID, 'thread.run.completed']);
    const { run, steps, messages } = await stored(t, all);
    assert.deepEqual(all.run, run);
    await messagesAre(t, stream, messages);
    assert.deepEqual(await stream.finalRunSteps(), steps);
    assert.deepEqual(
      told.textDone.map(([one]) => one.value),
      ['Hello! How can I assist you today?'],
    );
    assert.deepEqual(told.order, [
      'runStepCreated',
      'messageCreated',
      'textCreated',
      'messageDelta',
      'textDelta',
      'textDone',
      'messageDone',
      'runStepDone',
      'end',
    ]);
  },

  'a worker that streams is followed piece by piece': async (t) => {
    const pieces = ['Hel', 'lo', ', ', 'Zoë', ' 🌍', '\n"quoted" \\', '\r\n\u2028 data: x\n\n'];
    const all = await streamed(t, async (worker) => {
      await worker.stream(pieces);
      await worker.complete();
    });
    const { told, stream } = all;
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      ...MESSAGE_BEGINS,
      ...deltas(pieces.length),
      'thread.message.completed',
      'thread.run.step.completed',
      'thread.run.completed',
    ]);
    assert.deepEqual(
      told.textDelta.map(([delta]) => delta.value),
      pieces,
    );
    assert.deepEqual(
      told.textDelta.map(([, snapshot]) => snapshot.value),
      pieces.map((_, n) => pieces.slice(0, n + 1).join('')),
    );
    assert.equal(told.textCreated.length, 1);
    assert.deepEqual(
      told.textDone.map(([one]) => one.value),
      [pieces.join('')],
    );
    const { messages, steps } = await stored(t, all);
    await messagesAre(t, stream, messages);
    assert.deepEqual(
      told.messageDone.map(([message]) => message),
      messages,
    );
    assert.deepEqual(
      told.runStepDone.map(([step]) => step),
      steps,
    );
  },

  'pieces come while the run goes on': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const stream = t.sdk.runs.createAndStream(thread, { assistant_id: assistant });
    const [first, second] = ['first', 'second'].map(() => Promise.withResolvers?.() ?? resolvers());
    stream.on('textDelta', ({ value }) => (value === 'one' ? first : second).resolve());
    await worker.claim();
    const { id } = await worker.message({ content: [], status: 'in_progress' });
    await worker.messageUpdate(id, { content: [text('one')] });
    await first.promise;
    await worker.messageUpdate(id, { content: [text('one two')] });
    await second.promise;
    await worker.messageUpdate(id, { status: 'completed' });
    await worker.complete();
    assert.equal((await stream.finalRun()).status, 'completed');
    assert.equal((await stream.finalMessages())[0].content[0].text.value, 'one two');
  },

  'a message that is completed with more text has that told first': async (t) => {
    const { told, stream } = await streamed(t, async (worker) => {
      const { id } = await worker.message({ content: 'Hel', status: 'in_progress' });
      await worker.messageUpdate(id, { content: [text('Hello')], status: 'completed' });
      await worker.complete();
    });
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...MESSAGE_BEGINS,
      ...deltas(2),
      'thread.message.completed',
      'thread.run.completed',
    ]);
    assert.deepEqual(
      told.textDelta.map(([delta]) => delta.value),
      ['Hel', 'lo'],
    );
    assert.equal((await stream.finalMessages())[0].content[0].text.value, 'Hello');
  },

  'a message of several parts is told part by part': async (t) => {
    const image = { type: 'image_file', image_file: { file_id: 'file-1', detail: 'auto' } };
    const all = await streamed(t, async (worker) => {
      const { id } = await worker.message({ content: [], status: 'in_progress' });
      await worker.messageUpdate(id, { content: [text('See')] });
      await worker.messageUpdate(id, { content: [text('See'), image] });
      await worker.messageUpdate(id, { content: [text('See'), image, text('there')] });
      await worker.messageUpdate(id, { status: 'completed' });
      await worker.complete();
    });
    assert.deepEqual(
      all.told.textDone.map(([one]) => one.value),
      ['See', 'there'],
    );
    assert.deepEqual(
      all.told.imageFileDone.map(([one]) => one.file_id),
      ['file-1'],
    );
    await messagesAre(t, all.stream, (await stored(t, all)).messages);
  },

  'annotations come with their text': async (t) => {
    const annotation = {
      type: 'file_citation',
      text: '[1]',
      start_index: 4,
      end_index: 7,
      file_citation: { file_id: 'file-1' },
    };
    const all = await streamed(t, async (worker) => {
      const { id } = await worker.message({ content: [], status: 'in_progress' });
      await worker.messageUpdate(id, { content: [text('See ')] });
      await worker.messageUpdate(id, {
        content: [{ type: 'text', text: { value: 'See [1]', annotations: [annotation] } }],
      });
      await worker.messageUpdate(id, { status: 'completed' });
      await worker.complete();
    });
    const { messages } = await stored(t, all);
    assert.deepEqual(messages[0].content[0].text.annotations, [annotation]);
    await messagesAre(t, all.stream, messages);
  },

  'createAndRunStream begins with the thread': async (t) => {
    const assistant = uid('asst');
    const worker = t.worker(assistant);
    t.meanwhile(async () => {
      await worker.claim();
      await worker.say('Hello');
      await worker.complete();
    });
    const stream = t.sdk.threads.createAndRunStream({
      assistant_id: assistant,
      thread: { messages: [{ role: 'user', content: 'Hi' }], metadata: { k: 'v' } },
    });
    const told = listen(stream);
    const created = new Promise((resolve) => {
      stream.on('event', ({ event, data }) => event === 'thread.created' && resolve(data));
    });
    const run = await stream.finalRun();
    assert.deepEqual(told.events, ['thread.created', ...BEGIN, ...SAID, 'thread.run.completed']);
    assert.deepEqual(await created, await t.sdk.threads.retrieve(run.thread_id));
    assert.deepEqual((await created).metadata, { k: 'v' });
  },

  'the iterator gives the events one by one': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    t.meanwhile(async () => {
      await worker.claim();
      await worker.say('Hello');
      await worker.complete();
    });
    const stream = await t.sdk.runs.create(thread, { assistant_id: assistant, stream: true });
    const events = await collect(stream);
    assert.deepEqual(
      events.map(({ event }) => event),
      [...BEGIN, ...SAID, 'thread.run.completed'],
    );
    assert.deepEqual(events.at(-1).data, await t.sdk.runs.retrieve(thread, events[0].data.id));
    const [created, progress] = events
      .filter(({ event }) => MESSAGE_BEGINS.includes(event))
      .map(({ data }) => data);
    assert.deepEqual([created.status, created.content, created.completed_at], ['in_progress', [], null]);
    assert.deepEqual(progress, created);
    assert.deepEqual(events[0].data, events[1].data);
    assert.equal(t.answers.log.at(-2).answer.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.match(t.answers.log.at(-2).text, /event: done\ndata: \[DONE\]\n\n$/);
  },

  'messages that are written side by side are told one after the other': async (t) => {
    const all = await streamed(t, async (worker) => {
      const [one, two] = [uid('msg'), uid('msg')];
      await worker.message({ id: one, content: [], status: 'in_progress' });
      await worker.message({ id: two, content: [], status: 'in_progress' });
      await worker.messageUpdate(two, { content: [text('two')] });
      await worker.messageUpdate(one, { content: [text('one')] });
      await worker.messageUpdate(two, { status: 'completed' });
      await worker.messageUpdate(one, { status: 'completed' });
      await worker.complete();
    });
    const message = [...MESSAGE_BEGINS, 'thread.message.delta', 'thread.message.completed'];
    assert.deepEqual(all.told.events, [...BEGIN, ...message, ...message, 'thread.run.completed']);
    assert.deepEqual(
      all.told.textDone.map(([one]) => one.value),
      ['one', 'two'],
    );
    await messagesAre(t, all.stream, (await stored(t, all)).messages);
  },

  'a run that fails ends its steps and its stream': async (t) => {
    const { told, run, stream } = await streamed(t, async (worker) => {
      await worker.stepOfCalls([call('f', {})]);
      await worker.update({ status: 'failed', last_error: { code: 'server_error', message: 'Broken.' } });
    });
    assert.deepEqual(told.events, [...BEGIN, ...STEP_BEGINS, 'thread.run.step.failed', 'thread.run.failed']);
    assert.equal(run.last_error.message, 'Broken.');
    assert.equal((await stream.finalRunSteps())[0].status, 'failed');
  },

  'a run that is cancelled tells of it twice': async (t) => {
    const { told, run } = await streamed(t, async (worker) => {
      await worker.stepOfCalls([call('f', {})]);
      await t.sdk.runs.cancel(worker.run.thread_id, worker.run.id);
      await worker.update({ status: 'cancelled' });
    });
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      'thread.run.cancelling',
      'thread.run.step.cancelled',
      'thread.run.cancelled',
    ]);
    assert.equal(run.status, 'cancelled');
  },

  'a run that expires ends its steps and its stream': async (t) => {
    const { told, run } = await streamed(t, (worker) => worker.stepOfCalls([call('f', {})]), 'stream', {
      expires_in: 1,
    });
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      'thread.run.step.expired',
      'thread.run.expired',
    ]);
    assert.equal(run.status, 'expired');
  },

  'a run that is left incomplete ends its stream': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    t.meanwhile(async () => {
      await worker.claim();
      const { id } = await worker.message({ content: 'Hel', status: 'in_progress' });
      await worker.messageUpdate(id, { status: 'incomplete', incomplete_details: { reason: 'max_tokens' } });
      await worker.update({ status: 'incomplete', incomplete_details: { reason: 'max_completion_tokens' } });
    });
    // Version 4's AssistantStream does not know that this is an end, so it is not asked.
    const events = await collect(await t.sdk.runs.create(thread, { assistant_id: assistant, stream: true }));
    assert.deepEqual(
      events.map(({ event }) => event),
      [
        ...BEGIN,
        ...MESSAGE_BEGINS,
        'thread.message.delta',
        'thread.message.incomplete',
        'thread.run.incomplete',
      ],
    );
  },

  'messages that were being written end with their run': async (t) => {
    for (const [reason, end, body] of [
      [
        'run_failed',
        (worker) => worker.update({ status: 'failed', last_error: { code: 'server_error', message: 'x' } }),
        {},
      ],
      ['run_expired', () => {}, { expires_in: 1 }],
      [
        'run_cancelled',
        async (worker) => {
          await t.sdk.runs.cancel(worker.run.thread_id, worker.run.id);
          await worker.update({ status: 'cancelled' });
        },
        {},
      ],
    ]) {
      const all = await streamed(
        t,
        async (worker) => {
          const { id } = await worker.message({ content: [], status: 'in_progress' });
          await worker.messageUpdate(id, { content: [text('Hel')] });
          await end(worker);
        },
        'stream',
        body,
      );
      const events = all.told.events.filter((event) => event !== 'thread.run.cancelling');
      assert.deepEqual(events, [
        ...BEGIN,
        ...MESSAGE_BEGINS,
        'thread.message.delta',
        'thread.message.incomplete',
        `thread.${reason.replace('_', '.')}`,
      ]);
      const { messages } = await stored(t, all);
      assert.deepEqual([messages[0].status, messages[0].incomplete_details], ['incomplete', { reason }]);
      await messagesAre(t, all.stream, messages);
    }
  },

  'what one worker began another one ends': async (t) => {
    const all = await streamed(t, async (worker) => {
      const step = await worker.stepOfMessage('msg_begun');
      await worker.message({ id: 'msg_begun', content: [], status: 'in_progress' });
      await worker.rpc.call('runs.release', { run_id: worker.run.id, lease: worker.lease });
      await worker.claim();
      await worker.messageUpdate('msg_begun', { content: [text('Ended.')], status: 'completed' });
      await worker.stepUpdate(step, { status: 'completed' });
      await worker.say('And more.');
      await worker.complete();
    });
    const { steps, messages } = await stored(t, all);
    assert.deepEqual(await all.stream.finalRunSteps(), steps);
    await messagesAre(t, all.stream, messages);
  },

  'a run whose lease is lost is queued once more': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    t.meanwhile(async () => {
      await worker.claim();
      await worker.rpc.call('runs.release', { run_id: worker.run.id, lease: worker.lease });
      await worker.claim();
      await worker.complete();
    });
    const events = await collect(await t.sdk.runs.create(thread, { assistant_id: assistant, stream: true }));
    assert.deepEqual(
      events.map(({ event }) => event),
      [...BEGIN, 'thread.run.queued', 'thread.run.in_progress', 'thread.run.completed'],
    );
  },

  'metadata that changes is no event': async (t) => {
    const { told } = await streamed(t, async (worker) => {
      await t.sdk.runs.update(worker.run.thread_id, worker.run.id, { metadata: { a: '1' } });
      const step = await worker.stepOfCalls([call('f', {})]);
      await worker.stepUpdate(step, { metadata: { b: '2' } });
      await worker.stepUpdate(step, { status: 'completed' });
      await worker.complete();
    });
    assert.deepEqual(told.events, [
      ...BEGIN,
      ...STEP_BEGINS,
      'thread.run.step.completed',
      'thread.run.completed',
    ]);
  },

  'a run that is deleted ends its stream with an error': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    t.meanwhile(async () => {
      await worker.claim();
      await sleep(100);
      await t.sdk.threads.del(thread);
    });
    const stream = t.sdk.runs.stream(thread, { assistant_id: assistant });
    await refused(t, stream.finalRun(), 'APIError', {
      code: 'not_found',
      type: 'invalid_request_error',
      message: /No run found/,
    });
  },

  'a stream that is left early harms nobody': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const stream = await t.sdk.runs.create(thread, { assistant_id: assistant, stream: true });
    for await (const { event } of stream) {
      if (event === 'thread.run.queued') break;
    }
    await worker.claim();
    await worker.say('Nobody listens');
    await worker.complete();
    assert.equal((await t.sdk.runs.list(thread)).data[0].status, 'completed');
  },

  'an AssistantStream can be aborted': async (t) => {
    const { assistant, thread } = await t.scene();
    const stream = t.sdk.runs.stream(thread, { assistant_id: assistant });
    stream.on('event', () => stream.abort());
    await refused(t, stream.done(), 'APIUserAbortError', {});
    assert.equal((await t.sdk.runs.list(thread)).data[0].status, 'queued');
  },

  'what is refused is refused before the stream begins': async (t) => {
    const { assistant, thread } = await t.scene();
    const bad = { status: 400, code: 'invalid_params', param: 'temperature' };
    await refused(
      t,
      t.sdk.runs.stream(thread, { assistant_id: assistant, temperature: 5 }).finalRun(),
      'BadRequestError',
      bad,
    );
    await refused(
      t,
      t.sdk.threads.createAndRun({ assistant_id: assistant, temperature: 5, stream: true }),
      'BadRequestError',
      bad,
    );
    await refused(
      t,
      t.sdk.runs.create(thread, { assistant_id: assistant, stream: 'yes' }),
      'BadRequestError',
      { status: 400, code: 'invalid_params', param: 'stream' },
    );
    await refused(
      t,
      t.sdk.runs.submitToolOutputsStream(thread, uid('run'), { tool_outputs: [] }).finalRun(),
      'NotFoundError',
      { status: 404, code: 'not_found' },
    );
  },

  'long messages are streamed whole': async (t) => {
    const pieces = Array.from({ length: 30 }, (_, n) => `${n} ${'words '.repeat(1500)}`);
    const { told, stream } = await streamed(t, async (worker) => {
      await worker.stream(pieces);
      await worker.complete();
    });
    assert.equal(told.textDelta.map(([delta]) => delta.value).join(''), pieces.join(''));
    assert.equal((await stream.finalMessages())[0].content[0].text.value, pieces.join(''));
  },

  'a run of many thousand characters is streamed as well': async (t) => {
    const instructions = 'Be kind. '.repeat(20_000);
    const all = await streamed(
      t,
      async (worker) => {
        await worker.say('Hello');
        await worker.complete();
      },
      'stream',
      { instructions },
    );
    assert.deepEqual(all.told.events, [...BEGIN, ...SAID, 'thread.run.completed']);
    assert.deepEqual(all.run, (await stored(t, all)).run);
  },

  'fifty streams at once each tell of their own run': async (t) => {
    const assistant = uid('asst');
    t.meanwhile(async () => {
      await Promise.all(
        Array.from({ length: 5 }, async () => {
          const worker = t.worker(assistant);
          for (let n = 0; n < 10; n++) {
            await worker.claim();
            await worker.stream(['It is ', worker.run.metadata.n]);
            await worker.complete();
          }
        }),
      );
    });
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const stream = t.sdk.threads.createAndRunStream({ assistant_id: assistant, metadata: { n: `${n}` } });
        assert.equal((await stream.finalRun()).metadata.n, `${n}`);
        assert.equal((await stream.finalMessages())[0].content[0].text.value, `It is ${n}`);
      }),
    );
  },
};
