// A reader of files written from FORMAT.md §1, §4, §10 and §11.1 alone: node tests/vectors/read_files.mjs DIR
// DIR holds `secret`, and per file NAME `NAME.file` (its encoding) and `NAME.plain`; blobs as `blob-HEX`.
// It opens every file, cuts the plaintext anew, and checks both against what the writer did.
import assert from 'node:assert/strict';
import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const dir = process.argv[2];
const read = (name) => readFileSync(`${dir}/${name}`);
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

// --- §1: deterministic CBOR and labelled HKDF

function head(major, value) {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  assert(value < 256);
  return Buffer.from([(major << 5) | 24, value]);
}

function decode(bytes) {
  let at = 0;
  function item() {
    const first = bytes[at++];
    const major = first >> 5;
    const info = first & 31;
    let value = BigInt(info);
    if (first === 0xf6) return null;
    if (info >= 24) {
      assert(info < 28);
      const n = 1 << (info - 24);
      value = BigInt(`0x${bytes.subarray(at, at + n).toString('hex')}`);
      at += n;
      assert(value >= (n === 1 ? 24n : 1n << BigInt(4 * n)), 'shortest form');
    }
    if (major === 0) return Number(value);
    if (major === 1) return -1 - Number(value);
    const count = Number(value);
    if (major === 2) return bytes.subarray(at, (at += count));
    assert.equal(major, 4);
    return Array.from({ length: count }, item);
  }
  const result = item();
  assert.equal(at, bytes.length, 'no bytes behind');
  return result;
}

function hkdf(secret, what, part) {
  const label = Buffer.from(`privity/1/${what}`);
  const key = createHmac('sha256', Buffer.alloc(0)).update(secret).digest();
  return createHmac('sha256', key).update(head(3, label.length)).update(label).update(part).update('\x01').digest();
}

// --- §4: Padmé

function padme(n) {
  if (n <= 1) return n;
  const e = Math.floor(Math.log2(n));
  const unit = 2 ** (e - Math.floor(Math.log2(e)) - 1);
  return Math.ceil(n / unit) * unit;
}

// --- §11.1

function open([hash, length, blob, offset, key]) {
  const bytes = read(`blob-${blob.toString('hex')}`);
  assert(length >= 1 && length <= 4194304 && offset + length + 16 <= bytes.length);
  assert.equal(padme(bytes.length), bytes.length, 'a blob is padded');
  const cipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
  cipher.setAuthTag(bytes.subarray(offset + length, offset + length + 16));
  const plain = Buffer.concat([cipher.update(bytes.subarray(offset, offset + length)), cipher.final()]);
  assert(sha256(plain).equals(hash), 'a chunk is what its reference says');
  return plain;
}

function chunksOf([form, list]) {
  if (form === 0) {
    assert(list.length <= 32);
    return list;
  }
  assert.equal(form, 1);
  return list.flatMap((page) => {
    const chunks = decode(open(page));
    assert(chunks.length >= 1 && chunks.length <= 32768);
    assert.equal(chunks.reduce((sum, chunk) => sum + chunk[1], 0), page[5], 'a page spans its chunks');
    return chunks;
  });
}

function gearOf(secret) {
  const gear = new BigUint64Array(256);
  for (let i = 0; i < 64; i++) {
    const block = hkdf(secret, 'file/gear', head(0, i));
    for (let j = 0; j < 4; j++) gear[4 * i + j] = block.readBigUInt64BE(8 * j);
  }
  return gear;
}

// The length of the chunk at `start`. Two 32-bit halves, since BigInt is slow: hash = high · 2^32 + low.
function cut(gear, bytes, start) {
  const high = gear.high;
  const low = gear.low;
  const end = Math.min(bytes.length - start, 4194304);
  let h = 0;
  let l = 0;
  for (let length = 262144 - 63; length <= end; length++) {
    const byte = bytes[start + length - 1];
    const sum = l * 2 + low[byte];
    h = (((h << 1) >>> 0) + high[byte] + Math.floor(sum / 4294967296)) >>> 0;
    l = sum >>> 0;
    if (length >= 262144 && h < (length < 1048576 ? 2 ** 10 : 2 ** 14)) return length;
  }
  return end;
}

const table = gearOf(read('secret'));
const gear = { high: Uint32Array.from(table, (g) => Number(g >> 32n)), low: Uint32Array.from(table, (g) => Number(g & 0xffffffffn)) };
const names = readdirSync(dir).filter((name) => name.endsWith('.file'));
for (const name of names) {
  const [path, size, mode, [seconds, nanoseconds], hash, manifest] = decode(read(name));
  const want = read(name.replace('.file', '.plain'));
  assert.equal(path.join('/'), `samples/${name}`);
  assert.deepEqual([size, mode, seconds, nanoseconds], [want.length, 0o640, -5, 123456789]);
  const chunks = chunksOf(manifest);
  const got = Buffer.concat(chunks.map(open));
  assert(got.equals(want), 'the file comes back');
  assert(sha256(want).equals(hash), 'its hash is right');
  for (let i = 0, at = 0; i < chunks.length; at += chunks[i++][1])
    assert.equal(cut(gear, want, at), chunks[i][1], 'cuts are where the definition says');
}
console.log(`${names.length} files`);
