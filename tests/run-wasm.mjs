// Runs one test program for wasm32-wasi under node: node tests/run-wasm.mjs PROGRAM.wasm ARGS…
// The program sees this process's environment and the whole file system under the same names.
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
const module = await WebAssembly.compile(await readFile(program));
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: imports });
process.exitCode = wasi.start(instance);
