// An executor of runs, over the daemon's socket.
import { randomBytes } from 'node:crypto';

export function uid(prefix) {
  return `${prefix}_${randomBytes(8).toString('hex')}`;
}

export const USAGE = { prompt_tokens: 20, completion_tokens: 11, total_tokens: 31 };

export function text(value) {
  return { type: 'text', text: { value, annotations: [] } };
}

export function call(name, args, id = uid('call')) {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
}

export class Worker {
  // Executes the runs of one assistant, so that tests do not take each other's.
  constructor(rpc, assistantId) {
    this.rpc = rpc;
    this.assistantId = assistantId;
  }

  async claim() {
    const claim = await this.rpc.call('runs.claim', {
      worker: 'sdk-test',
      assistant_ids: [this.assistantId],
      wait_ms: 10_000,
      lease_ms: 60_000,
    });
    if (!claim) throw new Error('no run to claim');
    this.run = claim.run;
    this.hints = claim.hints;
    this.lease = claim.lease.token;
    return this;
  }

  update(changes) {
    return this.rpc.call('runs.update', { run_id: this.run.id, lease: this.lease, ...changes });
  }

  complete(usage = USAGE) {
    return this.update({ status: 'completed', usage });
  }

  requireAction(calls) {
    return this.update({
      status: 'requires_action',
      required_action: { type: 'submit_tool_outputs', submit_tool_outputs: { tool_calls: calls } },
    });
  }

  step(params) {
    return this.rpc.call('steps.create', { run_id: this.run.id, lease: this.lease, ...params });
  }

  stepUpdate(step, params) {
    return this.rpc.call('steps.update', {
      run_id: this.run.id,
      step_id: step.id,
      lease: this.lease,
      ...params,
    });
  }

  stepOfCalls(calls) {
    return this.step({ type: 'tool_calls', step_details: { type: 'tool_calls', tool_calls: calls } });
  }

  stepOfMessage(message_id) {
    return this.step({
      type: 'message_creation',
      step_details: { type: 'message_creation', message_creation: { message_id } },
    });
  }

  // The assistant's message, belonging to the run.
  message(params) {
    return this.rpc.call('messages.create', {
      thread_id: this.run.thread_id,
      run_id: this.run.id,
      assistant_id: this.run.assistant_id,
      lease: this.lease,
      role: 'assistant',
      ...params,
    });
  }

  messageUpdate(message_id, params) {
    return this.rpc.call('messages.update', {
      thread_id: this.run.thread_id,
      message_id,
      lease: this.lease,
      ...params,
    });
  }

  // A message that is there at once, with its step. Returns the message.
  async say(words) {
    const id = uid('msg');
    const step = await this.stepOfMessage(id);
    const message = await this.message({ id, content: words });
    await this.stepUpdate(step, { status: 'completed', usage: USAGE });
    return message;
  }

  // A message that comes in pieces, with its step.
  async stream(pieces) {
    const id = uid('msg');
    const step = await this.stepOfMessage(id);
    await this.message({ id, content: [], status: 'in_progress' });
    for (let n = 1; n <= pieces.length; n++) {
      await this.messageUpdate(id, { content: [text(pieces.slice(0, n).join(''))] });
    }
    const message = await this.messageUpdate(id, { status: 'completed' });
    await this.stepUpdate(step, { status: 'completed', usage: USAGE });
    return message;
  }

  // A tool call whose arguments come in pieces; the step stays open.
  async streamCall(name, pieces, id = uid('call')) {
    const step = await this.stepOfCalls([]);
    const grown = (args) => [{ id, type: 'function', function: { name, arguments: args, output: null } }];
    for (let n = 0; n <= pieces.length; n++) {
      await this.stepUpdate(step, {
        step_details: { type: 'tool_calls', tool_calls: grown(pieces.slice(0, n).join('')) },
      });
    }
    return { step, call: { id, type: 'function', function: { name, arguments: pieces.join('') } } };
  }
}
