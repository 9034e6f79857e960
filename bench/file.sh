#!/bin/bash
# Files: chunking, hashing and sealing beside the processor's own limits, in one run.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/bench_file
