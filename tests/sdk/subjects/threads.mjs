import assert from 'node:assert/strict';
import { collect, refused } from '../help.mjs';
import { uid } from '../worker.mjs';

const RESOURCES = {
  code_interpreter: { file_ids: ['file-1', 'file-2'] },
  file_search: { vector_store_ids: ['vs_1'] },
};

export const tests = {
  'a thread may be created of nothing': async (t) => {
    const thread = await t.sdk.threads.create();
    assert.match(thread.id, /^thread_/);
    assert.deepEqual(thread.metadata, {});
    assert.deepEqual(await t.sdk.threads.retrieve(thread.id), thread);
    assert.deepEqual((await t.sdk.messages.list(thread.id)).data, []);
    assert.deepEqual((await t.sdk.runs.list(thread.id)).data, []);
  },

  'a thread keeps its metadata and tool resources': async (t) => {
    const thread = await t.sdk.threads.create({ metadata: { user: 'Zoë' }, tool_resources: RESOURCES });
    assert.deepEqual(thread.metadata, { user: 'Zoë' });
    assert.deepEqual(thread.tool_resources, RESOURCES);
    const changed = await t.sdk.threads.update(thread.id, { metadata: { other: '1' } });
    assert.deepEqual([changed.metadata, changed.tool_resources], [{ other: '1' }, RESOURCES]);
    const files = { code_interpreter: { file_ids: [] } };
    assert.deepEqual(
      (await t.sdk.threads.update(thread.id, { tool_resources: files })).tool_resources,
      files,
    );
    assert.deepEqual((await t.sdk.threads.update(thread.id, { metadata: null })).metadata, {});
  },

  'a thread is created with its messages, in their order': async (t) => {
    const thread = await t.sdk.threads.create({
      metadata: { a: 'b' },
      messages: [
        { role: 'user', content: 'One', metadata: { n: '1' } },
        { role: 'assistant', content: [{ type: 'text', text: 'Two' }] },
        {
          role: 'user',
          content: 'Three',
          attachments: [{ file_id: 'file-1', tools: [{ type: 'file_search' }] }],
        },
      ],
    });
    const messages = await collect(t.sdk.messages.list(thread.id, { order: 'asc' }));
    assert.deepEqual(
      messages.map(({ role, content }) => [role, content[0].text.value]),
      [
        ['user', 'One'],
        ['assistant', 'Two'],
        ['user', 'Three'],
      ],
    );
    assert.deepEqual(messages[0].metadata, { n: '1' });
    assert.deepEqual(messages[2].attachments, [{ file_id: 'file-1', tools: [{ type: 'file_search' }] }]);
    assert.ok(messages.every(({ thread_id, status }) => thread_id === thread.id && status === 'completed'));
  },

  'a thread of which one message is refused is not created': async (t) => {
    const { threads } = await t.daemon.rpc.call('server.stats');
    await refused(
      t,
      t.sdk.threads.create({
        messages: [
          { role: 'user', content: 'fine' },
          { role: 'robot', content: 'x' },
        ],
      }),
      'BadRequestError',
      { code: 'invalid_params', param: 'messages[1].role' },
    );
    await refused(t, t.sdk.threads.create({ messages: [{ role: 'user' }] }), 'BadRequestError', {
      code: 'missing_param',
      param: 'messages[0].content',
    });
    assert.equal((await t.daemon.rpc.call('server.stats')).threads, threads);
  },

  'a deleted thread is gone with all in it': async (t) => {
    const { thread, assistant } = await t.scene();
    const message = await t.sdk.messages.create(thread, { role: 'user', content: 'x' });
    const run = await t.sdk.runs.create(thread, { assistant_id: assistant });
    assert.deepEqual(
      { ...(await t.sdk.threads.del(thread)) },
      { id: thread, object: 'thread.deleted', deleted: true },
    );
    const gone = (call) => refused(t, call, 'NotFoundError', { status: 404, code: 'not_found' });
    await gone(t.sdk.threads.retrieve(thread));
    await gone(t.sdk.threads.update(thread, { metadata: {} }));
    await gone(t.sdk.threads.del(thread));
    await gone(t.sdk.messages.list(thread));
    await gone(t.sdk.messages.retrieve(thread, message.id));
    await gone(t.sdk.runs.retrieve(thread, run.id));
  },

  'an unknown thread is named in the refusal': async (t) => {
    const unknown = uid('thread');
    await refused(t, t.sdk.threads.retrieve(unknown), 'NotFoundError', {
      status: 404,
      code: 'not_found',
      message: new RegExp(`No thread found with id '${unknown}'`),
    });
  },

  'what is wrong with a thread is named': async (t) => {
    const bad = (body, expected) =>
      refused(t, t.sdk.threads.create(body), 'BadRequestError', { status: 400, ...expected });
    await bad({ colour: 'red' }, { code: 'unknown_param', param: 'colour' });
    await bad({ metadata: { k: 'v'.repeat(513) } }, { code: 'invalid_params', param: 'metadata.k' });
    await bad(
      { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, 'v'])) },
      { code: 'invalid_params', param: 'metadata' },
    );
    await bad({ messages: 'x' }, { code: 'invalid_params', param: 'messages' });
    await bad({ tool_resources: 1 }, { code: 'invalid_params', param: 'tool_resources' });
  },
};
