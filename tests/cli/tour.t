#!/bin/bash
# The tour of the README, typed as printed: once, and once more with the server restarted between any two commands.
# shellcheck disable=SC2317  # restart is called by name
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

sed -n '/<!-- tour -->/,/<!-- tour ends -->/p' README.md | sed '/^<!--/d; /^```/d' >"$T/tour"
[ "$(grep -c 'ada\|bob' "$T/tour")" -gt 10 ]
ok "the README has a tour"

# One server for both, on the address that the tour names, which is put in its place.
tour() {
	mkdir "$T/$1"
	cp README.md "$T/$1/"
	ln -s "$PWD/build" "$T/$1/build"
	sed "s|http://127.0.0.1:7440|$url|" "$T/tour" >"$T/$1/commands"
	(
		cd "$T/$1" || exit 1
		unset PRIVITY_PASSPHRASE_FILE
		shopt -s expand_aliases
		while IFS= read -r line; do
			[ -n "$line" ] || continue
			echo "\$ $line" >>log
			eval "$line" >>log 2>&1 || echo "failed ($?): $line" >>failed
			[ -z "${2:-}" ] || "$2"
		done <commands
	)
	is "$(cat "$T/$1/failed" 2>/dev/null)" "" "every command of the tour works $3" || note "$(cat "$T/$1/log")"
	like "$(cat "$T/$1/log")" "Thank you, Bob" "Bob reads Ada $3"
	like "$(cat "$T/$1/log")" "the draft is attached" "Ada reads Bob $3"
	is "$(cat "$T/$1/from-ada/offer.txt")" "the offer" "the file is fetched $3"
	(cd "$T/$1" && PRIVITY_HOME=ada privity lock && PRIVITY_HOME=bob privity lock) >/dev/null
}

start_server
tour once "" "as printed"

restart() {
	kill "$(cat "$T/pid")"
	while kill -0 "$(cat "$T/pid")" 2>/dev/null; do sleep 0.02; done
	start_server
	echo "$server_pid" >"$T/pid"
}
echo "$server_pid" >"$T/pid"
tour again restart "with the server restarted in between"
server_pid=$(cat "$T/pid")
done_testing
