#!/bin/bash
# A server that is down, slow, or no server at all: reading goes on with what is here, writing waits and is sent later.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two
as ada privity say acme "while it was up" >/dev/null
as ada privity read acme >/dev/null
run 1 "https to a server that speaks http" as carl privity init --name carl --server "https${url#http}"
like "$(err)" "https what is spoken there" "asks whether it is"
echo file >"$T/file.txt"
as ada privity put acme "$T/file.txt" >/dev/null
as bob privity refresh >/dev/null
as ada privity room new spare >/dev/null
as bob privity join "$(as ada privity invite spare)" --room spare >/dev/null
as ada privity put spare "$T/file.txt" >/dev/null
cp "$T/file.txt" "$T/more"
as ada privity put spare "$T/more" >/dev/null

stop_server
run 0 "read with the server down" as ada privity read acme
like "$(out)" "while it was up" "shows what is here"
one_line "read with the server down"
run 0 "read --offline" as ada privity read acme --offline
is "$(err)" "" "says nothing of it"
run 5 "say with the server down" as ada privity say acme "kept"
one_line "say with the server down"
like "$(err)" "will be sent" "says that it is kept"
run 0 "what is unsent shows" as ada privity read acme --offline --json
is "$(field '[(m["text"], m["pending"]) for m in o["messages"]][-1]')" '["kept", true]' "as pending"
run 0 "status" as ada privity status --json
is "$(field 'o["reachable"]')" false "knows that the server is away"
is "$(field 'o["rooms"][0]["unsent"] >= 1')" true "and counts what waits"
head -c 3000000 /dev/urandom >"$T/big"
run 5 "put with the server down" as ada privity put acme "$T/big"
one_line "put with the server down"
run 0 "role as it is with the server down" as bob privity role spare bob editor
one_line "role as it is"
like "$(err)" "cannot be reached.*; going by what is here" "tells by what it was judged"
run 1 "rm of what is not there with the server down" as ada privity rm acme none
is "$(grep -c "cannot be reached.*; going by what is here\|has no file" "$T/err")" 2 "tells both"
for change in "mv spare file.txt other.txt" "rm spare more" "role spare bob viewer" "remove spare bob"; do
	# shellcheck disable=SC2086
	run 5 "$change with the server down" as ada privity $change
	one_line "$change"
done
run 0 "ls" as ada privity ls acme --offline --json
is "$(field '[f["name"] for f in o["files"] if f["pending"]]')" '["big"]' "shows it as pending"
run 1 "get with the server down" as ada privity get acme file.txt -o "$T/got"
one_line "get with the server down"
is "$(ls -A "$T/got" 2>/dev/null)" "" "leaves nothing"
run 1 "invite with the server down" as ada privity invite acme
like "$(err)" "cannot be reached.*no link was made" "says that nothing waits"
run 1 "join with the server down" as bob privity join "$(cat "$T/link")"
run 1 "init with the server down" as eve privity init --name eve --server "$url" --kit "$T/kit-eve"
[ ! -e "$T/home-eve" ] && [ ! -e "$T/kit-eve" ]
ok "which leaves nothing"
run 5 "refresh with the server down" as ada privity refresh
run 1 "refresh with nothing to send" as bob privity refresh
run 5 "leave with the server down" as bob privity leave spare
one_line "leave with the server down"
run 1 "verify with the server down" as ada privity verify acme
run 0 "lock needs no server" as bob privity lock
run 0 "nor does unlock" as bob privity unlock

start_server
run 0 "refresh when it is back" as ada privity refresh
run 0 "the other reads" as bob privity read acme
like "$(out)" "kept" "what was kept"
run 0 "and gets" as bob privity get acme big -o "$T/got"
cmp -s "$T/big" "$T/got/big"
ok "the file, whole"
run 0 "nothing waits" as ada privity status --json
is "$(field 'o["rooms"][0]["unsent"]')" 0 "any more"
run 0 "it was said once" as bob privity read acme --json
is "$(field 'sum(m["text"] == "kept" for m in o["messages"])')" 1 "only"
stop_server

# What answers in its place, on the same port.
fake() {
	python3 - "$port" "$1" <<'END' &
import socket, sys, threading, time
port, mode = int(sys.argv[1]), sys.argv[2]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", port))
s.listen(16)
def serve(c):
    try:
        c.recv(65536)
        if mode == "html":
            body = b"<html>captive portal</html>"
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        elif mode == "500":
            c.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops")
        elif mode == "cut":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nContent-Length: 1000\r\n\r\nabc")
        elif mode == "garbage":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nContent-Length: 9\r\n\r\n\xff\x00garbage")
        elif mode == "redirect":
            c.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        elif mode == "flood":
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\n\r\n")
            while True: c.sendall(b"x" * 1000000)
        elif mode == "slow":
            time.sleep(60)
        elif mode == "junk":
            c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    except OSError:
        pass
    c.close()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
END
	fake_pid=$!
	for _ in $(seq 100); do
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
		sleep 0.05
	done
}

for mode in html 500 cut garbage redirect flood junk; do
	fake $mode
	run 5 "say to a server that answers $mode" timeout 40 env PRIVITY_HOME="$T/home-ada" privity say acme "said to $mode"
	is "$(grep -c '^privity: ' "$T/err")" "$(wc -l <"$T/err")" "and says so, in lines of its own"
	case $mode in garbage) status=1 ;; *) status=0 ;; esac # a server in disorder is no server that is away
	run $status "read from it" timeout 40 env PRIVITY_HOME="$T/home-ada" privity read acme
	like "$(out)" "said to $mode" "shows what is here"
	kill $fake_pid
	wait $fake_pid 2>/dev/null
done
fake slow
slow_server=1
run 0 "read from a server that is slow" as ada privity read acme
slow_server=''
like "$(err)" "is too slow to answer.*; showing what is here" "does not wait for it"
kill $fake_pid
wait $fake_pid 2>/dev/null

start_server
run 0 "all is sent at last" as ada privity refresh
run 0 "the other reads it" as bob privity read acme
is "$(grep -c 'said to' "$T/out")" 7 "all of it"
done_testing
