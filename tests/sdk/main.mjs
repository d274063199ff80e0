// One subject of the conformance suite, with one version of the official SDK, against a real gateway
// and a real daemon: node main.mjs MAJOR SUBJECT. Started by ./run, which has the environment.
import * as sdk from './sdk.mjs';
import { Answers } from './answers.mjs';
import { read } from './extract.mjs';
import { Schemas } from './schemas.mjs';
import { Skip, run } from './tap.mjs';
import { Worker, uid } from './worker.mjs';
import { Daemon, Gateway } from './world.mjs';

const [major, subject] = [Number(process.argv[2]), process.argv[3]];
const { tests } = await import(`./subjects/${subject}.mjs`);
const sdkModules = await sdk.load(process.env.RUNSTORE_SDK, major);
const schemas = new Schemas(sdkModules.Ajv, read(new URL('../data/openai/answers.json', import.meta.url)));
const daemon = await Daemon.start();
const gateway = await Gateway.start(daemon);

// What a test works with: `t.sdk` is the SDK by positional ids, `t.OpenAI` its class and errors.
class Test {
  constructor(comment) {
    Object.assign(this, { major, daemon, gateway, schemas, comment });
    this.OpenAI = sdkModules.module.OpenAI;
    this.errors = sdkModules.module;
    this.answers = new Answers(schemas);
    this.fetch = this.answers.recorder(globalThis.fetch, globalThis.Response);
    this.openai = this.client();
    this.sdk = sdk.api(this.openai, major);
    this.jobs = [];
    this.broken = new Promise((_, reject) => {
      this.fail = reject;
    });
    this.undone = [];
  }

  // A client of the SDK; its answers are validated.
  client({ url = this.gateway.url, ...options } = {}) {
    return new this.OpenAI({
      baseURL: `${url}/v1`,
      apiKey: 'any',
      fetch: this.answers.recorder(sdkModules.fetch, sdkModules.Response),
      ...options,
    });
  }

  sdkOf(client) {
    return sdk.api(client, major);
  }

  // An assistant's id, a thread that is there, and a worker for the assistant's runs.
  async scene() {
    const assistant = uid('asst');
    const { id: thread } = await this.sdk.threads.create();
    return { assistant, thread, worker: this.worker(assistant) };
  }

  worker(assistant, of = this.daemon) {
    return new Worker(of.rpc, assistant);
  }

  // Something that goes on while the test does; the test ends with it, and fails with it.
  meanwhile(work) {
    const job = work();
    job.catch(this.fail);
    this.jobs.push(job);
    return job;
  }

  // A gateway of its own, or a daemon; stopped at the end of the test.
  async startGateway(args, of = this.daemon) {
    const own = await Gateway.start(of, args);
    this.undone.push(() => own.stop());
    return own;
  }

  async startDaemon() {
    const own = await Daemon.start();
    this.undone.push(async () => {
      await own.stop();
      own.remove();
    });
    return own;
  }

  skip(why) {
    throw new Skip(why);
  }

  async end() {
    for (const undo of this.undone.reverse()) await undo();
  }
}

const validated = { answers: 0, events: 0 };

async function around(test, comment) {
  const t = new Test(comment);
  try {
    await Promise.race([test(t), t.broken]);
    await Promise.all(t.jobs);
  } finally {
    await t.end();
  }
  const problems = [...new Set(t.answers.problems())];
  validated.answers += t.answers.all.length;
  validated.events += t.answers.events;
  if (problems.length) {
    throw new Error(`answers that are not as they should be:\n${problems.slice(0, 20).join('\n')}`);
  }
}

process.stdout.write(`# openai ${sdkModules.version}, node ${process.version}\n`);
let failed = await run(tests, around);
process.stdout.write(
  `# ${validated.answers} answers and ${validated.events} events were held against the schemas\n`,
);
for (const program of [gateway, daemon]) {
  try {
    await program.stop();
  } catch (error) {
    failed += 1;
    process.stdout.write(`Bail out! ${error.message.replaceAll('\n', ' | ')}\n`);
  }
}
if (failed) {
  process.stdout.write(`${gateway.process.errors}${daemon.process.errors}`.replace(/^(?=.)/gm, '# '));
}
daemon.remove();
process.exit(failed ? 1 : 0);
