#!/bin/bash
# One entry's way through core, without storage: what a cold open spends on each message before the database.
set -eu
cd "$(dirname "$0")/.."
exec build/native/bench/entry
