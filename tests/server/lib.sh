# Starting privityd in shell tests: `. tests/lib/tap.sh; . tests/server/lib.sh`.
# shellcheck shell=bash disable=SC2034

privityd=${PRIVITYD:-build/bin/privityd}
load=${APPEND_LOAD:-build/native/tests/tools/append_load}
[ -x "$privityd" ] || skip_all "$privityd is not built"
home=$(mktemp -d)
server=
port=

finish() {
	[ -z "$server" ] || kill -9 "$server" 2>/dev/null
	rm -rf "$home"
}
trap finish EXIT

# start ARG…: serve from $home/data, on the old port if there was one; sets $server, $port, $url.
start() {
	: >"$home/out"
	"$privityd" --listen "127.0.0.1:${port:-0}" --data "$home/data" --rate-address 0 --rate-device 0 "$@" \
		>"$home/out" 2>>"$home/err" &
	server=$!
	local i
	for i in $(seq 200); do
		port=$(sed -n 's/^privityd: listening on [a-z]*:.*:\([0-9]*\) as .*/\1/p' "$home/out")
		[ -z "$port" ] || break
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	url=http://127.0.0.1:$port
	[ -n "$port" ]
}

# stop [SIGNAL]: and wait; the exit status is the server's.
stop() {
	local status=0
	kill -"${1:-TERM}" "$server"
	wait "$server" 2>/dev/null || status=$?
	server=
	return $status
}

# status ARG…: curl's arguments to the HTTP status; the body goes to $home/body.
status() {
	curl -s -o "$home/body" -w '%{http_code}' --max-time 20 "$@"
}
