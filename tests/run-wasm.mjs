// Runs one test program for wasm32-wasi under node: node tests/run-wasm.mjs PROGRAM.wasm ARGS…
// The program sees this process's environment and the whole file system under the same names.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

// node:wasi warns that it is experimental; nothing else warns here.
process.removeAllListeners('warning');
const { WASI } = await import('node:wasi');

const [program, ...args] = process.argv.slice(2);
if (!program) {
  process.stderr.write('usage: node tests/run-wasm.mjs PROGRAM.wasm ARGS…\n');
  process.exit(2);
}

// wasi-libc takes '/' and '.' for the same place, so the root is given folder by folder.
const preopens = { '.': '.', '..': '..' };
for (const name of readdirSync('/')) {
  try {
    accessSync(`/${name}`, constants.R_OK | constants.X_OK);
    if (statSync(`/${name}`).isDirectory()) preopens[`/${name}`] = `/${name}`;
  } catch {
    // Not ours to read, so not the program's either.
  }
}
const wasi = new WASI({
  version: 'preview1',
  args: [program, ...args],
  env: process.env,
  preopens,
  returnOnExit: true,
});
// Node 20's direct calls from wasm into its WASI crash once the memory has grown; calls by way of JavaScript do not.
const imports = {};
for (const [name, call] of Object.entries(wasi.wasiImport)) imports[name] = (...values) => call(...values);

// Bulk jobs: AES-256-GCM with a 12-byte nonce and the tag at the end, as a page's WebCrypto performs it. 1 if it opens.
function aes256gcm(seal, key, nonce, ad, adBytes, input, inputBytes, output) {
  const memory = instance.exports.memory.buffer;
  const bytes = (at, n) => Buffer.from(memory, at >>> 0, n);
  const cipher = (seal ? createCipheriv : createDecipheriv)('aes-256-gcm', bytes(key, 32), bytes(nonce, 12));
  cipher.setAAD(bytes(ad, adBytes));
  const text = seal ? inputBytes : inputBytes - 16;
  if (text < 0) return 0;
  try {
    if (!seal) cipher.setAuthTag(bytes(input + text, 16));
    const parts = [cipher.update(bytes(input, text)), cipher.final()];
    if (seal) parts.push(cipher.getAuthTag());
    Buffer.concat(parts).copy(bytes(output, text + 16));
    return 1;
  } catch {
    return 0;
  }
}

const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports, host: { aes256gcm } });
process.exitCode = wasi.start(instance);
