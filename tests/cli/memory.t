#!/bin/bash
# What a command holds in memory stays out of core files and, as far as the system lets it, out of swap.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

[ -x build/bin/privity ] || skip_all 'privity is not built'
work=$(mktemp -d)
trap 'kill "$silent"; rm -rf "$work"' EXIT
chmod 755 "$work"
# A server that never answers, so that commands wait.
python3 -c 'import signal, socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
signal.pause()' >"$work/port" &
silent=$!
until [ -s "$work/port" ]; do sleep 0.05; done
port=$(<"$work/port")
cp build/bin/privity build/bin/privity-kit-pdf "$work" # where every user can run it

# locked PID: which of the two lie in memory that is locked: where the stack is used, and the session with its secrets.
locked() {
	python3 - "$1" "$(nm "$work/privity" | awk '$3 ~ /^session\.[0-9]+$/ { print $1 }')" <<'END'
import re, sys, time
pid, symbol = sys.argv[1], int(sys.argv[2], 16)
areas, base = [], None
for line in open(f"/proc/{pid}/smaps"):
    if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) .*?(/\S+)?$", line):
        at, end = int(head[1], 16), int(head[2], 16)
        if base is None and head[4] and head[4].endswith("/privity"):
            base = at
    elif line.startswith("VmFlags:"):
        areas.append((at, end, "lo" in line.split()))
for _ in range(600):  # "running", while it is no more than between two waits
    call = open(f"/proc/{pid}/syscall").read().split()
    if len(call) > 2:
        break
    time.sleep(0.05)
stack = int(call[-2], 16)
print(*(name for name, where in (("stack", stack), ("secrets", base + symbol)) if any(at <= where < end and lo for at, end, lo in areas)))
END
}

# waiting WRAP…: a command that waits for a server; into $status, $limits, $owner and, for root, $locked what /proc says.
waiting() {
	mkdir "$work/home"
	chmod 777 "$work/home"
	PRIVITY_HOME=$work/home/h "$@" "$work/privity" init --name ada \
		--server "http://127.0.0.1:$port" --kit "$work/home/kit" >"$work/out" 2>&1 &
	local pid=$!
	for _ in $(seq 200); do
		grep -q "^Name:.*privity" "/proc/$pid/status" && grep -q "^State:.S" "/proc/$pid/status" && break
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	status=$(cat "/proc/$pid/status")
	limits=$(cat "/proc/$pid/limits")
	owner=$(stat -c %u "/proc/$pid/status")
	[ "$(id -u)" -ne 0 ] || locked=$(locked "$pid")
	kill "$pid"
	wait "$pid" 2>/dev/null
	rm -rf "${work:?}/home"
}
kib() { awk -v name="$1:" '$1 == name { print $2 }' <<<"$status"; }

# What is not dumpable belongs to root in /proc, whoever runs it: neither a core pattern's program nor a tracer gets it.
# Root sees that in another user's process.
anyone=(env)
[ "$(id -u)" -ne 0 ] || anyone=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if command -v "${anyone[0]}" >/dev/null; then
	"${anyone[@]}" sleep 60 &
	sleeper=$!
	until grep -q "^Name:.*sleep" "/proc/$sleeper/status"; do sleep 0.05; done
	isnt "$(stat -c %u "/proc/$sleeper/status")" "0" "what any program lets its user look into is that user's"
	kill "$sleeper"
	wait "$sleeper" 2>/dev/null
	waiting "${anyone[@]}"
	is "$owner" "0" "it can be neither dumped nor traced"
else
	note 'setpriv is not there'
fi

# The program that draws the kit's page waits for what it is to draw.
mkfifo "$work/sheet"
exec 9<>"$work/sheet"
"$work/privity-kit-pdf" <"$work/sheet" >/dev/null 2>&1 &
draws=$!
for _ in $(seq 200); do
	status=$(cat "/proc/$draws/status")
	[ "$(kib VmLck)" -lt 512 ] || break
	sleep 0.05
done
is "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$draws/limits")" "0 0" "what draws the kit's page leaves no core file"
ok "$([ "$(kib VmLck)" -ge 512 ]; echo $?)" "and locks what holds the kit's secret"
kill "$draws"
wait "$draws" 2>/dev/null
exec 9>&-

waiting env
is "$(awk '/^Max core file size/ { print $5, $6 }' <<<"$limits")" "0 0" "a command leaves no core file"
ok "$([ "$(kib VmLck)" -ge 512 ]; echo $?)" "at least what holds keys and passphrases is locked"

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	is "$(($(kib VmLck) * 10 >= $(kib VmSize) * 9))" "1" "where there is no limit, everything is"
	waiting prlimit --memlock=8388608:8388608 setpriv --reuid=nobody --regid=nogroup --clear-groups
	is "$locked" "stack secrets" "under the usual limit, the stack and the device's secrets are"
	ok "$([ "$(kib VmLck)" -le 8192 ]; echo $?)" "and no more than it lets"
	waiting prlimit --memlock=1048576:1048576 setpriv --reuid=nobody --regid=nogroup --clear-groups
	is "$locked" "stack secrets" "also where no more than 1 MiB may be locked"
	if prlimit --memlock=134217728:134217728 true 2>/dev/null; then
		waiting prlimit --memlock=134217728:134217728 setpriv --reuid=nobody --regid=nogroup --clear-groups
		ok "$([ "$(kib VmLck)" -ge 512 ] && [ "$(kib VmLck)" -lt "$(kib VmSize)" ]; echo $?)" \
			"not everything where that would leave too little for a passphrase's 256 MiB"
	fi
	waiting prlimit --memlock=0:0 setpriv --reuid=nobody --regid=nogroup --clear-groups
	is "$(kib VmLck) $locked" "0 " "where nothing may be locked, a command goes on without"
fi
tap_done
