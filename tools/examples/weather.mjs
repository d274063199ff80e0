// A program for OpenAI's Assistants API as there are many, with the official package, unmodified: all
// that it knows of runstore is where OPENAI_BASE_URL points. Somebody has to execute its runs:
// `worker --exec tools/examples/weather-agent.sh`.
import OpenAI from 'openai';

const openai = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL ?? 'http://127.0.0.1:8788/v1',
  apiKey: process.env.OPENAI_API_KEY ?? 'none',
});

const assistant = await openai.beta.assistants.create({
  model: 'gpt-4o',
  name: 'Weather',
  instructions: 'You answer questions about the weather.',
  tools: [{
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  }],
});
console.log('assistant  ', assistant.id);

const thread = await openai.beta.threads.create();
await openai.beta.threads.messages.create(thread.id, {
  role: 'user',
  content: 'How is the weather in Oslo?',
});

let run = await openai.beta.threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id });
while (run.status === 'requires_action') {
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  for (const call of calls) {
    console.log('tool call  ', call.function.name, call.function.arguments);
  }
  run = await openai.beta.threads.runs.submitToolOutputsAndPoll(run.id, {
    thread_id: thread.id,
    tool_outputs: calls.map((call) => ({ tool_call_id: call.id, output: '4 degrees, rain' })),
  });
}
console.log('run        ', run.status, run.usage?.total_tokens, 'tokens');

const messages = await openai.beta.threads.messages.list(thread.id, { order: 'asc' });
for (const message of messages.data) {
  console.log('message    ', `${message.role}:`, message.content[0].text.value);
}
for await (const step of openai.beta.threads.runs.steps.list(run.id, { thread_id: thread.id, order: 'asc' })) {
  console.log('step       ', step.type, step.status);
}
