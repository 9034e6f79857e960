#!/bin/bash
# The demo plays to its end.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
run 0 "the demo" bash tools/demo.sh
like "$(out)" "^otto\\$ privity join http://127.0.0.1:[0-9]+/i#… --room mara" "shows commands as they are typed"
like "$(out)" "their signatures, chains and tree are right" "and what they print"
unlike "$(out)" "/i#[A-Za-z0-9_-]{20}" "but no link's secret"
like "$(out)" "no name, text or file name is in the server" "the server holds nothing plain"
like "$(tail -1 "$T/out")" "Everything is locked" "to the last command"
done_testing
