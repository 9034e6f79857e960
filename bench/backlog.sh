#!/bin/bash
# A write on top of many that wait: its cost with a few unsent and with thousands, in one process and each by a process
# of its own, signed at once and as drafts; then what it costs to send them all. The room is in memory.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/bench_backlog "$@"
