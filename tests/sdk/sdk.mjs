// Both versions of the official package behind one set of names, all with positional ids. What is
// called in the end are the package's own methods.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = { 4: 'openai4', 7: 'openai' };

// The packages in `directory`, and the version of the SDK whose major is `major`.
export async function load(directory, major) {
  const require = createRequire(path.join(directory, 'package.json'));
  const root = path.join(directory, 'node_modules', NAMES[major]);
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const module = await import(pathToFileURL(path.join(root, 'index.mjs')));
  // Version 4 comes with a fetch of its own.
  const fetch = major === 4 ? require('node-fetch') : globalThis.fetch;
  const Response = major === 4 ? fetch.Response : globalThis.Response;
  return { module, version, fetch, Response, Ajv: require('ajv').default };
}

// The methods of `resource`, some of them replaced.
function methods(resource, replaced = {}) {
  return new Proxy(resource, { get: (target, name) => replaced[name] ?? target[name].bind(target) });
}

function positional({ threads, assistants }) {
  return {
    assistants: methods(assistants),
    threads: methods(threads),
    messages: methods(threads.messages),
    runs: methods(threads.runs),
    steps: methods(threads.runs.steps),
  };
}

function named({ threads, assistants }) {
  const { messages, runs } = threads;
  const bare = (resource, method) => (thread_id, id, options) => resource[method](id, { thread_id }, options);
  const full = (resource, method) => (thread_id, id, body, options) =>
    resource[method](id, { thread_id, ...body }, options);
  return {
    assistants: methods(assistants, { del: assistants.delete.bind(assistants) }),
    threads: methods(threads, { del: threads.delete.bind(threads) }),
    messages: methods(messages, {
      retrieve: bare(messages, 'retrieve'),
      update: full(messages, 'update'),
      del: bare(messages, 'delete'),
    }),
    runs: methods(runs, {
      retrieve: bare(runs, 'retrieve'),
      update: full(runs, 'update'),
      cancel: bare(runs, 'cancel'),
      poll: bare(runs, 'poll'),
      submitToolOutputs: full(runs, 'submitToolOutputs'),
      submitToolOutputsAndPoll: full(runs, 'submitToolOutputsAndPoll'),
      submitToolOutputsStream: full(runs, 'submitToolOutputsStream'),
    }),
    steps: methods(runs.steps, {
      retrieve: (thread_id, run_id, id, query, options) =>
        runs.steps.retrieve(id, { thread_id, run_id, ...query }, options),
      list: full(runs.steps, 'list'),
    }),
  };
}

export function api(openai, major) {
  return major === 4 ? positional(openai.beta) : named(openai.beta);
}
