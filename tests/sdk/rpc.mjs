// A client of the daemon without its library: SP REQ over a unix socket, MessagePack-RPC in it.
// What the tests' workers say goes this way, so that the gateway's own way is not tested with itself.
import net from 'node:net';
import { decode, encode } from './msgpack.mjs';

const REQ_HELLO = Buffer.from([0x00, 0x53, 0x50, 0x00, 0x00, 0x30, 0x00, 0x00]);
const HELLO_BYTES = 8;
const MESSAGE = 0x01;
const HEAD_BYTES = 9; // the kind, and the length in 8 bytes
const REQUEST_ID_BYTES = 4;
const REQUEST_ID_LAST = 0x80000000;

export class RpcError extends Error {
  constructor(method, error) {
    super(`${method}: ${error.message} (${error.code})`);
    Object.assign(this, { code: error.code, param: error.param, type: error.type });
  }
}

// One connection: one request at a time, as a REP socket wants it.
class Connection {
  constructor(path) {
    this.received = Buffer.alloc(0);
    this.greeted = false;
    this.pending = null; // {requestId, resolve, reject}
    this.closed = false;
    this.socket = net.createConnection(path);
    this.socket.write(REQ_HELLO);
    this.socket.on('data', (bytes) => this.receive(bytes));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('the daemon closed the connection')));
  }

  fail(error) {
    this.closed = true;
    this.socket.destroy();
    this.pending?.reject(error);
    this.pending = null;
  }

  receive(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    if (!this.greeted) {
      if (this.received.length < HELLO_BYTES) return;
      this.received = this.received.subarray(HELLO_BYTES);
      this.greeted = true;
    }
    while (this.received.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + Number(this.received.readBigUInt64BE(1));
      if (this.received.length < end) return;
      const body = this.received.subarray(HEAD_BYTES, end);
      this.received = this.received.subarray(end);
      this.deliver(body);
    }
  }

  deliver(body) {
    if (!this.pending || body.readUInt32BE(0) !== this.pending.requestId) return;
    const { resolve } = this.pending;
    this.pending = null;
    resolve(body.subarray(REQUEST_ID_BYTES));
  }

  request(requestId, frame) {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new Error('the connection is closed'));
      this.pending = { requestId, resolve, reject };
      const head = Buffer.alloc(HEAD_BYTES + REQUEST_ID_BYTES);
      head[0] = MESSAGE;
      head.writeBigUInt64BE(BigInt(REQUEST_ID_BYTES + frame.length), 1);
      head.writeUInt32BE(requestId, HEAD_BYTES);
      this.socket.write(Buffer.concat([head, frame]));
    });
  }
}

export class Rpc {
  constructor(path) {
    this.path = path;
    this.idle = [];
    this.all = new Set();
    this.count = 0;
  }

  // The result of `method`; throws RpcError with what the daemon refused.
  async call(method, params = {}) {
    let connection = this.idle.pop();
    while (connection?.closed) connection = this.idle.pop();
    connection ??= new Connection(this.path);
    this.all.add(connection);
    const msgid = ++this.count;
    const reply = decode(
      await connection.request((REQUEST_ID_LAST | msgid) >>> 0, encode([0, msgid, method, [params]])),
    );
    this.idle.push(connection);
    const [, id, error, result] = reply;
    if (id !== msgid) throw new Error(`${method}: the reply has the msgid ${id}, not ${msgid}`);
    if (error) throw new RpcError(method, error);
    return result;
  }

  close() {
    for (const connection of this.all) connection.socket.destroy();
  }
}
