#!/bin/bash
# Bytes that a device in a room of 1,000 needs to follow a join and a removal.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/bench_room_1000
