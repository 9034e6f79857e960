#!/bin/bash
# Messages: said, read, searched, answered, limited, made harmless on the terminal.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two

run 0 "say" as ada privity say acme "hello bob" --json
id=$(field 'o["id"]')
run 0 "read" as bob privity read acme --json
is "$(field 'o["messages"][-1]["text"]+" "+o["messages"][-1]["author_name"]')" "hello bob ada" "the other reads it"
is "$(field 'o["messages"][-1]["id"]')" "$id" "under the same id"
run 0 "from standard input" bash -c 'printf "two\nlines\n" | PRIVITY_HOME=$0/home-bob privity say acme' "$T"
run 0 "read" as ada privity read acme --json
is "$(field 'o["messages"][-1]["text"]')" $'two\nlines' "with its lines"
run 0 "an answer" as bob privity say acme "indeed" --reply "${id:0:8}"
run 0 "read" as ada privity read acme --json
is "$(field 'o["messages"][-1]["reply"]["id"] if isinstance(o["messages"][-1]["reply"], dict) else o["messages"][-1]["reply"]')" "$id" "names what it answers"
run 2 "an answer to nothing" as bob privity say acme "what" --reply ffffffffff

run 2 "a message of 0 bytes" as ada privity say acme ""
one_line "a message of 0 bytes"
run 2 "and from standard input" as ada privity say acme
head -c 32768 /dev/zero | tr '\0' x >"$T/full"
run 0 "a message of the limit" bash -c 'PRIVITY_HOME=$0/home-ada privity say acme <"$0/full"' "$T"
echo -n x >>"$T/full"
run 1 "and one byte more" bash -c 'PRIVITY_HOME=$0/home-ada privity say acme <"$0/full"' "$T"
like "$(err)" "at most 32768 bytes" "says the limit"
run 2 "a message that is not UTF-8" as ada privity say acme $'a\xffb'

run 0 "hostile text" as bob privity say acme $'\e[2Jgone \u202eoverride\u2066\nada  fake line'
run 0 "read as text" as ada privity read acme
grep -q $'\e' "$T/out"
[ $? -eq 1 ]
ok "no escape reaches the terminal"
like "$(out)" '\\x1b\[2Jgone \\u\{202e\}override' "it is shown as what it is"
like "$(out)" '^  ada  fake line' "a second line cannot pose as another message"
run 0 "read as JSON" as ada privity read acme --json
LC_ALL=C grep -q $'\xe2\x80\xae' "$T/out"
[ $? -eq 1 ]
ok "nor an override in JSON"
is "$(field '"\u202e" in o["messages"][-1]["text"]')" true "which still holds it, escaped"

run 0 "search" as ada privity search acme HELLO --json
is "$(field 'o["messages"][0]["id"]')" "$id" "finds by word, whatever the case"
run 0 "search in all rooms" as ada privity search hello --json
is "$(field 'o["messages"][0]["room"]')" acme "names the room"
run 0 "search for what is not there" as ada privity search acme xyzzy --json
is "$(field 'len(o["messages"])')" 0 "finds nothing"

for i in $(seq 105); do echo "message $i"; done | while read -r line; do as ada privity say acme "$line" --offline >/dev/null 2>&1; done
run 0 "what was said offline is sent" as ada privity refresh
run 0 "read" as bob privity read acme --json
is "$(field 'len(o["messages"])')" 100 "the newest 100"
is "$(field 'o["messages"][-1]["text"]')" "message 105" "in order"
run 0 "--limit 3" as bob privity read acme --limit 3 --json
is "$(field '[m["text"] for m in o["messages"]]')" '["message 103", "message 104", "message 105"]' "the newest three"
run 0 "--limit 0" as bob privity read acme --limit 0 --json
like "$(field 'len(o["messages"])')" '^1[0-9][0-9]$' "all"
run 0 "--since" as bob privity read acme --since 1h --json
like "$(field 'len(o["messages"])')" '^1[0-9][0-9]$' "all of the last hour"
run 0 "--since a time to come" as bob privity read acme --since 2099-01-01 --json
is "$(field 'len(o["messages"])')" 0 "none"
run 2 "--since nonsense" as bob privity read acme --since yesteryear
one_line "--since nonsense"

echo attached >"$T/note.txt"
run 0 "an attachment" as ada privity say acme "see this" --attach "$T/note.txt"
run 0 "read" as bob privity read acme --limit 1 --json
is "$(field 'o["messages"][0]["attachments"][0]["name"]')" note.txt "is named"
run 0 "it is fetched by the message's id" as bob privity get acme "$(field 'o["messages"][0]["id"][:10]')" -o "$T/got"
cmp -s "$T/note.txt" "$T/got/note.txt"
ok "and is the same"

# Following: what comes is printed, and a lock ends it.
as bob privity read acme --limit 1 --follow >"$T/follow" 2>"$T/follow.err" &
follower=$!
for i in $(seq 50); do [ -s "$T/follow" ] && break; sleep 0.1; done
as ada privity say acme "while you follow" >/dev/null
for i in $(seq 50); do grep -q "while you follow" "$T/follow" && break; sleep 0.1; done
grep -q "while you follow" "$T/follow"
ok "--follow prints what comes"
as bob privity lock acme >/dev/null
for i in $(seq 30); do kill -0 $follower 2>/dev/null || break; sleep 0.1; done
! kill -0 $follower 2>/dev/null
ok "a lock ends it" || kill $follower
wait $follower
like "$(cat "$T/follow.err")" "acme was locked" "which says why"
run 0 "it is unlocked" as bob privity unlock
as bob privity read acme --limit 1 --follow >"$T/follow" 2>"$T/follow.err" &
follower=$!
for i in $(seq 50); do [ -s "$T/follow" ] && break; sleep 0.1; done
run 0 "another command leaves the room" as bob privity leave acme
for i in $(seq 50); do kill -0 $follower 2>/dev/null || break; sleep 0.1; done
! kill -0 $follower 2>/dev/null
ok "which ends it, too" || kill $follower
wait $follower
like "$(cat "$T/follow.err")" "you left this room" "with the reason"
done_testing
