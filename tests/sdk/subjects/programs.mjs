// Whole programs as the API's documentation shows them, with the SDK as it comes: a client that is told by
// the environment where to go, and its own fetch.
import assert from 'node:assert/strict';
import { collect } from '../help.mjs';
import { USAGE, call, uid } from '../worker.mjs';

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'getCurrentTemperature',
      description: 'Get the current temperature for a specific location',
      parameters: {
        type: 'object',
        properties: {
          location: { type: 'string' },
          unit: { type: 'string', enum: ['Celsius', 'Fahrenheit'] },
        },
        required: ['location', 'unit'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'getRainProbability',
      description: 'Get the probability of rain for a specific location',
      parameters: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
    },
  },
];
const OUTPUTS = { getCurrentTemperature: '57', getRainProbability: '0.06' };
const ANSWER = 'It is 57 °F in San Francisco, with a 6 % chance of rain.';

// The SDK as a program gets it that says nothing but `new OpenAI()`.
function program(t) {
  process.env.OPENAI_BASE_URL = `${t.gateway.url}/v1`;
  process.env.OPENAI_API_KEY = 'sk-any';
  return t.sdkOf(new t.OpenAI());
}

// The other side: asks for both functions, then answers.
async function weatherman(t, assistant, answer = (worker) => worker.say(ANSWER)) {
  const worker = t.worker(assistant);
  await worker.claim();
  const question = await t.daemon.rpc.call('messages.list', { thread_id: worker.run.thread_id });
  assert.match(question.data[0].content[0].text.value, /weather/);
  assert.deepEqual(
    worker.run.tools.map((tool) => tool.function.name),
    ['getCurrentTemperature', 'getRainProbability'],
  );
  await worker.requireAction([
    call('getCurrentTemperature', { location: 'San Francisco, CA', unit: 'Fahrenheit' }),
    call('getRainProbability', { location: 'San Francisco, CA' }),
  ]);
  await worker.claim();
  await answer(worker);
  await worker.complete();
}

function outputsOf(run) {
  return run.required_action.submit_tool_outputs.tool_calls.map((one) => ({
    tool_call_id: one.id,
    output: OUTPUTS[one.function.name],
  }));
}

// Each is given a client in two ways: as it comes, and with its answers recorded to be validated.
const programs = {
  'function calling without streaming, as documented': async (t, client) => {
    const assistant = await client.assistants.create({
      model: 'gpt-4o',
      tools: TOOLS,
      instructions: 'You are a weather bot. Use the provided functions to answer questions.',
    });
    const thread = await client.threads.create();
    await client.messages.create(thread.id, {
      role: 'user',
      content: "What's the weather in San Francisco today and the likelihood it'll rain?",
    });
    t.meanwhile(() => weatherman(t, assistant.id));

    let run = await client.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
    assert.equal(run.status, 'requires_action');
    run = await client.runs.submitToolOutputsAndPoll(thread.id, run.id, { tool_outputs: outputsOf(run) });
    assert.deepEqual([run.status, run.usage], ['completed', USAGE]);

    const messages = await client.messages.list(run.thread_id);
    assert.deepEqual(
      [...messages.data].reverse().map((message) => message.role),
      ['user', 'assistant'],
    );
    assert.equal(messages.data[0].content[0].text.value, ANSWER);
    const steps = await collect(client.steps.list(thread.id, run.id, { order: 'asc' }));
    assert.deepEqual(
      steps.map((step) => [step.type, step.status]),
      [
        ['tool_calls', 'completed'],
        ['message_creation', 'completed'],
      ],
    );
    assert.deepEqual(
      steps[0].step_details.tool_calls.map((one) => one.function.output),
      Object.values(OUTPUTS),
    );
    assert.equal(steps[1].step_details.message_creation.message_id, messages.data[0].id);
  },

  'function calling with streaming, as documented': async (t, client) => {
    const assistant = await client.assistants.create({ model: 'gpt-4o', tools: TOOLS });
    const thread = await client.threads.create({
      messages: [{ role: 'user', content: 'How is the weather?' }],
    });
    t.meanwhile(() => weatherman(t, assistant.id, (worker) => worker.stream([...ANSWER.match(/.{1,9}/gu)])));

    let said = '';
    const follow = async (stream) => {
      for await (const event of stream) {
        if (event.event === 'thread.message.delta') said += event.data.delta.content[0].text.value;
        if (event.event === 'thread.run.requires_action') {
          await follow(
            client.runs.submitToolOutputsStream(event.data.thread_id, event.data.id, {
              tool_outputs: outputsOf(event.data),
            }),
          );
        }
      }
    };
    await follow(await client.runs.stream(thread.id, { assistant_id: assistant.id }));
    assert.equal(said, ANSWER);
  },

  'a conversation of several runs on one thread': async (t, client) => {
    const { id: assistant_id } = await client.assistants.create({ model: 'gpt-4o', instructions: 'Count.' });
    t.meanwhile(async () => {
      for (let n = 1; n <= 5; n++) {
        const worker = await t.worker(assistant_id).claim();
        await worker.stream([`This is answer `, `${n}`]);
        await worker.complete();
      }
    });
    let run = await client.threads.createAndRunPoll({
      assistant_id,
      thread: { messages: [{ role: 'user', content: 'Question 1' }] },
    });
    for (let n = 2; n <= 5; n++) {
      if (n % 2) {
        await client.messages.create(run.thread_id, { role: 'user', content: `Question ${n}` });
        run = await client.runs.createAndStream(run.thread_id, { assistant_id }).finalRun();
      } else {
        run = await client.runs.createAndPoll(run.thread_id, {
          assistant_id,
          additional_messages: [{ role: 'user', content: `Question ${n}` }],
        });
      }
      assert.equal(run.status, 'completed');
    }
    const messages = await collect(client.messages.list(run.thread_id, { order: 'asc', limit: 3 }));
    assert.deepEqual(
      messages.map((message) => message.content[0].text.value),
      [1, 2, 3, 4, 5].flatMap((n) => [`Question ${n}`, `This is answer ${n}`]),
    );
    assert.equal((await collect(client.runs.list(run.thread_id))).length, 5);
  },

  'a program that cleans up after itself': async (t, client) => {
    const assistant = await client.assistants.create({ model: 'gpt-4o', metadata: { temporary: 'yes' } });
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => client.threads.createAndRun({ assistant_id: assistant.id })),
    );
    for (const run of runs) {
      assert.equal((await client.runs.cancel(run.thread_id, run.id)).status, 'cancelled');
      assert.equal((await client.threads.del(run.thread_id)).deleted, true);
    }
    assert.equal((await client.assistants.del(assistant.id)).deleted, true);
  },

  'a program that waits by itself': async (t, client) => {
    const assistant_id = uid('asst');
    t.meanwhile(async () => {
      const worker = await t.worker(assistant_id).claim();
      await worker.say('Done');
      await worker.complete();
    });
    let run = await client.threads.createAndRun({ assistant_id });
    while (['queued', 'in_progress'].includes(run.status)) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
      run = await client.runs.retrieve(run.thread_id, run.id);
    }
    assert.equal(run.status, 'completed');
  },
};

export const tests = Object.fromEntries(
  Object.entries(programs).flatMap(([name, run]) => [
    [name, (t) => run(t, program(t))],
    [`${name}; its answers`, (t) => run(t, t.sdk)],
  ]),
);
