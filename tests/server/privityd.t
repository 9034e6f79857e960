#!/bin/bash
# privityd as its operator meets it: options, configuration, data directory, signals, errors over HTTP.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh
. tests/server/lib.sh

# --- the command line

exits 0 "--help" "$privityd" --help
like "$out" 'usage: privityd' "says how it is used"
like "$out" '--registration MODE' "names the options"
like "$out" 'admin invite' "and the operator's commands"
missing=$(for option in $("$privityd" --help | grep -o -e '--[a-z-]*' | sort -u); do
	sed 's/\\-/-/g' docs/man/privityd.8 | grep -q -e "Fl -${option#--}\b" || echo "$option"
done)
is "$missing" "" "the manual page has every option"
missing=$("$privityd" --help | sed -n 's/^  admin \([a-z]*\).*/\1/p' | while read -r command; do
	grep -q "Cm admin $command" docs/man/privityd.8 || echo "$command"
done)
is "$missing" "" "and every command"
exits 0 "--version" "$privityd" --version
like "$out" '^privityd [0-9]' "names itself"
exits 2 "an unknown option is wrong usage" "$privityd" --frobnicate
like "$err" 'frobnicate' "and is named"
exits 2 "an option without its value too" "$privityd" --data
exits 2 "a wrong value too" "$privityd" --registration maybe
like "$err" 'open, invite or closed' "and the right ones are told"
exits 2 "an unknown command too" "$privityd" frobnicate
exits 2 "an unknown admin command too" "$privityd" --data "$home/none" admin frobnicate
like "$err" 'admin frobnicate' "and is named"
exits 2 "admin alone too" "$privityd" --data "$home/none" admin
like "$err" 'needs a command.*admin invite .*admin restore ' "and the commands are told"
exits 2 "a command without its argument too" "$privityd" --data "$home/none" admin suspend
like "$err" 'usage: .*admin suspend ID' "and how it is used is told"
exits 2 "one with an argument too many too" "$privityd" --data "$home/none" admin stats all
like "$err" 'admin stats takes no argument' "and is named"
exits 2 "JSON of a server too" "$privityd" --data "$home/none" --json
[ ! -e "$home/none" ]
ok $? "nothing of that makes a data directory"

# --- completions, from the same table

for shell in bash zsh fish; do
	exits 0 "completions for $shell" "$privityd" --completion "$shell"
	printf '%s\n' "$out" >"$home/completion.$shell"
	missing=$("$privityd" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p' | while read -r option; do
		grep -q -e "-\(-\|l \)$option\b" "$home/completion.$shell" || echo "$option"
	done)
	is "$missing" "" "have every option"
	if command -v "$shell" >/dev/null; then
		"$shell" -n "$home/completion.$shell"
		ok $? "and are read by it"
	fi
done
exits 2 "completions for another shell" "$privityd" --completion tcsh
# shellcheck disable=SC2034 # bash reads them
complete_with() {
	. "$home/completion.bash"
	COMP_WORDS=(privityd "$@")
	COMP_CWORD=$#
	_privityd
	echo "${COMPREPLY[*]}"
}
is "$(complete_with --regis)" "--registration" "bash completes an option"
is "$(complete_with --registration c)" "closed" "its value"
is "$(complete_with admin s)" "suspend stats" "and the operator's commands"

# --- the configuration file

printf '# a comment\nlisten = 127.0.0.1:0\n\n data=%s/data \nregistration = closed\n' "$home" >"$home/good.conf"
exits 0 "a good configuration" "$privityd" --config "$home/good.conf" --check-config
like "$out" 'good' "is called so"
exits 2 "options override it, and are checked" "$privityd" --config "$home/good.conf" --listen nonsense --check-config
printf 'listen = 127.0.0.1:0\nbogus = 1\n' >"$home/bad.conf"
exits 2 "a bad one is refused" "$privityd" --config "$home/bad.conf" --check-config
like "$err" 'bad.conf, line 2.*bogus' "by file, line and name"
exits 2 "a public URL with a path is refused" "$privityd" --public-url https://x.example/y --check-config
exits 2 "a certificate without its key too" "$privityd" --tls-cert x --check-config
exits 2 "a proxy that is no address too" "$privityd" --trusted-proxy proxy.example --check-config
exits 2 "a store that is not known too" "$privityd" --meta mysql:x --check-config

# --- what a start would trip over

check() {
	"$privityd" --data "$home/fresh" --listen 127.0.0.1:0 --check-config "$@"
}
exits 0 "a data directory yet to be made is fine" check
[ ! -e "$home/fresh" ]
ok $? "and is not made by asking"
is "$(grep -c public-url <<<"$out")" 0 "an address of this machine alone needs no other name"
exits 0 "listening to all without a name is no mistake yet" check --listen 0.0.0.0:0
like "$out" 'note .*public-url' "but is told"
exits 0 "with a name" check --listen 0.0.0.0:0 --public-url https://rooms.example
is "$(grep -c public-url <<<"$out")" 0 "it is not"
exits 1 "one that cannot be made is told" check --data /proc/fresh
like "$err" '/proc/fresh cannot be made' "by name"
exits 1 "each thing is checked" check --data /proc/fresh --blobs fs:/etc/passwd
like "$out" 'bad +data directory.*bad +blob store.*good +space on the disk.*good +address and port' "and told, after a failure too"
like "$err" '/proc/fresh.*/etc/passwd is no directory' "each by name"
mkdir -m 755 "$home/wide"
exits 1 "so is one that others can read" check --data "$home/wide"
like "$err" 'chmod 700' "with what to do"
if command -v openssl >/dev/null; then
	for name in one two; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
			-keyout "$home/$name.key" -out "$home/$name.crt" 2>/dev/null
	done
	exits 0 "certificate and key that fit" check --tls-cert "$home/one.crt" --tls-key "$home/one.key"
	exits 1 "a certificate that is not there" check --tls-cert "$home/none.crt" --tls-key "$home/one.key"
	like "$err" 'none.crt cannot be read' "is told by name"
	exits 1 "certificate and key swapped" check --tls-cert "$home/one.key" --tls-key "$home/one.crt"
	like "$err" 'one.key holds no certificate' "too"
	exits 1 "another certificate's key" check --tls-cert "$home/one.crt" --tls-key "$home/two.key"
	like "$err" 'not that of the certificate' "too"
fi

# An operator whose --data is mistyped, or comes before the first start, is told so, and nothing is made.
for command in invite accounts "suspend ff" stats gc "backup $home/early.backup"; do
	# shellcheck disable=SC2086
	exits 1 "admin $command where there is nothing" "$privityd" --data "$home/early" admin $command
	like "$err" "there is no data directory at $home/early: is --data right\?" "is told so"
done
is "$(ls -d "$home"/early* 2>&1)" "ls: cannot access '$home/early*': No such file or directory" "and nothing was made"
mkdir -m 700 "$home/early"
exits 1 "so where the directory is empty" "$privityd" --data "$home/early" admin invite
like "$err" "there is no metadata store at $home/early/meta.db: .*admin restore" "with what to do"
: >"$home/early/meta.db"
exits 1 "an empty file is no store" "$privityd" --data "$home/early" admin stats
is "$(ls -s "$home/early")" "total 0
0 meta.db" "and is left as it is"
"$privityd" --data "$home/early" --listen 127.0.0.1:0 >"$home/early.out" 2>/dev/null &
early=$!
for _ in $(seq 100); do
	grep -q listening "$home/early.out" && break
	sleep 0.05
done
grep -q listening "$home/early.out"
ok $? "a server that is started makes one"
exits 0 "of which a code is good" "$privityd" --data "$home/early" admin invite
kill "$early"
wait "$early"
ok $? "and stops"
mv "$home/early/blobs" "$home/early/elsewhere"
exits 1 "a blob store that is gone" "$privityd" --data "$home/early" admin gc
like "$err" "there is no blob store at $home/early/blobs: is it mounted" "is told"
[ ! -e "$home/early/blobs" ]
ok $? "and not made anew"

# --- the data directory

mkdir -m 755 "$home/open"
exits 1 "a data directory that others can read is refused" "$privityd" --data "$home/open" --listen 127.0.0.1:0
like "$err" 'chmod 700' "with what to do"
start --registration invite --log-level debug
ok $? "it starts"
is "$(stat -c %a "$home/data")" 700 "its data directory is its own"
is "$(stat -c %a "$home/data/log.key")" 600 "so is its key"
is "$(stat -c %a "$home/data/meta.db")" 600 "so is its store"
exits 1 "a second server on the same data is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'another privityd' "in words"
exits 0 "its configuration is good while it runs" "$privityd" --data "$home/data" --listen "127.0.0.1:$port" --check-config
like "$out" 'a server runs' "and that is said"
exits 1 "another's on its port is not" "$privityd" --data "$home/other" --listen "127.0.0.1:$port" --check-config
like "$err" "port $port" "by its number"
exits 1 "a port in use is refused" "$privityd" --data "$home/other" --listen "127.0.0.1:$port"
like "$err" "port $port" "by its number"

# --- signals that do not stop it

kill -HUP "$server"
until grep -q '"hangup ignored"' "$home/err"; do sleep 0.05; done
is "$(status "$url/healthz")" 200 "a hangup is noted and changes nothing"

# --- over HTTP

is "$(status "$url/healthz")" 200 "it is well"
is "$(status "$url/metrics")" 200 "it counts"
like "$(cat "$home/body")" 'privityd_requests_ok_total [1-9]' "requests, for one"
is "$(status "$url/v1/server")" 200 "it says who it is"
is "$(status "$url/nothing/here")" 404 "a path that is none"
like "$(cat "$home/body")" '"code":"not-found"' "is answered with problem details"
is "$(status -X DELETE "$url/healthz")" 405 "a wrong method"
is "$(status "$url/v1/rooms")" 401 "no session"
is "$(status -H 'Authorization: Bearer nonsense' "$url/v1/rooms")" 401 "a token that is none"
is "$(status -H "Authorization: Bearer $(head -c 32 /dev/zero | base64 | tr '+/' '-_' | tr -d =)" "$url/v1/rooms")" 401 "a token that is unknown"
is "$(status --data-binary nonsense "$url/v1/session")" 400 "a body that is no CBOR"
head -c 5000 /dev/zero >"$home/big"
is "$(status --data-binary @"$home/big" "$url/v1/session")" 413 "a body over the limit"
is "$(status -H 'Transfer-Encoding: chunked' --data-binary nonsense "$url/v1/session")" 411 "a body without a length"
is "$(status "$url/$(head -c 20000 /dev/zero | tr '\0' a)")" 414 "an address that is too long"
is "$(status -H "X: $(head -c 20000 /dev/zero | tr '\0' a)" "$url/healthz")" 431 "a head that is too long"
is "$(status --path-as-is "$url/v1/rooms/../../etc/passwd")" 404 "a path that climbs"
is "$(status -X POST "$url/v1/rooms" -d '')" 401 "founding without a session"

# Someone who sends half a head keeps nobody waiting.
exec 9<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /healthz HTTP/1.1\r\nHost:' >&9
is "$(status "$url/healthz")" 200 "a slow client holds up nobody"
exec 9>&-

exits 0 "a registration code is made beside the server" "$privityd" --data "$home/data" admin invite
like "$out" '^[A-Za-z0-9_-]{43}$' "and printed"
code=$out
exits 0 "the stores are counted" "$privityd" --data "$home/data" admin stats
like "$out" 'rooms +0' "rooms, for one"
exits 0 "accounts are listed" "$privityd" --data "$home/data" admin accounts
json() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"o": json.loads(sys.argv[1])}))' "$out" "$1"; }
exits 0 "as JSON a code" "$privityd" --data "$home/data" --json admin invite
is "$(json 'len(o["code"]), o["expires"] > 1700000000000')" "(43, True)" "comes with its end"
exits 0 "as JSON the counts" "$privityd" --data "$home/data" admin stats --json
is "$(json 'sorted(o)')" "['accounts', 'blob_bytes', 'blobs', 'devices', 'entries', 'gates', 'rooms', 'sessions', 'store_bytes']" "are members"
exits 0 "as JSON the accounts" "$privityd" --data "$home/data" --json admin accounts
is "$(json 'o')" "{'accounts': []}" "are a list"
exits 0 "as JSON the blobs that went" "$privityd" --data "$home/data" --json admin gc
is "$(json 'o')" "{'blobs': 0, 'stray_files': 0}" "are counted"
to_full() { "$privityd" --data "$home/data" "$@" >/dev/full; }
for words in "admin invite" "admin accounts --json" "admin stats" "--listen 127.0.0.1:0 --check-config" --version --help "--completion bash"; do
	# shellcheck disable=SC2086
	exits 1 "privityd $words whose result cannot be written" to_full $words
	like "$err" 'cannot be written to standard output: No space left' "fails with the reason"
done
to_nothing() { "$privityd" --data "$home/data" "$@" >&-; }
exits 1 "nor into a standard output that is closed" to_nothing admin invite
like "$err" 'cannot be written to standard output: Bad file' "too"
exits 1 "who is not there is not suspended" "$privityd" --data "$home/data" admin suspend ff
exits 0 "blobs are collected" "$privityd" --data "$home/data" admin gc

stop TERM
ok $? "it stops when it is told to"
grep -q "$code" "$home/err"
isnt $? 0 "no code is logged"
python3 -c 'import json,sys
for line in open(sys.argv[1]): json.loads(line)' "$home/err"
ok $? "each line of the log is JSON"
grep -q '"event":"request".*"resource":"/v1/server"' "$home/err"
ok $? "requests are in it, by resource"

# --- what is damaged is named, and left alone

start --registration open
"$load" "$port" connections=1 rooms=1 entries=1 >/dev/null 2>&1
ok $? "with a room in it"
stop TERM
grep -q '"event":"account made","person":"[0-9a-f]\{8\}"' "$home/err"
ok $? "an account that was made is logged, its id cut"
mv "$home/data/log.key" "$home/key"
exits 1 "a lost key is told by a check" "$privityd" --data "$home/data" --listen 127.0.0.1:0 --check-config
like "$err" 'log.key.*is gone' "by name"
exits 1 "a lost key is not replaced" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'log.key' "but named"
head -c 31 "$home/key" >"$home/data/log.key"
chmod 600 "$home/data/log.key"
exits 1 "a damaged key is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'log.key.*damaged' "by name"
cp "$home/key" "$home/data/log.key"
chmod 644 "$home/data/log.key"
exits 1 "a key that others can read is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'chmod 600' "with what to do"
chmod 600 "$home/data/log.key"
cp "$home/data/meta.db" "$home/meta.db"
printf 'scribble' | dd of="$home/data/meta.db" conv=notrunc status=none
exits 1 "a damaged store is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'meta.db.*damaged' "by name"
cp "$home/meta.db" "$home/data/meta.db"
printf '\0\0\0\143' | dd of="$home/data/meta.db" bs=1 seek=60 conv=notrunc status=none
exits 1 "a newer version's store is told by a check" "$privityd" --data "$home/data" --listen 127.0.0.1:0 --check-config
like "$err" 'newer' "in words"
exits 1 "a newer version's store is refused" "$privityd" --data "$home/data" --listen 127.0.0.1:0
like "$err" 'newer' "in words"
cp "$home/meta.db" "$home/data/meta.db"
start
ok $? "put right, it starts again"
stop TERM

# Who may register where nothing is said: anyone on loopback, only the invited where others reach it.
registration() { curl -s "$url/v1/server" | od -An -v -tx1 | tr -d ' \n' | sed -n 's/.*5820[0-9a-f]\{64\}\(0[0-2]\)65.*/\1/p'; }
start
is "$(registration)" 00 "on loopback anyone may register"
stop TERM
start --public-url https://rooms.example
is "$(registration)" 01 "behind a public address it takes an invite"
stop TERM
start --listen 0.0.0.0:0
grep -q 'as localhost:[0-9]*$' "$home/out" && grep -q 'clients of other machines cannot sign in' "$home/err"
ok $? "listening everywhere under no name is for this machine, and said"
stop TERM
start --public-url http://127.example.org
is "$(registration)" 01 "a name that only begins like one of loopback is public"
stop TERM

# --- TLS

if command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-keyout "$home/tls.key" -out "$home/tls.crt" 2>/dev/null
	exits 1 "a certificate that cannot be read is named" "$privityd" --data "$home/data" --listen 127.0.0.1:0 \
		--tls-cert "$home/none.crt" --tls-key "$home/tls.key"
	like "$err" 'none.crt' "by its file"
	start --tls-cert "$home/tls.crt" --tls-key "$home/tls.key"
	ok $? "it starts with TLS"
	is "$(status --cacert "$home/tls.crt" "https://localhost:$port/healthz" --resolve "localhost:$port:127.0.0.1")" 200 "and answers"
	stop TERM
fi

tap_done
