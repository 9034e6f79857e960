#!/bin/bash
# Damage to a room's database: noticed and said, the file left as it is, and nothing unsent lost without a word.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two
for i in 1 2 3 4 5; do as ada privity say acme "sent $i" >/dev/null; done
run 0 "the room's id" as ada privity rooms --json
id=$(field 'o["rooms"][0]["id"]')
run 5 "an unsent message" as ada privity say acme "unsent" --offline
home=$T/home-ada
db=$home/rooms/${id:0:16}.db
[ -f "$db" ]
ok "the database is named by the room's id"
cp -a "$home" "$T/good"

# flip FILE AT: one bit of the byte there.
flip() {
	python3 -c 'import sys
f = open(sys.argv[1], "r+b")
f.seek(int(sys.argv[2]))
b = f.read(1)
f.seek(int(sys.argv[2]))
f.write(bytes([b[0] ^ 4]))' "$1" "$2"
}

said=0 lost='' odd='' touched=''
size=$(stat -c %s "$db")
for at in $(seq 40 $((size / 40)) $((size - 1))); do
	rm -rf "$home"
	cp -a "$T/good" "$home"
	flip "$db" "$at"
	before=$(sha256sum <"$db")
	as ada privity read acme --offline >"$T/out" 2>"$T/err"
	status=$?
	if [ $status -eq 0 ]; then
		grep -q unsent "$T/out" && grep -q "sent 5" "$T/out" || lost="$lost $at"
	elif [ $status -eq 1 ] && grep -q 'is damaged' "$T/err" && [ "$(wc -l <"$T/err")" -eq 1 ]; then
		said=$((said + 1))
		[ "$(sha256sum <"$db")" = "$before" ] || touched="$touched $at"
	else
		odd="$odd $at:$status"
	fi
done
is "$lost" "" "a byte changed anywhere: nothing is missing from what is shown"
is "$odd" "" "or it says that the database is damaged, in one line"
is "$touched" "" "and leaves it as it is"
[ $said -gt 3 ]
ok "which it did $said times of 40"

rm -rf "$home"
cp -a "$T/good" "$home"
head -c $((size / 2)) "$T/good/rooms/${id:0:16}.db" >"$db"
run 1 "a database cut in half" as ada privity read acme --offline
like "$(err)" "is damaged" "says so"
: >"$db"
run 0 "an empty one is a new one" as ada privity read acme
like "$(out)" "sent 5" "filled from the server"
rm -rf "$home"
cp -a "$T/good" "$home"
rm "$db"
run 0 "so is one that is gone" as ada privity refresh
run 0 "all that was sent is back" as ada privity read acme
like "$(out)" "sent 5" "from the server"
run 0 "and one can write" as ada privity say acme "again"
run 0 "which the other reads" as bob privity read acme
like "$(out)" "again" "as ever"

# A pin that is damaged, or of another time.
pin=$home/pins/${id:0:16}
echo garbage >"$pin"
as ada privity read acme >"$T/out" 2>"$T/err"
is "$?" 1 "a damaged pin ends in no crash"
like "$(err)" "pins/${id:0:16}.* is damaged" "and the file is named"
sed "2s/.*/9999/" "$T/good/pins/${id:0:16}" >"$pin"
run 4 "one that tells of a longer log than the server has" as ada privity read acme
run 4 "is an alarm for who writes, too" as ada privity say acme "over a wrong pin"
cp "$T/good/pins/${id:0:16}" "$pin"
run 0 "with the right one" as ada privity refresh
run 0 "what was written is read" as bob privity read acme --limit 0 --json
is "$(field '[m["text"] for m in o["messages"]].count("over a wrong pin")')" 1 "once: nothing was signed over the wrong one"
rm -rf "$home"
cp -a "$T/good" "$home"
run 0 "a home from a backup, older than what the server has" as ada privity refresh
run 0 "reads all" as ada privity read acme
like "$(out)" "again" "also what it wrote later"
run 0 "goes on writing" as ada privity say acme "after the backup"
run 0 "and all verifies" as ada privity verify acme
run 0 "the other reads" as bob privity read acme --limit 0 --json
is "$(field '[m["text"] for m in o["messages"]].count("unsent")')" 1 "what the backup had unsent, once"
done_testing
