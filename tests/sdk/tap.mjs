// Runs tests one after another and tells of them in the Test Anything Protocol.
import { setTimeout as sleep } from 'node:timers/promises';

const TEST_MS = 20_000;
export const SLACK = Number(process.env.RUNSTORE_SDK_SLACK ?? 1); // slow builds are given this much more

function comment(text) {
  process.stdout.write(`${String(text).trimEnd().replace(/^/gm, '# ')}\n`);
}

export class Skip extends Error {}

// `tests`: functions by sentence. `around(test)` runs one test. Returns how many failed.
export async function run(tests, around) {
  const names = Object.keys(tests);
  let failed = 0;
  process.stdout.write(`1..${names.length}\n`);
  for (const [at, name] of names.entries()) {
    const late = sleep(TEST_MS * SLACK, null, { ref: false }).then(() => {
      throw new Error('not done in time');
    });
    try {
      await Promise.race([around(tests[name], comment), late]);
      process.stdout.write(`ok ${at + 1} - ${name}\n`);
    } catch (error) {
      if (error instanceof Skip) {
        process.stdout.write(`ok ${at + 1} - ${name} # SKIP ${error.message}\n`);
        continue;
      }
      failed += 1;
      process.stdout.write(`not ok ${at + 1} - ${name}\n`);
      comment(error.stack ?? error);
    }
  }
  return failed;
}
