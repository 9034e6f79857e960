#!/bin/bash
# privityd's resident memory: idle after its start, and with 5,000 idle event streams; and appends meanwhile, each of
# which tells the streams of its room. The kernel's own memory for sockets is not in these numbers.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

streams=5000 connections=320 seconds=5
ulimit -n "$(ulimit -H -n)" 2>/dev/null || true
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -ge $((streams + 1000)) ] ||
	die "this needs $((streams + 1000)) open files, and $(ulimit -n) are allowed: raise the hard limit"

start_server --log-level warn
sleep 1
idle=$(awk '/^VmRSS:/ { print $2 }' "/proc/$server_pid/status")
pss=$(awk '/^Pss:/ { print $2 }' "/proc/$server_pid/smaps_rollup")
loaded() {
	build/native/tests/tools/append_load "$port" connections=$connections rooms=8 seconds=$seconds "$@"
}
loaded >"$scratch/without"
loaded streams=$streams watch="$server_pid" >"$scratch/with"
before=$(awk '/^resident before/ { print $(NF - 1) }' "$scratch/with")
during=$(awk '/^resident with/ { print $(NF - 1) }' "$scratch/with")

printf '%-52s %8d KiB, %d KiB of them its share\n' 'idle: resident' "$idle" "$pss"
printf '%-52s %8d KiB\n' "with sessions and rooms of $connections devices" "$before"
printf '%-52s %8d KiB\n' "with $streams idle event streams" "$during"
grep streams\ heard "$scratch/with"
echo "without streams: $(grep appends "$scratch/without")"
echo "with streams:    $(grep appends "$scratch/with")"
echo
ratio "$idle" 1024 'MiB resident when idle' below 16
ratio "$((during - before))" "$streams" 'KiB for each event stream' below 20
