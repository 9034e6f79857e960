#!/bin/bash
# privityd killed while it appends: what it acknowledged is there, once, whoever asks again. PRIVITY_KILLS sets how often.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/server/lib.sh
[ -x "$load" ] || skip_all "$load is not built"
kills=${PRIVITY_KILLS:-15}
entries=$((kills * 60))

# under SIGNAL NAME: appends go on while the server is ended by SIGNAL again and again.
under() {
	local i done=0
	start --registration open
	"$load" "$port" connections=16 rooms=3 entries=$entries patience=60 >"$home/load" 2>&1 &
	local writers=$!
	for i in $(seq "$kills"); do
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
		kill -0 $writers 2>/dev/null || break
		stop "$1"
		done=$i
		start --registration open || note "$(tail -3 "$home/err")"
	done
	wait $writers
	ok $? "$2: all that was acknowledged stands, once" || note "$(cat "$home/load")"
	like "$(cat "$home/load")" "^$((16 * entries)) appends" "$2: and all that was sent ($done times)"
	stop TERM
}

under KILL "killed"
under TERM "stopped"
exits 0 "the store is whole" "$privityd" --data "$home/data" admin stats
tap_done
