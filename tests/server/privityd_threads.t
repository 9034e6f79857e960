#!/bin/bash
# privityd under ThreadSanitizer with many clients at once: appends, reads, event streams, stores' upkeep, a stop.
set -u
cd "$(dirname "$0")/../.." || exit 1
PRIVITYD=${PRIVITYD:-build/thread/bin/privityd}
. tests/lib/tap.sh
. tests/server/lib.sh
[ -x "$load" ] || skip_all "$load is not built"
export TSAN_OPTIONS="halt_on_error=0 exitcode=66 log_path=$home/tsan"

start --registration open --log-level debug
ok $? "it starts"
"$load" "$port" connections=24 rooms=3 seconds=4 streams=60 >"$home/load" 2>&1 &
writers=$!
(while kill -0 $writers 2>/dev/null; do curl -s "$url/metrics" "$url/healthz" "$url/v1/server" >/dev/null; done) &
readers=$!
(while kill -0 $writers 2>/dev/null; do "$privityd" --data "$home/data" admin stats >/dev/null; sleep 0.3; done) &
admins=$!
wait $writers
ok $? "appends stand while others read" || note "$(cat "$home/load")"
wait $readers $admins
"$load" "$port" connections=8 rooms=1 seconds=30 >"$home/load" 2>&1 &
writers=$!
sleep 1.5
stop TERM
is $? 0 "it stops under load without a report"
wait $writers
isnt $? 0 "which ends the load"
is "$(cat "$home"/tsan.* 2>/dev/null | grep -c WARNING)" 0 "no two threads race" || note "$(cat "$home"/tsan.* | head -60)"
tap_done
