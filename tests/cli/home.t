#!/bin/bash
# A device's directory: made once, refused when it is open to others, damaged or newer, and never overwritten.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
export PRIVITY_HOME=$T/home-ada

run 1 "without a home" privity rooms
one_line "without a home"
like "$(err)" "privity init" "it says what to do"
run 2 "init without a name" privity init --server "$url"
run 2 "init without a server" privity init --name ada
run 2 "init with an address that is none" privity init --name ada --server "ftp://x"
run 2 "init with an empty name" privity init --name "" --server "$url"
run 2 "init with a newline in the name" privity init --name $'a\nb' --server "$url"
run 2 "init with invalid UTF-8 in the name" privity init --name $'a\xff' --server "$url"
run 2 "init with a name of 4 KiB" privity init --name "$(head -c 4096 /dev/zero | tr '\0' a)" --server "$url"
[ ! -e "$PRIVITY_HOME" ]
ok "none of them leaves a home"

run 0 "init" privity init --name Ada --server "$url" --kit "$T/kit" --json
is "$(field 'o["name"]')" Ada "tells the name"
is "$(field 'len(o["id"])')" 64 "and the id"
is "$(field 'o["registered"]')" true "and that the server knows"
is "$(stat -c %a "$T/kit")" 600 "the kit is for one user"
like "$(cat "$T/kit")" "^Code:" "the kit holds its code"
is "$(stat -c %a "$PRIVITY_HOME")" 700 "so is the home"
is "$(find "$PRIVITY_HOME" -type f ! -perm 600)" "" "and every file in it"
is "$(find "$PRIVITY_HOME" -type d ! -perm 700)" "" "and every directory"
run 0 "devices" privity devices --json
host=$(python3 -c 'import socket; print(socket.gethostname().split(".")[0])')
case $host in '' | localhost | '(none)') host='first device' ;; esac
is "$(field '[d["name"] for d in o["devices"] if d["current"]]')" "[\"$host\"]" "the device goes by its machine's name"
run 2 "a device's name with a control character" privity init --name ada --device $'a\tb' --server "$url"
run 0 "whoami" privity whoami --json
is "$(field 'o["name"]')" Ada "is that name"
sum=$(sha256sum <"$PRIVITY_HOME/keystore")
run 1 "init again" privity init --name Eve --server "$url" --kit "$T/kit2"
one_line "init again"
is "$(sha256sum <"$PRIVITY_HOME/keystore")" "$sum" "changes nothing"
PRIVITY_HOME=$T/home-other run 1 "init with a kit file that exists" privity init --name Eve --server "$url" --kit "$T/kit"
[ ! -e "$T/home-other/version" ]
ok "makes no home"

mkdir -m 755 "$T/home-made"
PRIVITY_HOME=$T/home-made run 1 "an empty directory that others may read" privity rooms
like "$(err)" "no privity here yet" "is no home"
is "$(stat -c %a "$T/home-made")" 755 "and is left as it is"
PRIVITY_HOME=$T/home-made run 0 "init in it" privity init --name Made --server "$url" --kit "$T/kit-made"
is "$(stat -c %a "$T/home-made")" 700 "closes it to others"
mkdir -m 755 "$T/home-used"
echo mine >"$T/home-used/file"
PRIVITY_HOME=$T/home-used run 1 "init in a directory in use" privity init --name Used --server "$url" --kit "$T/kit-used"
is "$(stat -c %a "$T/home-used") $(ls "$T/home-used")" "755 file" "leaves it as it is"
PRIVITY_HOME=$T/home-unkept run 1 "init with a kit that cannot be written" privity init --name Unkept --server "$url" --kit "$T/absent/kit"
one_line "init with a kit that cannot be written"
[ ! -e "$T/home-unkept" ]
ok "leaves no home"

chmod 755 "$PRIVITY_HOME"
run 1 "a home open to others" privity rooms
like "$(err)" "chmod 700" "says what to do"
chmod 700 "$PRIVITY_HOME"
chmod 644 "$PRIVITY_HOME/keystore"
run 1 "a keystore open to others" privity unlock
like "$(err)" "chmod 600" "says what to do"
chmod 600 "$PRIVITY_HOME/keystore"

cp "$PRIVITY_HOME/version" "$T/version"
sed -i 's/home 1/home 2/' "$PRIVITY_HOME/version"
run 1 "a home of a newer version" privity rooms
like "$(err)" "newer privity" "says so"
echo garbage >"$PRIVITY_HOME/version"
run 1 "a damaged version file" privity rooms
like "$(err)" "damaged" "says so"
cp "$T/version" "$PRIVITY_HOME/version"

run 0 "lock" privity lock
echo wrong >"$T/wrong"
PRIVITY_PASSPHRASE_FILE=$T/wrong run 1 "a wrong passphrase" privity rooms
like "$(err)" "wrong passphrase" "says so"
: >"$T/empty"
PRIVITY_PASSPHRASE_FILE=$T/empty run 2 "an empty passphrase" privity rooms
PRIVITY_PASSPHRASE_FILE=$T/absent run 1 "a passphrase file that is absent" privity rooms
PRIVITY_PASSPHRASE_FILE='' run 2 "no passphrase and no terminal" setsid privity rooms
like "$(err)" "PRIVITY_PASSPHRASE_FILE" "says what to do"
for short in x Übermut 123456789; do
	echo "$short" >"$T/short"
	PRIVITY_HOME=$T/home-short PRIVITY_PASSPHRASE_FILE=$T/short run 0 "a new passphrase of ${#short} characters" privity init --name short --server "$url" --kit "$T/kit-short"
	like "$(err)" "passphrase is short.*five words" "is taken with a word of advice"
	rm -rf "$T/home-short" "$T/kit-short"
done
PRIVITY_HOME=$T/home-short PRIVITY_PASSPHRASE_FILE=$T/empty run 2 "an empty one" privity init --name short --server "$url" --kit "$T/kit-short"
[ ! -e "$T/home-short" ] && [ ! -e "$T/kit-short" ]
ok "makes nothing"
echo 1234567890 >"$T/long"
PRIVITY_HOME=$T/home-short PRIVITY_PASSPHRASE_FILE=$T/long run 0 "one of ten characters" privity init --name short --server "$url" --kit "$T/kit-short"
is "$(err)" "" "needs no advice"
PRIVITY_PASSPHRASE_FILE=$T/short run 1 "advice is not given" privity rooms
one_line "on a passphrase that is asked for again"
PRIVITY_PASSPHRASE_FILE='' PRIVITY_PASSPHRASE_FD=7 run 0 "the passphrase by a descriptor" bash -c 'privity rooms 7<"$1"' _ "$T/passphrase"

privity lock >/dev/null
cp "$PRIVITY_HOME/keystore" "$T/keystore"
for at in 0 20 100 1500; do
	cp "$T/keystore" "$PRIVITY_HOME/keystore"
	byte=$(od -An -tu1 -j"$at" -N1 "$T/keystore") # another one for sure, whatever it is
	printf '%b' "\\x$(printf %02x $((byte ^ 255)))" | dd of="$PRIVITY_HOME/keystore" bs=1 seek=$at conv=notrunc 2>/dev/null
	bad=$(sha256sum <"$PRIVITY_HOME/keystore")
	run 1 "a keystore with byte $at changed" privity rooms
	like "$(err)" "keystore is damaged" "says so"
	is "$(sha256sum <"$PRIVITY_HOME/keystore")" "$bad" "and leaves it as it is"
done
head -c 700 "$T/keystore" >"$PRIVITY_HOME/keystore"
run 1 "a keystore cut short" privity rooms
rm "$PRIVITY_HOME/keystore"
run 1 "no keystore" privity rooms
like "$(err)" "keystore is missing" "says so"
cp "$T/keystore" "$PRIVITY_HOME/keystore"
run 0 "the right one back" privity rooms

db=$(ls "$PRIVITY_HOME"/rooms/*.db)
cp "$db" "$T/db"
printf 'garbage' | dd of="$db" bs=1 seek=100 conv=notrunc 2>/dev/null
printf 'garbage' | dd of="$db-wal" bs=1 seek=100 conv=notrunc 2>/dev/null
bad=$(sha256sum <"$db")
run 1 "a damaged database" privity rooms --offline
like "$(err)" "is damaged" "says so"
like "$(err)" "move it away" "and what to do"
is "$(sha256sum <"$db")" "$bad" "and leaves it as it is"
mv "$db" "$T/bad-db"
run 0 "moved away, all comes back from the server" privity refresh
run 0 "and works" privity whoami
done_testing
