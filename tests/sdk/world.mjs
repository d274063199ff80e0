// A daemon and gateways, started for real on a directory and ports of their own.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Rpc } from './rpc.mjs';
import { SLACK } from './tap.mjs';

const START_MS = 30_000; // under sanitizers, on a busy machine
const STOP_MS = 5_000; // as the contract has it

export class Process {
  constructor(program, args) {
    this.name = path.basename(program);
    this.errors = '';
    this.output = '';
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (bytes) => {
      this.errors = (this.errors + bytes).slice(-8000);
    });
    const kill = () => this.child.kill('SIGTERM');
    process.once('exit', kill);
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message));
      this.child.on('exit', (code, signal) => {
        process.removeListener('exit', kill);
        resolve(signal ?? code);
      });
    });
  }

  // The line that begins with `ready`.
  async ready() {
    const line = new Promise((resolve) => {
      this.child.stdout.on('data', (bytes) => {
        this.output += bytes;
        const found = /^ready .*$/m.exec(this.output);
        if (found && this.output.includes('\n')) resolve(found[0]);
      });
    });
    const failed = Promise.race([this.ended, sleep(START_MS, 'no ready line', { ref: false })]).then(
      (how) => {
        throw new Error(`${this.name} did not start: ${how}\n${this.errors}`);
      },
    );
    return Promise.race([line, failed]);
  }

  // It must end in time and with status 0.
  async stop() {
    this.child.kill('SIGTERM');
    const how = await Promise.race([this.ended, sleep(STOP_MS * SLACK, 'still running', { ref: false })]);
    if (how === 'still running') this.child.kill('SIGKILL');
    if (how !== 0) throw new Error(`${this.name} after SIGTERM: ${how}\n${this.errors}`);
  }
}

export class Daemon {
  static async start() {
    const daemon = new Daemon();
    daemon.directory = fs.mkdtempSync(path.join(os.tmpdir(), 'runstore-sdk-'));
    await daemon.restart();
    return daemon;
  }

  get url() {
    return `ipc://${this.directory}/rpc.sock`;
  }

  async restart() {
    this.process = new Process(process.env.RUNSTORED, ['--data', this.directory]);
    await this.process.ready();
    this.rpc = new Rpc(`${this.directory}/rpc.sock`);
  }

  // The store stays, for restart().
  async stop() {
    this.rpc.close();
    await this.process.stop();
  }

  remove() {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

// A gateway of `daemon`; `url` is where it listens, without the path /v1.
export class Gateway {
  static async start(daemon, args = []) {
    const gateway = new Gateway();
    gateway.process = new Process(process.env.RUNSTORE_GATEWAY, [
      '--listen',
      '127.0.0.1:0',
      '--url',
      daemon.url,
      ...args,
    ]);
    const line = await gateway.process.ready();
    [, gateway.url] = /listen=(http:\S+)/.exec(line);
    return gateway;
  }

  async stop() {
    await this.process.stop();
  }
}
