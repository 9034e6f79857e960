#!/bin/bash
# No plaintext, name or file name in the server's data or log, on the wire, or on a device outside of what `get` wrote.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# A proxy in between keeps all that passes.
front=$(free_port)
start_server --public-url "http://127.0.0.1:$front"
python3 - "$front" "$port" "$T/wire" <<'END' &
import socket, sys, threading
front, back, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
out = open(path, "ab", buffering=0)
s = socket.socket()
s.bind(("127.0.0.1", front))
s.listen(64)
def pump(a, b):
    try:
        while True:
            data = a.recv(65536)
            if not data: break
            out.write(data)
            b.sendall(data)
    except OSError:
        pass
    for c in (a, b):
        try: c.shutdown(socket.SHUT_RDWR)
        except OSError: pass
while True:
    c, _ = s.accept()
    try:
        d = socket.create_connection(("127.0.0.1", back))
    except OSError: # the server has gone
        c.close()
        continue
    threading.Thread(target=pump, args=(c, d), daemon=True).start()
    threading.Thread(target=pump, args=(d, c), daemon=True).start()
END
proxy=$!
for _ in $(seq 100); do
	if (exec 3<>"/dev/tcp/127.0.0.1/$front") 2>/dev/null; then break; fi
	sleep 0.05
done
url=http://127.0.0.1:$front

who=CANARYwho room=canaryroom text=CANARYtext file=CANARYfile content=CANARYcontent folder=CANARYfolder
run 0 "a person" as ada privity init --name "$who-ada" --server "$url" --kit "$T/kit-ada"
run 0 "another" as bob privity init --name "$who-bob" --server "$url" --kit "$T/kit-bob"
run 0 "a room" as ada privity room new "$room"
as ada privity invite "$room" >"$T/link"
run 0 "joined" as bob privity join "$(cat "$T/link")" --room "$room-too"
mkdir "$T/work"
for i in $(seq 2000); do echo "$content $i"; done >"$T/work/$file"
run 0 "a message with a file" as ada privity say "$room" "$text of mine" --attach "$T/work/$file"
run 0 "a file" as ada privity put "$room" "$T/work/$file" --to "$folder"
run 0 "moved" as ada privity mv "$room" "$folder/$file" "$folder/$file-2"
run 0 "read" as bob privity read "$room-too"
run 0 "searched" as bob privity search "$text"
run 0 "fetched" as bob privity get "$room-too" "$folder" -o "$T/got"
run 0 "verified" as bob privity verify "$room-too"
kill "$server_pid" # so that the client's own outbox holds something
wait "$server_pid" 2>/dev/null
server_pid=''
run 5 "kept" as ada privity say "$room" "$text unsent"
run 5 "a file kept" as ada privity put "$room" "$T/work/$file" --to "$folder-3"
kill $proxy
wait $proxy 2>/dev/null

holds() { grep -rlaiE 'canary(who|room|text|file|content|folder)' "$@" | sed "s|$T/||"; }
is "$(holds "$T/server")" "" "the server's data hold no plain word"
is "$(holds "$T/server.log")" "" "nor does its log"
is "$(holds "$T/wire")" "" "nor does the wire"
is "$(holds "$T/home-ada" "$T/home-bob")" "" "nor do the devices' homes"
is "$(find "$T/home-ada" "$T/home-bob" "$T/server" -iname '*canary*')" "" "nor any file name"
[ "$(stat -c %s "$T/wire")" -gt 20000 ]
ok "the wire was heard"
grep -q "$content 2000" "$T/got/$folder/$file-2"
ok "and what was fetched is plain"
key=$(sed '1,/^Code:/d' "$T/kit-ada" | grep -oE '[0-9A-Z]{6}' | head -1)
[ -n "$key" ]
ok "the kit has a code"
is "$(grep -rla "$key" "$T/home-ada" "$T/server" "$T/wire")" "" "which is nowhere else"
is "$(grep -rla "$(cat "$PRIVITY_PASSPHRASE_FILE")" "$T/home-ada" "$T/server" "$T/wire")" "" "nor is the passphrase"
link=$(cat "$T/link")
is "$(grep -rla "${link#*#}" "$T/home-ada" "$T/home-bob" "$T/server" "$T/wire")" "" "nor the link's secret half"
done_testing
