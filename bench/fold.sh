#!/bin/bash
# Storing and folding 100,000 messages beside decrypting and inserting each; then what reading them costs.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/fold "$@"
