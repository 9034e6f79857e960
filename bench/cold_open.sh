#!/bin/bash
# A cold open of a room of 100,000 messages beside decrypting and inserting each, in one run.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/bench_cold_open "$@"
