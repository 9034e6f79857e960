#!/bin/bash
# A freelancer and a client play the whole story with the real programs: a server, two people with a device each, a
# sealed room between them. Every command is shown with what it prints. `./dev demo` runs this after building.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8
PATH=$PWD/build/bin:$PATH

dir=$(mktemp -d "${TMPDIR:-/tmp}/privity-demo.XXXXXX")
server=''
finish() {
	for home in "$dir"/mara "$dir"/otto; do
		[ ! -d "$home" ] || PRIVITY_HOME=$home privity lock >/dev/null 2>&1 || true
	done
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
tell() { printf '\n%s# %s%s\n' "$dim" "$*" "$plain"; }

# as WHO COMMAND…: print it as that person would type it, and run it with their home, in their directory.
as() {
	local who=$1 word
	shift
	printf '\n%s%s$%s' "$bold" "$who" "$plain"
	for word in "$@"; do
		case $word in
			"$url"/i#*) word="${url}/i#…" ;; # a link is a secret
			*[!A-Za-z0-9_./:=@-]*) word="'$word'" ;;
		esac
		printf ' %s' "$word"
	done
	printf '\n'
	(cd "$dir/desk-$who" && PRIVITY_HOME=$dir/$who PRIVITY_PASSPHRASE_FILE=$dir/passphrase-$who "$@")
}

# refused STATUS WHO COMMAND…: the same for a command that must end so.
refused() {
	local want=$1 status=0
	shift
	as "$@" 2>&1 || status=$?
	printf '%s(exit status %s)%s\n' "$dim" "$status" "$plain"
	[ "$status" -eq "$want" ]
}

mkdir "$dir/desk-mara" "$dir/desk-otto"
for who in mara otto; do
	(umask 077 && head -c 18 /dev/urandom | base64 >"$dir/passphrase-$who")
done
printf 'Logo, three drafts, by Friday.\n' >"$dir/desk-otto/brief.txt"
head -c 2000000 /dev/urandom >"$dir/desk-mara/logo.png"

tell 'A server, which anyone may run. It will never hold a key, a name or a text.'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo 17440)
url=http://127.0.0.1:$port
printf '\n%soperator$%s privityd --listen 127.0.0.1:%s --data server --registration open &\n' "$bold" "$plain" "$port"
privityd --listen "127.0.0.1:$port" --public-url "$url" --data "$dir/server" --registration open >"$dir/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
	if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
	kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; exit 1; }
	sleep 0.05
done

tell 'Mara is a freelancer, Otto her client. Each makes a person and a device; the recovery kit goes to a safe place.'
as mara privity init --name Mara --server "$url" --kit kit.txt
as otto privity init --name Otto --server "$url" --kit kit.txt

tell 'Mara opens a room for this one client and sends him a link. The link is half of a secret; the server has the other.'
as mara privity room new otto
as mara privity invite otto --role editor --expires 7d | tee "$dir/printed" | sed "s|$url/i#.*|$url/i#…|"
link=$(grep -o "$url/i#.*" "$dir/printed")
as otto privity join "$link" --room mara

tell 'On the telephone Otto reads their safety number to Mara, who types it: nobody stands between them.'
as otto privity safety mara Mara | tee "$dir/printed"
as mara privity safety otto Otto --verify "$(tail -1 "$dir/printed")"
as mara privity members otto

tell 'They talk, and share files.'
as otto privity say mara 'Welcome! The brief is attached.' --attach brief.txt
as mara privity read otto
as mara privity put otto logo.png --to drafts
as otto privity ls mara -R -l
as otto privity get mara drafts/logo.png -o downloads
cmp "$dir/desk-mara/logo.png" "$dir/desk-otto/downloads/logo.png"
as mara privity search otto brief

tell 'The server goes away for a while. Nothing typed is lost.'
kill "$server"
wait "$server" 2>/dev/null || true
server=''
refused 5 otto privity say mara 'I like the second draft.'
privityd --listen "127.0.0.1:$port" --public-url "$url" --data "$dir/server" --registration open >>"$dir/server.log" 2>&1 &
server=$!
sleep 0.3
as otto privity refresh
as mara privity read otto --limit 1

tell 'What the server holds of it: nothing that can be read.'
if grep -rqaE 'Mara|Otto|second draft|brief|logo' "$dir/server"; then
	echo 'the server holds a plain word'
	exit 1
fi
printf 'no name, text or file name is in the server'\''s %s of data\n' "$(du -sh "$dir/server" | cut -f1)"

tell 'Either can check the whole history, and that nothing in it was altered.'
as mara privity verify otto

tell 'The work is done. Mara closes the door; what comes after is sealed with a new key.'
as mara privity remove otto Otto
refused 3 otto privity say mara 'One more thing…'
as mara privity log otto
as mara privity lock
