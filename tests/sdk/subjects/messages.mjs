import assert from 'node:assert/strict';
import { collect, ids, refused } from '../help.mjs';
import { text, uid } from '../worker.mjs';

const words = (message) => message.content.map((part) => part.text.value).join('');

async function threadOf(t, n) {
  const { id } = await t.sdk.threads.create();
  const made = [];
  for (let i = 0; i < n; i++) {
    made.push((await t.sdk.messages.create(id, { role: 'user', content: `message ${i}` })).id);
  }
  return { id, made };
}

export const tests = {
  'a message of text is stored in full': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    const content = `Grüße, 世界 🌍 "quoted" \\ \u2028 \u0001 end\n${'long '.repeat(40_000)}`;
    const message = await t.sdk.messages.create(thread, { role: 'user', content, metadata: { k: 'v' } });
    assert.match(message.id, /^msg_/);
    assert.deepEqual(message.content, [text(content)]);
    const { role, status, assistant_id, run_id, thread_id, metadata, incomplete_details, incomplete_at } =
      message;
    assert.deepEqual(
      { role, status, assistant_id, run_id, thread_id, metadata, incomplete_details, incomplete_at },
      {
        role: 'user',
        status: 'completed',
        assistant_id: null,
        run_id: null,
        thread_id: thread,
        metadata: { k: 'v' },
        incomplete_details: null,
        incomplete_at: null,
      },
    );
    assert.deepEqual(await t.sdk.messages.retrieve(thread, message.id), message);
  },

  'a message may have parts of text and pictures': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    const message = await t.sdk.messages.create(thread, {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } },
        { type: 'image_file', image_file: { file_id: 'file-1', detail: 'high' } },
      ],
      attachments: [{ file_id: 'file-2', tools: [{ type: 'code_interpreter' }, { type: 'file_search' }] }],
    });
    assert.deepEqual(message.content, [
      text('What is this?'),
      { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } },
      { type: 'image_file', image_file: { file_id: 'file-1', detail: 'high' } },
    ]);
    assert.deepEqual(message.attachments, [
      { file_id: 'file-2', tools: [{ type: 'code_interpreter' }, { type: 'file_search' }] },
    ]);
  },

  'a message of the assistant may come from the client': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    assert.equal(
      (await t.sdk.messages.create(thread, { role: 'assistant', content: 'Hello' })).role,
      'assistant',
    );
  },

  'metadata is all that changes in a message': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    const message = await t.sdk.messages.create(thread, { role: 'user', content: 'x', metadata: { a: '1' } });
    const changed = await t.sdk.messages.update(thread, message.id, { metadata: { b: '2' } });
    assert.deepEqual(changed, { ...message, metadata: { b: '2' } });
    for (const param of ['content', 'status', 'role']) {
      await refused(
        t,
        t.sdk.messages.update(thread, message.id, { [param]: 'completed' }),
        'BadRequestError',
        { code: 'unknown_param', param },
      );
    }
  },

  'messages are listed, newest first unless asked otherwise': async (t) => {
    const { id, made } = await threadOf(t, 7);
    assert.deepEqual(ids((await t.sdk.messages.list(id)).data), [...made].reverse());
    const page = await t.sdk.messages.list(id, { order: 'asc', limit: 3 });
    assert.deepEqual(ids(page.data), made.slice(0, 3));
    assert.equal(page.hasNextPage(), true);
    assert.deepEqual(ids((await page.getNextPage()).data), made.slice(3, 6));
    assert.deepEqual(
      ids((await t.sdk.messages.list(id, { order: 'asc', after: made[1], before: made[5] })).data),
      made.slice(2, 5),
    );
    assert.deepEqual(
      ids((await t.sdk.messages.list(id, { order: 'asc', before: made[5], limit: 2 })).data),
      made.slice(3, 5),
    );
    assert.deepEqual(ids((await t.sdk.messages.list(id, { before: made[2], limit: 2 })).data), [
      made[4],
      made[3],
    ]);
  },

  'all messages come page by page': async (t) => {
    const { id, made } = await threadOf(t, 45);
    t.answers.clear();
    assert.deepEqual(ids(await collect(t.sdk.messages.list(id, { order: 'asc', limit: 10 }))), made);
    assert.equal(t.answers.log.length, 5);
    assert.deepEqual(ids(await collect(t.sdk.messages.list(id, { limit: 45 }))), [...made].reverse());
  },

  'pages that would be larger than an answer may be are cut, and nothing is lost': async (t) => {
    const { id } = await t.sdk.threads.create();
    const made = [];
    for (let n = 0; n < 6; n++) {
      const content = `${n} `.repeat(1_800_000);
      made.push((await t.sdk.messages.create(id, { role: 'user', content })).id);
    }
    t.answers.clear();
    assert.deepEqual(ids(await collect(t.sdk.messages.list(id, { order: 'asc', limit: 100 }))), made);
    assert.ok(t.answers.log.length > 1);
    assert.ok(t.answers.log.every(({ text: body }) => body.length < 17 * 1024 * 1024));
  },

  'messages are listed by their run': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    await t.sdk.messages.create(thread, { role: 'user', content: 'Question' });
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const said = [await worker.say('One'), await worker.say('Two')];
    await worker.complete();
    const listed = await t.sdk.messages.list(thread, { run_id: run.id, order: 'asc' });
    assert.deepEqual(ids(listed.data), ids(said));
    assert.deepEqual(
      listed.data.map(({ run_id, assistant_id }) => [run_id, assistant_id]),
      [
        [run.id, assistant],
        [run.id, assistant],
      ],
    );
    assert.equal((await t.sdk.messages.list(thread)).data.length, 3);
    assert.deepEqual((await t.sdk.messages.list(thread, { run_id: uid('run') })).data, []);
  },

  'a message that is being written is seen as it grows': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const { id } = await worker.message({ content: [], status: 'in_progress' });
    const seen = () => t.sdk.messages.retrieve(thread, id);
    assert.deepEqual([(await seen()).status, (await seen()).content], ['in_progress', []]);
    await worker.messageUpdate(id, { content: [text('Hel')] });
    assert.deepEqual([words(await seen()), (await seen()).completed_at], ['Hel', null]);
    await worker.messageUpdate(id, { content: [text('Hello')], status: 'completed' });
    const done = await seen();
    assert.deepEqual([done.status, words(done), done.run_id], ['completed', 'Hello', run.id]);
    assert.ok(done.completed_at >= done.created_at);
  },

  'a message that was given up says why': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    await t.sdk.runs.create(thread, { assistant_id: assistant });
    await worker.claim();
    const { id } = await worker.message({ content: 'Hel', status: 'in_progress' });
    await worker.messageUpdate(id, { status: 'incomplete', incomplete_details: { reason: 'max_tokens' } });
    const message = await t.sdk.messages.retrieve(thread, id);
    assert.deepEqual(
      [message.status, message.incomplete_details, message.completed_at],
      ['incomplete', { reason: 'max_tokens' }, null],
    );
    assert.ok(message.incomplete_at >= message.created_at);
  },

  'a deleted message is gone': async (t) => {
    const { id: thread, made } = await threadOf(t, 3);
    const [, id] = made;
    assert.deepEqual(
      { ...(await t.sdk.messages.del(thread, id)) },
      { id, object: 'thread.message.deleted', deleted: true },
    );
    const gone = (call) => refused(t, call, 'NotFoundError', { status: 404, code: 'not_found' });
    await gone(t.sdk.messages.retrieve(thread, id));
    await gone(t.sdk.messages.update(thread, id, { metadata: {} }));
    await gone(t.sdk.messages.del(thread, id));
    await refused(t, t.sdk.messages.list(thread, { after: id }), 'NotFoundError', {
      code: 'not_found',
      param: 'after',
    });
    assert.deepEqual(ids((await t.sdk.messages.list(thread)).data), [made[2], made[0]]);
  },

  'no message of a user is added while a run is active': async (t) => {
    const { assistant, thread, worker } = await t.scene();
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    await refused(t, t.sdk.messages.create(thread, { role: 'user', content: 'wait' }), 'BadRequestError', {
      code: 'run_active',
      message: new RegExp(`Can't add messages to ${thread} while a run ${run.id} is active\\.`),
    });
    await worker.claim();
    await worker.say('Done');
    await worker.complete();
    await t.sdk.messages.create(thread, { role: 'user', content: 'now' });
  },

  'a message on a thread of which nobody knows creates it': async (t) => {
    const thread = uid('thread');
    await refused(t, t.sdk.messages.list(thread), 'NotFoundError', { status: 404, code: 'not_found' });
    await t.sdk.messages.create(thread, { role: 'user', content: 'x' });
    assert.equal((await t.sdk.threads.retrieve(thread)).id, thread);
  },

  'a message is found in its own thread only': async (t) => {
    const {
      made: [id],
    } = await threadOf(t, 1);
    const { id: other } = await t.sdk.threads.create();
    await refused(t, t.sdk.messages.retrieve(other, id), 'NotFoundError', {
      status: 404,
      code: 'not_found',
      message: new RegExp(`No message found with id '${id}'`),
    });
  },

  'what is wrong with a message is named': async (t) => {
    const { id: thread } = await t.sdk.threads.create();
    const bad = (body, expected) =>
      refused(t, t.sdk.messages.create(thread, body), 'BadRequestError', { status: 400, ...expected });
    await bad({ content: 'x' }, { code: 'missing_param', param: 'role' });
    await bad({ role: 'user' }, { code: 'missing_param', param: 'content' });
    await bad({ role: 'system', content: 'x' }, { code: 'invalid_params', param: 'role' });
    await bad({ role: 'user', content: 7 }, { code: 'invalid_params', param: 'content' });
    await bad(
      { role: 'user', content: [{ type: 'sound' }] },
      { code: 'invalid_params', param: 'content[0].type' },
    );
    await bad({ role: 'user', content: 'x', run_id: 'run_1' }, { code: 'unknown_param', param: 'run_id' });
    await bad(
      { role: 'user', content: 'x', metadata: { k: 'v'.repeat(513) } },
      { code: 'invalid_params', param: 'metadata.k' },
    );
  },
};
