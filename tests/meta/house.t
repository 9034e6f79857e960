#!/bin/bash
# ./dev, make and tools/deps/build as their callers meet them.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

exits 0 './dev --help' ./dev --help
for command in run build test demo bench lint fuzz clean; do
	like "$out" "  $command " "help names $command"
done
exits 2 'an unknown command is wrong usage' ./dev frobnicate
exits 2 'no command is wrong usage' ./dev
exits 0 'after a build there is nothing left to build' make -q all tests wasm

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
exits 1 'a tarball that is none is refused' \
	env PRIVITY_LIBSODIUM_TARBALL=/dev/null tools/deps/build libsodium native
like "$err" 'holds no libsodium source' 'and the message says so'
mkdir -p "$scratch/libsodium-1.0.18"
echo 'AC_INIT([libsodium],[1.0.18],[x])' >"$scratch/libsodium-1.0.18/configure.ac"
tar -C "$scratch" -czf "$scratch/old.tar.gz" libsodium-1.0.18
exits 1 'an old libsodium is refused' \
	env PRIVITY_LIBSODIUM_TARBALL="$scratch/old.tar.gz" tools/deps/build libsodium native
like "$err" '1\.0\.22 or newer is needed' 'and the message names the version that is needed'
exits 1 'another jansson than the tested one is refused' \
	env PRIVITY_JANSSON_TARBALL="$scratch/old.tar.gz" tools/deps/build jansson wasm
exits 1 'an unknown library is refused' tools/deps/build libfoo native
tap_done
