// As much of MessagePack as the daemon speaks: no extensions. Integers are numbers of JavaScript and
// must be safe ones; members that are undefined are left out.

export function encode(value) {
  const parts = [];
  put(parts, value);
  return Buffer.concat(parts);
}

// `width` bytes: the tag, then `value` by the Buffer method `method`.
function tagged(tag, width, method, value) {
  const bytes = Buffer.alloc(1 + width);
  bytes[0] = tag;
  bytes[method](value, 1);
  return bytes;
}

function putInteger(parts, value) {
  if (value >= 0 && value < 0x80) parts.push(Buffer.from([value]));
  else if (value < 0 && value >= -0x20) parts.push(Buffer.from([0x100 + value]));
  else if (value >= 0 && value <= 0xffffffff) parts.push(tagged(0xce, 4, 'writeUInt32BE', value));
  else if (value >= 0) parts.push(tagged(0xcf, 8, 'writeBigUInt64BE', BigInt(value)));
  else parts.push(tagged(0xd3, 8, 'writeBigInt64BE', BigInt(value)));
}

function putLength(parts, n, fixed, fixedMax, tag16) {
  if (n <= fixedMax) parts.push(Buffer.from([fixed | n]));
  else if (n <= 0xffff) parts.push(tagged(tag16, 2, 'writeUInt16BE', n));
  else parts.push(tagged(tag16 + 1, 4, 'writeUInt32BE', n));
}

function put(parts, value) {
  if (value === null || value === undefined) parts.push(Buffer.from([0xc0]));
  else if (typeof value === 'boolean') parts.push(Buffer.from([value ? 0xc3 : 0xc2]));
  else if (Number.isSafeInteger(value)) putInteger(parts, value);
  else if (typeof value === 'number') parts.push(tagged(0xcb, 8, 'writeDoubleBE', value));
  else if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    putLength(parts, bytes.length, 0xa0, 31, 0xda);
    parts.push(bytes);
  } else if (Array.isArray(value)) {
    putLength(parts, value.length, 0x90, 15, 0xdc);
    for (const item of value) put(parts, item);
  } else {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    putLength(parts, members.length, 0x80, 15, 0xde);
    for (const [key, member] of members) {
      put(parts, key);
      put(parts, member);
    }
  }
}

const NUMBERS = {
  0xca: ['readFloatBE', 4],
  0xcb: ['readDoubleBE', 8],
  0xcc: ['readUInt8', 1],
  0xcd: ['readUInt16BE', 2],
  0xce: ['readUInt32BE', 4],
  0xcf: ['readBigUInt64BE', 8],
  0xd0: ['readInt8', 1],
  0xd1: ['readInt16BE', 2],
  0xd2: ['readInt32BE', 4],
  0xd3: ['readBigInt64BE', 8],
};
const LENGTHS = { 1: 'readUInt8', 2: 'readUInt16BE', 4: 'readUInt32BE' };
const SIZED = {
  0xc4: ['bytes', 1],
  0xc5: ['bytes', 2],
  0xc6: ['bytes', 4],
  0xd9: ['text', 1],
  0xda: ['text', 2],
  0xdb: ['text', 4],
  0xdc: ['array', 2],
  0xdd: ['array', 4],
  0xde: ['map', 2],
  0xdf: ['map', 4],
};

class Decoder {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  fixed(method, width) {
    const value = this.bytes[method](this.at);
    this.at += width;
    return typeof value === 'bigint' ? Number(value) : value;
  }

  take(n) {
    if (this.at + n > this.bytes.length) throw new Error('MessagePack: cut short');
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  sized(kind, n) {
    if (kind === 'bytes') return this.take(n);
    if (kind === 'text') return this.take(n).toString();
    if (kind === 'array') return Array.from({ length: n }, () => this.value());
    const map = {};
    for (let i = 0; i < n; i++) {
      const key = this.value();
      map[key] = this.value();
    }
    return map;
  }

  value() {
    const tag = this.fixed('readUInt8', 1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.sized('map', tag & 0x0f);
    if (tag < 0xa0) return this.sized('array', tag & 0x0f);
    if (tag < 0xc0) return this.sized('text', tag & 0x1f);
    if (tag >= 0xe0) return tag - 0x100;
    if (tag === 0xc0) return null;
    if (tag === 0xc2 || tag === 0xc3) return tag === 0xc3;
    if (tag in NUMBERS) return this.fixed(...NUMBERS[tag]);
    if (tag in SIZED) {
      const [kind, width] = SIZED[tag];
      return this.sized(kind, this.fixed(LENGTHS[width], width));
    }
    throw new Error(`MessagePack: tag 0x${tag.toString(16)}`);
  }
}

export function decode(bytes) {
  const decoder = new Decoder(bytes);
  const value = decoder.value();
  if (decoder.at !== bytes.length) throw new Error('MessagePack: bytes are left over');
  return value;
}
