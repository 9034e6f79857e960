#!/bin/bash
# 2,000 connections that send a byte of a head now and then, and honest clients beside them: what those get, and the
# server's memory. Then wrk on the same server, where it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

start_server --log-level warn
python3 bench/slow_loris.py "$port" "$server_pid" "${1:-2000}" "${2:-45}"
if command -v wrk >/dev/null; then
	echo
	echo 'wrk, 256 connections:'
	wrk -t 2 -c 256 -d 10 --latency "http://127.0.0.1:$port/v1/server" | sed -n -e '/Requests\/sec/p' -e '/50%/p' -e '/99%/p' \
		-e '/Non-2xx/p' -e '/Socket errors/p'
	awk '/VmRSS/ { print "memory after it: " $2 " KiB" }' "/proc/$server_pid/status"
	curl -fsS -o /dev/null "http://127.0.0.1:$port/v1/server" && echo 'and the server answers on'
fi
