// How soon createAndPoll sees that a run has ended.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { SLACK } from '../tap.mjs';

const RUNS = 30;
const GOAL_MS = 20;

function middle(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export const tests = {
  [`createAndPoll sees completion within ${GOAL_MS} ms of it`]: async (t) => {
    const { assistant } = await t.scene();
    const afterReply = [];
    const afterRequest = [];
    for (let n = 0; n < RUNS; n++) {
      const { id: thread } = await t.sdk.threads.create();
      const worker = t.worker(assistant);
      let asked;
      let replied;
      const work = (async () => {
        await worker.claim();
        await sleep(20); // so that the poll waits by then
        asked = performance.now();
        await worker.complete();
        replied = performance.now();
      })();
      const run = await t.sdk.runs.createAndPoll(thread, { assistant_id: assistant });
      const seen = performance.now();
      await work;
      assert.equal(run.status, 'completed');
      afterReply.push(seen - replied);
      afterRequest.push(seen - asked);
    }
    t.comment(
      `createAndPoll returns ${middle(afterReply).toFixed(1)} ms after the worker has the reply to its update ` +
        `(median; at most ${Math.max(...afterReply).toFixed(1)} ms), ${middle(afterRequest).toFixed(1)} ms after it sent it`,
    );
    assert.ok(middle(afterReply) <= GOAL_MS * SLACK);
  },
};
