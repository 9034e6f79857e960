#!/bin/bash
# Durable appends by 64 concurrent writers, one entry a request, beside PostgreSQL's single-row insert commits with
# 64 clients: a row of the same size, on the same disk, turn by turn in one run. Both with their default durability,
# both over TCP on the loopback address; PostgreSQL over its Unix socket as well. Processor time counts the server's
# processes apart from those of the writers, so that it says something on a busy machine too.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

seconds=${1:-4}
rounds=3
pg=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1) || true
[ -x "$pg/initdb" ] || die 'PostgreSQL is missing: apt-get install postgresql (15 in Debian 12)'
[ -x "$pg/pgbench" ] || die 'pgbench is missing: apt-get install postgresql-contrib'

# PostgreSQL does not run as root.
as_pg=()
if [ "$(id -u)" -eq 0 ]; then as_pg=(setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME="$scratch/pg"); fi

start_postgres() {
	mkdir "$scratch/pg"
	chmod 711 "$scratch"
	[ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$scratch/pg"
	"${as_pg[@]}" "$pg/initdb" -D "$scratch/pg/data" -U bench -A trust --no-locale -E UTF8 >"$scratch/initdb.log" 2>&1 ||
		die "initdb failed: $(tail -n 1 "$scratch/initdb.log")"
	"${as_pg[@]}" "$pg/pg_ctl" -D "$scratch/pg/data" -l "$scratch/pg/log" -w start \
		-o "-c listen_addresses=127.0.0.1 -c port=$pg_port -c unix_socket_directories=$scratch/pg" >/dev/null
	pg_pid=$(head -n 1 "$scratch/pg/data/postmaster.pid")
	at_end "${as_pg[*]} $pg/pg_ctl -D $scratch/pg/data -m immediate stop >/dev/null"
	"${as_pg[@]}" "$pg/psql" -q -h "$scratch/pg" -p "$pg_port" -U bench postgres \
		-c 'CREATE TABLE entry (id bigserial PRIMARY KEY, body bytea NOT NULL)'
}

# A port that is free now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Processor time of PostgreSQL so far, with that of the clients' processes that have ended, in ticks.
pg_ticks() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 + $14 + $15 }' "/proc/$pg_pid/stat"
}

# insert_rows HOST BYTES: rows a second, the mean latency in ms, PostgreSQL's processor time a row in µs.
insert_rows() {
	local host=$1 bytes=$2 before out
	echo "INSERT INTO entry (body) VALUES (decode(repeat('ab', $bytes), 'hex'));" >"$scratch/insert.sql"
	before=$(pg_ticks)
	out=$("${as_pg[@]}" "$pg/pgbench" -n -h "$host" -p "$pg_port" -U bench -c 64 -j 2 -T "$seconds" -M prepared \
		-f "$scratch/insert.sql" postgres 2>/dev/null)
	sleep 0.3 # until the last of its processes is gone
	awk -v ticks="$(($(pg_ticks) - before))" -v hz="$(getconf CLK_TCK)" '
		/^tps/ { tps = $3 } /^latency average/ { ms = $4 } /actually processed/ { n = $6 }
		END { printf "%.0f %.2f %.1f\n", tps, ms, n ? ticks / hz * 1e6 / n : 0 }' <<<"$out"
}

pg_port=$(free_port)
start_server --log-level warn
start_postgres
declare -A best=([one]=0 [many]=0 [tcp]=0 [unix]=0)
printf '%-42s %9s %11s %11s %12s %9s\n' '64 writers, durable' 'a second' 'median' '99 in 100' 'CPU, server' 'writers'
for _ in $(seq "$rounds"); do
	for rooms in one many; do
		read -r rate median p99 cpu own bytes < <(build/native/bench/bench_append "$port" "$rooms" "$seconds" "$server_pid")
		printf '%-42s %9d %8.2f ms %8.2f ms %9.1f µs %6.1f µs\n' \
			"privityd, $rooms room$([ $rooms = one ] || echo s)" "$rate" "$median" "$p99" "$cpu" "$own"
		[ "$rate" -le "${best[$rooms]}" ] || best[$rooms]=$rate
	done
	for way in tcp unix; do
		host=127.0.0.1
		[ $way = tcp ] || host=$scratch/pg
		read -r rate mean cpu < <(insert_rows "$host" "$bytes")
		printf '%-42s %9d %8.2f ms %11s %9.1f µs\n' "PostgreSQL ($way), rows of $bytes bytes" "$rate" "$mean" '(mean)' "$cpu"
		[ "$rate" -le "${best[$way]}" ] || best[$way]=$rate
	done
done
echo
for rooms in one many; do
	ratio "${best[$rooms]}" "${best[tcp]}" "best of privityd ($rooms) over best of PostgreSQL, both TCP" 'at least' 1
done
ratio "${best[one]}" "${best[unix]}" 'the same (one), PostgreSQL over its Unix socket' 'at least' 1
