#!/bin/bash
# A warm command on a room of 100,000 messages, and on one of a few, with the process's whole life by the wall:
# read, ls and say to the outbox (offline), and read with its fetch from a running server. Beside it an empty program
# with the same libraries, and one query by sqlite3 on a table of as many texts.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

messages=${1:-100000}
runs=${2:-30}
command -v sqlite3 >/dev/null || die 'sqlite3 is missing: apt-get install sqlite3'

start_server --log-level warn
export PRIVITY_HOME=$scratch/home PRIVITY_PASSPHRASE_FILE=$scratch/passphrase
(umask 077 && echo 'correct horse battery staple' >"$PRIVITY_PASSPHRASE_FILE")
privity=build/bin/privity
at_end "$privity lock >/dev/null 2>&1"
"$privity" init --name Ada --server "http://127.0.0.1:$port" --kit "$scratch/kit" >/dev/null
for room in large small; do
	"$privity" room new "$room" >/dev/null
	"$privity" put "$room" README.md >/dev/null
done
link=$("$privity" invite large --role editor --uses 1)
build/native/bench/bench_fill "$port" "$link" "$messages"
from=$EPOCHREALTIME
"$privity" read large --limit 1 >/dev/null
"$privity" refresh >/dev/null
printf '%-52s %8.1f s\n' "first fetch of $messages messages" "$(awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
for i in $(seq 20); do "$privity" say small "message $i" >/dev/null; done

plain=$scratch/plain.db
sqlite3 "$plain" "CREATE TABLE m (idx INTEGER PRIMARY KEY, text TEXT);
	WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $messages)
	INSERT INTO m SELECT i, 'message ' || i || ': the drawing of part 7 is attached; is the colour right?' FROM c"

# measure WHAT STATUS COMMAND…: prints, and keeps the median in $median.
measure() {
	local what=$1 target=$2 status=$3 least
	shift 3
	read -r least median < <(build/native/bench/bench_times "$runs" "$status" "$@")
	printf '%-52s %8.2f ms   median %6.2f ms' "$what" "$least" "$median"
	if [ "$target" = - ]; then
		echo
	else
		awk -v m="$least" -v t="$target" -v e="$empty" -v q="$query" 'BEGIN {
			printf "   %5.1f x empty  %5.1f x sqlite3   (target: below %d ms)%s\n", m / e, m / q, t, m < t ? "" : "   target missed" }'
	fi
	last=$least
}

measure 'an empty program with the same libraries' - 0 build/native/bench/bench_empty
empty=$last
measure 'sqlite3: the newest 100 of as many texts' - 0 sqlite3 "$plain" 'SELECT text FROM m ORDER BY idx DESC LIMIT 100'
query=$last
for room in small large; do
	measure "read, offline, $room room" 30 0 "$privity" read "$room" --offline
	measure "ls, offline, $room room" 30 0 "$privity" ls "$room" --offline
	measure "say to the outbox, offline, $room room" 30 5 "$privity" say "$room" 'shall we meet?' --offline
	"$privity" refresh >/dev/null
	measure "read with its fetch, $room room" 30 0 "$privity" read "$room"
done
