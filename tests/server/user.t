#!/bin/bash
# privityd started as root: it binds, reads its TLS key, and is another user from then on; and what it gives up as
# whoever it is.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/server/lib.sh

of_server() { awk -v name="$1:" '$1 == name { print $2 }' "/proc/$server/status"; }

# --- whoever starts it

start --registration open
ok $? "a server starts"
is "$(of_server NoNewPrivs)" "1" "it can gain no privileges by what it executes"
is "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$server/limits")" "0 0" "it leaves no core file"
find "$home/data" -perm /077 | grep -q .
is "$?" "1" "nothing in its directory is open to others"
stop
ok $? "and stops"

exits 1 "a user who is not there is refused" "$privityd" --data "$home/other" --listen 127.0.0.1:0 --user no-such-user
like "$err" 'there is no user "no-such-user"' "and is named"
exits 1 "so is a group" "$privityd" --data "$home/other" --listen 127.0.0.1:0 --user nobody:no-such-group
exits 1 "--check-config says so as well" "$privityd" --data "$home/other" --listen 127.0.0.1:0 --user no-such-user --check-config
[ ! -e "$home/other" ]
ok $? "and nothing was made for them"

if [ "$(id -u)" -ne 0 ]; then
	exits 1 "only root becomes somebody else" "$privityd" --data "$home/other" --listen 127.0.0.1:0 --user root
	like "$err" 'only root can become root' "and is told so"
	tap_done
	exit
fi

# --- root

grep -q '"running as root".*--user NAME' "$home/err"
ok $? "root without --user is told what to do"
: >"$home/err"
start --user root
! grep -q 'running as root' "$home/err"
ok $? "not when it is meant"
stop

port=
chmod 711 "$home"
exits 1 "a directory of another user's is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0 --user nobody
like "$err" 'belongs to another user' "with a reason"
exits 1 "by --check-config too" "$privityd" --data "$home/data" --listen 127.0.0.1:0 --user nobody --check-config
mv "$home/data" "$home/data.root"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$home/key" -out "$home/cert" -days 2 \
	-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
chmod 600 "$home/key"
exits 0 "--check-config finds that it would start" "$privityd" --data "$home/data" --listen 127.0.0.1:0 --user nobody \
	--tls-cert "$home/cert" --tls-key "$home/key" --check-config
start --user nobody:nogroup --tls-cert "$home/cert" --tls-key "$home/key"
ok $? "it starts as nobody, with a TLS key that only root can read"
is "$(of_server Uid)$(awk '$1 == "Uid:" { print $3, $4, $5 }' "/proc/$server/status")" \
	"$(id -u nobody)$(id -u nobody) $(id -u nobody) $(id -u nobody)" "its user is nobody, in every respect"
is "$(of_server Gid)" "$(id -g nobody)" "its group is nobody's"
is "$(awk '$1 == "Groups:" { print NF - 1, $2 }' "/proc/$server/status")" "1 $(id -g nobody)" "it is in no other group"
is "$(of_server CapEff) $(of_server CapPrm)" "0000000000000000 0000000000000000" "it has no capability"
is "$(cat /proc/"$server"/task/*/status | awk '$1 == "Uid:" { print $2 }' | sort -u)" "$(id -u nobody)" "nor has any of its threads"
is "$(status --cacert "$home/cert" "https://127.0.0.1:$port/v1/server")" "200" "and it answers"
is "$(stat -c %U "$home/data" "$home/data/meta.db" "$home/data/log.key" | sort -u)" "nobody" "the directory was made for it"
exits 0 "an administrator's command is run as that user" "$privityd" --data "$home/data" --user nobody admin invite
is "$(find "$home/data" ! -user nobody)" "" "and leaves nothing of root's behind"
stop
ok $? "it stops"

install -d -o nobody -m 700 "$home/kept"
exits 0 "a backup is that user's" "$privityd" --data "$home/data" --user nobody admin backup "$home/kept/backup" "$home/kept/key"
mv "$home/data" "$home/data.nobody"
exits 0 "and put back where the data directory is gone, under one of root's" \
	"$privityd" --data "$home/data" --user nobody admin restore "$home/kept/backup" "$home/kept/key"
is "$(stat -c %U:%a "$home/data" "$home/data/meta.db" "$home/data/log.key" | sort -u | tr '\n' ' ')" "nobody:600 nobody:700 " "it is theirs"
start --user nobody --tls-cert "$home/cert" --tls-key "$home/key"
ok $? "and the server starts on it"
stop
tap_done
