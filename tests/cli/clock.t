#!/bin/bash
# A clock that is years off: deadlines follow the server's, nothing is sealed on a clock that runs ahead, all is said.
# shellcheck disable=SC2317  # called through run
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
gcc -shared -fPIC -O2 -o "$T/clock.so" tests/tools/preload_clock.c || exit 1

# The clock is changed from outside: programs as they are shipped have nothing in them for tests, and ask for the time
# of day by no function that is not replaced.
is "$(grep -lE 'PRIVITY_TEST|FAKE_CLOCK' "$BIN/privity" "$BIN/privityd")" "" "no program has a clock that its environment sets"
for program in privity privityd; do
	nm -D --undefined-only "$BIN/$program" | awk '{ sub(/@.*/, "", $2); print $2 }' |
		grep -xE 'clock_gettime|gettimeofday|time|timespec_get|ftime|clock_gettime64|__clock_gettime.*|__gettimeofday.*|__time.*' | sort >"$T/asked"
	nm -D --defined-only "$T/clock.so" | awk '{ print $3 }' | sort >"$T/replaced"
	is "$(comm -23 "$T/asked" "$T/replaced")" "" "$program asks only clocks that are replaced"
	grep -qx clock_gettime "$T/asked"
	ok "and asks one"
done

start_server
room_of_two
years=$((5 * 365 * 86400000))
late() { as "$1" env LD_PRELOAD="$T/clock.so" FAKE_CLOCK_OFFSET_MS="-$years" "${@:2}"; }
early() { as "$1" env LD_PRELOAD="$T/clock.so" FAKE_CLOCK_OFFSET_MS="$years" "${@:2}"; }

run 0 "say with a clock behind" late ada privity say acme "from the past"
run 0 "the other reads it" as bob privity read acme
like "$(out)" "from the past" "all the same"
run 5 "say with a clock ahead" early ada privity say acme "from the future"
one_line "say with a clock ahead"
like "$(err)" "clock is 182[0-9] days ahead" "says why it waits"
run 0 "status" early ada privity status --json
like "$(field 'o["clock_difference"]')" '^-1576[0-9]{8}$' "tells the difference"
run 0 "with the clock right" as ada privity refresh
run 0 "it is sent" as bob privity read acme
like "$(out)" "from the future" "and read"

run 0 "an invite with a clock behind" late ada privity invite acme --expires 1h --json
is "$(field 'abs(o["expires"] - __import__("time").time() * 1000) < 2 * 3600000')" true "expires by the server's clock"
run 0 "an invite with a clock ahead" early ada privity invite acme --json
is "$(field '0 < o["expires"] - __import__("time").time() * 1000 < 8 * 86400000')" true "too"
person eve
as ada privity invite acme >"$T/link"
run 0 "joining with a clock behind" late eve privity join "$(cat "$T/link")" --room acme
run 0 "works" late eve privity read acme
run 0 "and verifies" late eve privity verify acme
done_testing
