# What the command-line tests share: TAP, a server of their own, homes for people. Sourced by each *.t.
#
#   plan ends by `done_testing`; `ok`, `is`, `like` report; `run STATUS COMMAND…` expects an exit status and leaves
#   standard output and error in $T/out and $T/err.
# shellcheck shell=bash disable=SC2034
set -u
export LC_ALL=C.UTF-8 TZ=UTC
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
BIN=${PV_BIN:-$PWD/build/bin}
PATH=$BIN:$PATH
T=$(mktemp -d "${TMPDIR:-/tmp}/privity-test.XXXXXX") || exit 1
unset PRIVITY_HOME PRIVITY_SERVER PRIVITY_PASSPHRASE_FD PRIVITY_NO_KEYRING PRIVITY_UNLOCK_MINUTES
export PRIVITY_PASSPHRASE_FILE=$T/passphrase
echo "correct horse battery staple" >"$PRIVITY_PASSPHRASE_FILE"
chmod 600 "$PRIVITY_PASSPHRASE_FILE"

count=0
failed=0
server_pid=''
url=''

cleanup() {
	local home job
	for job in $(jobs -p); do kill "$job" 2>/dev/null; done
	wait 2>/dev/null
	for home in "$T"/home-*; do
		[ ! -d "$home" ] || PRIVITY_HOME=$home privity lock >/dev/null 2>&1
	done
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# ok WHAT: reports the last command's success.
ok() {
	local good=$? what=$1
	count=$((count + 1))
	if [ "$good" -eq 0 ]; then
		echo "ok $count - $what"
	else
		failed=$((failed + 1))
		echo "not ok $count - $what"
	fi
	return "$good"
}

note() { printf '%s\n' "$*" | sed 's/^/# /'; }

# is GOT WANT WHAT
is() {
	[ "$1" = "$2" ]
	ok "$3" || note "got:  $1
want: $2"
}

# like TEXT PATTERN WHAT: an extended regular expression.
like() {
	grep -Eq -- "$2" <<<"$1"
	ok "$3" || note "\"$1\" is not like /$2/"
}

# unlike TEXT PATTERN WHAT
unlike() {
	! grep -Eq -- "$2" <<<"$1"
	ok "$3" || note "\"$1\" is like /$2/"
}

# gave_up: the last command waited its two seconds for the server, and then showed what was here.
gave_up() { grep -q 'is too slow to answer.*; showing what is here' "$T/err"; }

# run STATUS WHAT COMMAND…: what a busy machine was too slow for is asked again, unless $slow_server is set.
run() {
	local want=$1 what=$2 got i
	shift 2
	for i in $(seq 20); do
		"$@" >"$T/out" 2>"$T/err" </dev/null
		got=$?
		if [ "$got" -ne 0 ] || [ -n "${slow_server-}" ] || ! gave_up; then break; fi
	done
	[ "$got" -eq "$want" ]
	ok "$what" || note "exit $got, want $want: $*
$(head -c 2000 "$T/out")
$(head -c 2000 "$T/err")"
}

out() { cat "$T/out"; }
err() { cat "$T/err"; }

# One line on standard error, no more.
one_line() {
	is "$(wc -l <"$T/err")" 1 "$1: one line says why"
}

# field FILTER: of the JSON object in $T/out, by python3 (o is the object).
field() {
	python3 -c 'import json, sys
o = json.load(open(sys.argv[1]))
v = eval(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v))' "$T/out" "$1"
}

done_testing() {
	echo "1..$count"
	exit $((failed > 0 || count == 0))
}

free_port() {
	python3 tests/lib/free_port.py $$
}

# start_server [ARG…]: on $port (chosen once), data in $T/server or what $server_name says, address in $url.
# shellcheck disable=SC2120  # most tests give no options
start_server() {
	local i name=${server_name:-server}
	port=${port:-$(free_port)}
	url=http://127.0.0.1:$port
	privityd --listen "127.0.0.1:$port" --public-url "$url" --data "$T/$name" --registration "${registration:-open}" "$@" >>"$T/$name.log" 2>&1 &
	server_pid=$!
	for i in $(seq 100); do
		if ! kill -0 "$server_pid" 2>/dev/null; then break; fi
		if python3 -c "import urllib.request as u; u.urlopen('$url/healthz', timeout=1)" 2>/dev/null; then return 0; fi
		sleep 0.05
	done
	echo "not ok $((count + 1)) - cannot go on: the server does not start"
	tail -5 "$T/$name.log" | sed 's/^/# /'
	exit 1
}

stop_server() {
	kill "$server_pid" 2>/dev/null
	wait "$server_pid" 2>/dev/null
	server_pid=''
}

# as NAME COMMAND…: with that person's home. Names of homes are letters.
as() {
	local who=$1
	shift
	PRIVITY_HOME=$T/home-$who "$@"
}

# person NAME [ARG…]: a new person with a home.
person() {
	local who=$1
	shift
	as "$who" privity init --name "$who" --server "$url" --kit "$T/kit-$who" "$@" >"$T/out" 2>"$T/err" </dev/null || {
		echo "not ok $((count + 1)) - cannot go on: no person $who: $(cat "$T/err")"
		exit 1
	}
}

# room_of_two: ada and bob, an editor, in a room that both call acme.
room_of_two() {
	person ada
	person bob
	if ! { as ada privity room new acme && as ada privity invite acme >"$T/link" &&
		as bob privity join - --room acme <"$T/link"; } >"$T/out" 2>"$T/err"; then
		echo "not ok $((count + 1)) - cannot go on: no room of two: $(cat "$T/err")"
		exit 1
	fi
}
