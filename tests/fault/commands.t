#!/bin/bash
# Memory that runs out anywhere in a command: an error in one line, no crash, and nothing lost or doubled by it.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
gcc -shared -fPIC -O2 -o "$T/fault.so" tests/fault/preload_malloc.c || exit 1
start_server
room_of_two
as ada privity say acme "the first" >/dev/null
echo file >"$T/file"
as ada privity put acme "$T/file" >/dev/null
rounds=${ROUNDS:-25}

# each WHAT COMMAND…: let memory run out at `rounds` points spread over all its allocations.
each() {
	local what=$1 total after odd='' status
	shift
	total=$(LD_PRELOAD=$T/fault.so FAULT_FD=9 PRIVITY_HOME=$T/home-ada "$@" 9>&1 >/dev/null 2>&1 </dev/null | tail -1)
	[ "$total" -gt 50 ]
	ok "$what makes $total allocations"
	for after in $(seq 1 $((total / rounds + 1)) "$total"); do
		LD_PRELOAD=$T/fault.so FAULT_AFTER=$after PRIVITY_HOME=$T/home-ada timeout 20 "$@" >"$T/out" 2>"$T/err" </dev/null
		status=$?
		case $status in
			0 | 1 | 5) ;;
			*) odd="$odd $after:$status" ;;
		esac
		[ $status -eq 0 ] || [ -s "$T/err" ] || odd="$odd $after:silent"
	done
	is "$odd" "" "and survives the lack of each"
}

each "read" privity read acme
each "read --offline" privity read acme --offline
each "ls" privity ls acme
each "search" privity search acme first
each "members" privity members acme --json
each "safety" privity safety acme bob --json
each "a verification" privity safety acme bob --compared
each "rooms" privity rooms
each "status" privity status --json
each "log" privity log acme
each "verify" privity verify acme
each "get" privity get acme file -o "$T/got" --force
each "help" privity help --man
each "say" privity say acme "short of memory"
each "put" privity put acme "$T/kit-ada"

run 0 "afterwards it refreshes" as ada privity refresh
run 0 "the other reads" as bob privity read acme --json
is "$(field 'len(set(m["id"] for m in o["messages"])) == len(o["messages"])')" true "nothing twice"
run 0 "and the room verifies" as bob privity verify acme
done_testing
