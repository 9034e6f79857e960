#!/bin/bash
# Many commands at once on one device, and a server killed beneath them: nothing acknowledged is lost or doubled.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two

for i in 1 2 3 4 5 6; do
	(for j in 1 2 3 4; do as ada privity say acme "ada $i.$j" || echo "$i.$j" >>"$T/failed"; done) 2>>"$T/together.err" &
	(for j in 1 2; do as ada privity read acme >/dev/null || echo "read $i" >>"$T/failed"; done) 2>>"$T/together.err" &
done
(as ada privity room new second && as ada privity room new third) >/dev/null 2>>"$T/together.err" || echo rooms >>"$T/failed"
for job in $(jobs -p); do [ "$job" = "$server_pid" ] || wait "$job"; done
[ ! -e "$T/failed" ]
ok "24 messages and 12 readers at once" || note "$(cat "$T/failed" "$T/together.err")"
run 0 "the other reads" as bob privity read acme --limit 0 --json
is "$(field 'sorted(m["text"] for m in o["messages"] if m["text"].startswith("ada ")) == sorted("ada %d.%d" % (i, j) for i in range(1, 7) for j in range(1, 5))')" \
	true "each of them, once"
run 0 "rooms made meanwhile" as ada privity rooms
is "$(out)" $'acme\nsecond\nthird' "are there"
run 0 "and it verifies" as ada privity verify acme

# The server killed while messages come in.
for i in $(seq 8); do
	(sleep "0.0$((RANDOM % 90))" && kill -9 "$server_pid") 2>/dev/null &
	killer=$!
	for j in 1 2 3 4; do
		as ada privity say acme "server $i.$j" >/dev/null 2>&1
		echo "server $i.$j $?" >>"$T/statuses"
	done
	wait $killer 2>/dev/null
	wait "$server_pid" 2>/dev/null
	start_server
done 2>/dev/null
is "$(awk '$3 != 0 && $3 != 5' "$T/statuses")" "" "every command says that it was sent, or is kept"
run 0 "it refreshes" as ada privity refresh
run 0 "the other reads" as bob privity read acme --limit 0 --json
field '"\n".join(m["text"] for m in o["messages"] if m["text"].startswith("server "))' | sort >"$T/arrived"
is "$(cat "$T/arrived")" "$(cut -d' ' -f1,2 "$T/statuses" | sort)" "all 32 are there, once each"
run 0 "and the room verifies" as bob privity verify acme
done_testing
