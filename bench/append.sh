#!/bin/bash
# Durable appends by 64 concurrent writers, one entry a request, beside PostgreSQL's single-row insert commits with
# 64 clients: a row of the same size, on the same disk, turn by turn in one run. Both with their default durability.
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
		-o "-c listen_addresses= -c unix_socket_directories=$scratch/pg" >/dev/null
	at_end "${as_pg[*]} $pg/pg_ctl -D $scratch/pg/data -m immediate stop >/dev/null"
	"${as_pg[@]}" "$pg/psql" -q -h "$scratch/pg" -U bench postgres \
		-c 'CREATE TABLE entry (id bigserial PRIMARY KEY, body bytea NOT NULL)'
}

# Rows a second, and the mean latency in ms.
insert_rows() {
	local bytes=$1 out
	echo "INSERT INTO entry (body) VALUES (decode(repeat('ab', $bytes), 'hex'));" >"$scratch/insert.sql"
	out=$("${as_pg[@]}" "$pg/pgbench" -n -h "$scratch/pg" -U bench -c 64 -j 2 -T "$seconds" -M prepared \
		-f "$scratch/insert.sql" postgres 2>/dev/null)
	awk '/^tps/ { tps = $3 } /^latency average/ { ms = $4 } END { printf "%.0f %.2f\n", tps, ms }' <<<"$out"
}

start_server --log-level warn
start_postgres
best_pg=0
declare -A best=([one]=0 [many]=0)
printf '%-44s %9s %12s %12s\n' '64 writers, durable' 'a second' 'median' '99 in 100'
for _ in $(seq "$rounds"); do
	for rooms in one many; do
		read -r rate median p99 bytes < <(build/native/bench/bench_append "$port" "$rooms" "$seconds")
		printf '%-44s %9d %9.2f ms %9.2f ms\n' "privityd, $rooms room$([ $rooms = one ] || echo s)" "$rate" "$median" "$p99"
		[ "$rate" -le "${best[$rooms]}" ] || best[$rooms]=$rate
	done
	read -r rate mean < <(insert_rows "$bytes")
	printf '%-44s %9d %9.2f ms (mean)\n' "PostgreSQL, rows of $bytes bytes" "$rate" "$mean"
	[ "$rate" -le "$best_pg" ] || best_pg=$rate
done
echo
for rooms in one many; do
	ratio "${best[$rooms]}" "$best_pg" "best of privityd ($rooms) over best of PostgreSQL" 'at least' 1
done
