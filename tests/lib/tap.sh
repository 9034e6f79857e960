# TAP for shell tests: `. tests/lib/tap.sh`, then ok, is, like, …, and tap_done last.
# shellcheck shell=bash

tap_count=0
tap_failed=0

# ok STATUS NAME: a case that holds if STATUS is 0. `ok $? "it works"`.
ok() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
		return 1
	fi
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# is GOT WANT NAME
is() {
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		note "got:  $1"
		note "want: $2"
		return 1
	fi
}

# isnt GOT OTHER NAME
isnt() {
	if [ "$1" != "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		note "both: $1"
		return 1
	fi
}

# like GOT REGEX NAME: an extended regular expression.
like() {
	if [[ "$1" =~ $2 ]]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		note "got:     $1"
		note "no match: $2"
		return 1
	fi
}

# exits WANT NAME COMMAND…: run COMMAND, output to $out and $err, and compare its exit status.
exits() {
	local want=$1 name=$2 status=0 file
	shift 2
	file=$(mktemp)
	# A program that should have refused, and runs, would hold up the whole suite.
	[ "$(type -t "$1")" != file ] || set -- timeout 120 "$@"
	# shellcheck disable=SC2034  # read by the tests
	out=$("$@" 2>"$file") || status=$?
	err=$(cat "$file")
	rm -f "$file"
	if [ "$status" -eq "$want" ]; then
		ok 0 "$name"
	else
		ok 1 "$name"
		note "exit status $status, want $want: $*"
		note "$err"
		return 1
	fi
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# The plan, last. A script without a case has failed.
tap_done() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] && [ "$tap_count" -gt 0 ]
	exit
}
