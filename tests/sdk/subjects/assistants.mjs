import assert from 'node:assert/strict';
import { collect, ids, refused } from '../help.mjs';
import { uid } from '../worker.mjs';

const WEATHER = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather at a place',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    strict: true,
  },
};

const FULL = {
  model: 'gpt-4o',
  name: 'Mathe-Tutor 🧮',
  description: 'Teaches',
  instructions: 'Explain each step.',
  tools: [
    { type: 'code_interpreter' },
    { type: 'file_search', file_search: { max_num_results: 7 } },
    WEATHER,
  ],
  tool_resources: { code_interpreter: { file_ids: ['file-1'] }, file_search: { vector_store_ids: ['vs_1'] } },
  metadata: { 'a key': 'ein Wert' },
  temperature: 0.25,
  top_p: 0.5,
  response_format: {
    type: 'json_schema',
    json_schema: { name: 'answer', strict: true, schema: { type: 'object' } },
  },
};

export const tests = {
  'an assistant with all fields is stored as it was sent': async (t) => {
    const before = Math.floor(Date.now() / 1000);
    const assistant = await t.sdk.assistants.create(FULL);
    const { id, object, created_at, ...fields } = assistant;
    assert.match(id, /^asst_/);
    assert.equal(object, 'assistant');
    assert.ok(created_at >= before && created_at <= before + 60);
    assert.deepEqual(fields, FULL);
    assert.deepEqual(await t.sdk.assistants.retrieve(id), assistant);
  },

  'an assistant needs a model only': async (t) => {
    const assistant = await t.sdk.assistants.create({ model: 'gpt-4o' });
    const { name, description, instructions, tools, metadata, temperature, top_p, response_format } =
      assistant;
    assert.deepEqual(
      { name, description, instructions, tools, metadata, temperature, top_p, response_format },
      {
        name: null,
        description: null,
        instructions: null,
        tools: [],
        metadata: {},
        temperature: 1,
        top_p: 1,
        response_format: 'auto',
      },
    );
  },

  'an assistant is changed field by field': async (t) => {
    const { id } = await t.sdk.assistants.create(FULL);
    const changed = await t.sdk.assistants.update(id, {
      model: 'gpt-4o-mini',
      name: 'Other',
      metadata: { b: '2' },
      tools: [],
      instructions: null,
    });
    assert.deepEqual(changed, {
      ...changed,
      model: 'gpt-4o-mini',
      name: 'Other',
      metadata: { b: '2' },
      tools: [],
      instructions: null,
      description: FULL.description,
      temperature: FULL.temperature,
    });
    assert.deepEqual(await t.sdk.assistants.retrieve(id), changed);
    assert.deepEqual((await t.sdk.assistants.update(id, { metadata: null })).metadata, {});
  },

  'assistants are listed, newest first unless asked otherwise': async (t) => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push((await t.sdk.assistants.create({ model: 'm', name: `${n}` })).id);
    const newest = await t.sdk.assistants.list({ limit: 5 });
    assert.deepEqual(ids(newest.data), [...made].reverse());
    const after = await t.sdk.assistants.list({ order: 'asc', limit: 2, after: made[1] });
    assert.deepEqual(ids(after.data), made.slice(2, 4));
    const before = await t.sdk.assistants.list({ order: 'asc', limit: 2, before: made[4] });
    assert.deepEqual(ids(before.data), made.slice(2, 4));
    const all = ids(await collect(t.sdk.assistants.list({ order: 'asc', limit: 3 })));
    assert.deepEqual(all.slice(-5), made);
    assert.equal(new Set(all).size, all.length);
  },

  'a deleted assistant is gone': async (t) => {
    const { id } = await t.sdk.assistants.create({ model: 'm' });
    assert.deepEqual(
      { ...(await t.sdk.assistants.del(id)) },
      { id, object: 'assistant.deleted', deleted: true },
    );
    await refused(t, t.sdk.assistants.retrieve(id), 'NotFoundError', {
      status: 404,
      code: 'not_found',
      message: new RegExp(`No assistant found with id '${id}'`),
    });
    await refused(t, t.sdk.assistants.del(id), 'NotFoundError', { status: 404, code: 'not_found' });
    await refused(t, t.sdk.assistants.update(id, { name: 'x' }), 'NotFoundError', {
      status: 404,
      code: 'not_found',
    });
  },

  'a run takes model, instructions and tools from its assistant': async (t) => {
    const { id: assistant_id } = await t.sdk.assistants.create(FULL);
    const { id: thread } = await t.sdk.threads.create();
    const run = await t.sdk.runs.create(thread, { assistant_id });
    assert.deepEqual([run.model, run.instructions, run.tools], [FULL.model, FULL.instructions, FULL.tools]);
    const { id: other } = await t.sdk.threads.create();
    const own = await t.sdk.runs.create(other, {
      assistant_id,
      model: 'gpt-4o-mini',
      instructions: 'Be brief.',
      tools: [],
    });
    assert.deepEqual([own.model, own.instructions, own.tools], ['gpt-4o-mini', 'Be brief.', []]);
  },

  'additional instructions follow those of the assistant': async (t) => {
    const { id: assistant_id } = await t.sdk.assistants.create(FULL);
    const run = await t.sdk.threads.createAndRun({ assistant_id });
    assert.equal(run.instructions, FULL.instructions);
    const { id: thread } = await t.sdk.threads.create();
    const more = await t.sdk.runs.create(thread, {
      assistant_id,
      additional_instructions: 'Today is Monday.',
    });
    assert.equal(more.instructions, `${FULL.instructions}\nToday is Monday.`);
  },

  'an unknown assistant is refused by a strict gateway only': async (t) => {
    const unknown = uid('asst');
    const { id: thread } = await t.sdk.threads.create();
    assert.equal((await t.sdk.runs.create(thread, { assistant_id: unknown })).assistant_id, unknown);
    const { url } = await t.startGateway(['--strict-assistants']);
    const strict = t.sdkOf(t.client({ url }));
    const { id: other } = await strict.threads.create();
    for (const call of [
      strict.runs.create(other, { assistant_id: unknown }),
      strict.threads.createAndRun({
        assistant_id: unknown,
        thread: { messages: [{ role: 'user', content: 'x' }] },
      }),
    ]) {
      await refused(t, call, 'NotFoundError', { status: 404, code: 'not_found', param: 'assistant_id' });
    }
    assert.deepEqual((await strict.runs.list(other)).data, []);
    const { id: known } = await strict.assistants.create({ model: 'm' });
    assert.equal((await strict.runs.create(other, { assistant_id: known })).status, 'queued');
  },

  'what is wrong with an assistant is named': async (t) => {
    const bad = (body, expected) =>
      refused(t, t.sdk.assistants.create(body), 'BadRequestError', {
        status: 400,
        type: 'invalid_request_error',
        ...expected,
      });
    await bad({}, { code: 'missing_param', param: 'model' });
    await bad({ model: 7 }, { code: 'invalid_params', param: 'model' });
    await bad({ model: 'm', temperature: 3 }, { code: 'invalid_params', param: 'temperature' });
    await bad({ model: 'm', colour: 'red' }, { code: 'unknown_param', param: 'colour' });
    await bad({ model: 'm', name: 'n'.repeat(257) }, { code: 'invalid_params', param: 'name' });
    await bad(
      { model: 'm', tools: [{ type: 'function', function: {} }] },
      { code: 'missing_param', param: 'tools[0].function.name' },
    );
    await bad({ model: 'm', metadata: { k: 1 } }, { code: 'invalid_params', param: 'metadata.k' });
    await refused(t, t.sdk.assistants.list({ limit: 101 }), 'BadRequestError', {
      code: 'invalid_params',
      param: 'limit',
    });
    await refused(t, t.sdk.assistants.list({ after: uid('asst') }), 'NotFoundError', {
      code: 'not_found',
      param: 'after',
    });
  },
};
