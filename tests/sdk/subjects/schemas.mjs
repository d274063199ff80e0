// The validation itself: does it see what is wrong, and are its schemas OpenAI's?
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { extract, read } from '../extract.mjs';

const DIRECTORY = process.env.OPENAI_DESCRIPTION;

async function aRun(t) {
  const { assistant, thread } = await t.scene();
  return { ...(await t.sdk.runs.create(thread, { assistant_id: assistant })) };
}

export const tests = {
  'the schemas are those of the description, where that is at hand': async (t) => {
    if (!DIRECTORY || !fs.existsSync(DIRECTORY)) {
      t.skip('OPENAI_DESCRIPTION names no directory with *.openapi.json');
    }
    const files = fs
      .readdirSync(DIRECTORY)
      .filter((name) => name.endsWith('.openapi.json'))
      .sort();
    const made = extract(files.map((name) => read(path.join(DIRECTORY, name))));
    assert.deepEqual(made, read(new URL('../../data/openai/answers.json', import.meta.url)));
  },

  'a good run passes': async (t) => {
    assert.deepEqual(t.schemas.problems('RunObject', await aRun(t)), []);
  },

  'what is wrong with a run is found': async (t) => {
    const run = await aRun(t);
    const found = (changes) => t.schemas.problems('RunObject', { ...run, ...changes }).length;
    assert.ok(found({ status: 'sleeping' }));
    assert.ok(found({ created_at: '1' }));
    assert.ok(found({ tools: [{ type: 'hammer' }] }));
    assert.ok(found({ tools: [{ type: 'code_interpreter', colour: 1 }] }));
    assert.ok(found({ last_error: { code: 'server_error' } }));
    assert.ok(found({ required_action: { type: 'submit_tool_outputs' } }));
    assert.ok(found({ model: null }));
    assert.ok(found({ lease: 'x' }));
    const { usage, ...without } = run;
    assert.ok(t.schemas.problems('RunObject', without).length);
    assert.ok(t.schemas.problems('RunObject', { usage, ...without }).length, 'another order');
  },

  'what is wrong inside a list or an event is found': async (t) => {
    const run = await aRun(t);
    const list = { object: 'list', data: [run], first_id: run.id, last_id: run.id, has_more: false };
    assert.deepEqual(t.schemas.problems('ListRunsResponse', list), []);
    assert.deepEqual(
      t.schemas.problems('ListRunsResponse', { ...list, data: [], first_id: null, last_id: null }),
      [],
    );
    assert.ok(t.schemas.problems('ListRunsResponse', { ...list, data: [{ ...run, top_p: 'x' }] }).length);
    const event = { event: 'thread.run.queued', data: run };
    assert.deepEqual(t.schemas.problems('AssistantStreamEvent', event), []);
    assert.ok(t.schemas.problems('AssistantStreamEvent', { ...event, event: 'thread.run.dreaming' }).length);
    assert.ok(t.schemas.problems('AssistantStreamEvent', { ...event, data: { ...run, status: 'x' } }).length);
    assert.deepEqual(t.schemas.problems('AssistantStreamEvent', { event: 'done', data: '[DONE]' }), []);
  },

  'every path of the API has its schema': async (t) => {
    const of = (method, path_) => t.schemas.schemaOf(method, path_);
    assert.equal(of('POST', '/threads/runs'), 'RunObject');
    assert.equal(of('POST', '/threads/thread_1'), 'ThreadObject');
    assert.equal(of('GET', '/threads/thread_1/runs/run_1/steps'), 'ListRunStepsResponse');
    assert.equal(of('DELETE', '/threads/thread_1/messages/msg_1'), 'DeleteMessageResponse');
    assert.equal(of('GET', '/models'), undefined);
  },
};
