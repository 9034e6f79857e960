# shellcheck shell=bash
# What the bench scripts share: a scratch directory on the disk of the checkout, a server, ratios.

die() { echo "bench: $*" >&2; exit 1; }

mkdir -p build
scratch=$(mktemp -d "$PWD/build/bench-XXXXXX")
end_commands=()
at_end() { end_commands=("$1" "${end_commands[@]}"); }
end() {
	local command
	for command in "${end_commands[@]}"; do eval "$command" || true; done
	rm -rf "$scratch"
}
trap end EXIT
trap 'exit 1' INT TERM

# Sets port and server_pid. Extra arguments go to privityd.
start_server() {
	: >"$scratch/privityd.out"
	build/bin/privityd --listen 127.0.0.1:0 --data "$scratch/server" --registration open \
		--rate-address 0 --rate-device 0 "$@" >"$scratch/privityd.out" 2>"$scratch/privityd.err" &
	server_pid=$!
	at_end "kill $server_pid; wait $server_pid 2>/dev/null"
	for _ in $(seq 100); do
		port=$(sed -n 's/.*listening on .*:\([0-9]*\) as .*/\1/p' "$scratch/privityd.out")
		[ -z "$port" ] || return 0
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.05
	done
	die "privityd does not start: $(tail -n 1 "$scratch/privityd.err")"
}

# ratio A B WHAT 'at least'|below TARGET
ratio() {
	awk -v a="$1" -v b="$2" -v what="$3" -v how="$4" -v target="$5" 'BEGIN {
		r = b > 0 ? a / b : 0
		met = how == "below" ? r < target : r >= target
		printf "%-60s %8.2f   (target: %s %s)%s\n", what, r, how, target, met ? "" : "   target missed"
	}'
}
