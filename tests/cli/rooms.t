#!/bin/bash
# Rooms and who is in them: founding, inviting, joining, roles, removal, leaving.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
person ada
person bob
person eve

run 0 "a room" as ada privity room new acme --json
room=$(field 'o["id"]')
is "$(field 'o["name"]+" "+o["role"]+" "+o["state"]')" "acme owner joined" "is there, owned"
run 1 "another room of that name" as ada privity room new acme
one_line "another room of that name"
run 2 "a room with a slash" as ada privity room new a/b
run 2 "a room with a blank name" as ada privity room new '  '
run 2 "a room without a name" as ada privity read ''
one_line "a room without a name"
run 2 "a room with a newline" as ada privity room new $'a\nb'
run 0 "rooms" as ada privity rooms
is "$(out)" acme "prints names alone where nobody looks"
run 0 "a room by the begin of its id" as ada privity members "${room:0:8}"
run 1 "a room that is not there" as ada privity read nowhere
like "$(err)" "privity rooms" "says where to look"

run 0 "an invite" as ada privity invite acme --role editor
cp "$T/out" "$T/link"
is "$(wc -l <"$T/link")" 1 "is one line"
like "$(cat "$T/link")" "^$url/i#" "the bare link"
run 2 "an invite with no role" as ada privity invite acme --role boss
run 2 "an invite that has expired" as ada privity invite acme --expires 2020-01-01
run 2 "an invite for nobody" as ada privity invite acme --uses 0

link=$(cat "$T/link")
run 1 "a link cut short" as bob privity join "${link:0:120}"
like "$(err)" "damaged or not whole: its end is missing" "says so"
for cut in 1 2 3 4 5 6 7 8 60; do
	run 1 "a link without its last $cut" as bob privity join "${link:0:-$cut}"
	like "$(err)" "damaged or not whole: (its end is missing|some character in it is wrong, or a piece of it is missing)" "is said to lack something"
done
run 1 "a link cut before its mark" as bob privity join "${link:0:12}"
like "$(err)" "holds no /i#" "says so"
run 1 "a link without its begin" as bob privity join "${link:3}"
like "$(err)" "the server's address, with which it begins, is not whole" "says so"
run 1 "a link without its middle" as bob privity join "${link:0:100}${link:140}"
# What the bytes behind the gap say now is chance: they may announce more than what is left.
like "$(err)" "damaged or not whole: .*(its end|a piece of it) is missing" "says so"
one_line "a link without its middle"
middle=${link:200:1}
[ "$middle" != A ] && other=A || other=B
run 1 "a link with a wrong byte" as bob privity join "${link:0:200}$other${link:201}"
run 1 "a link of another kind" as bob privity join "$url/s#abc"
run 1 "no link at all" as bob privity join "hello"
run 2 "an empty link on standard input" as bob privity join -
run 2 "a blank one" as bob privity join "  "
{
	echo
	fold -w 76 <<<"  $link " | sed 's/$/ \r/'
	echo "and what else the mail said"
} >"$T/mail"
run 0 "joining, the link broken into lines, from a file" bash -c 'PRIVITY_HOME=$0/home-bob privity join - --room client --json <"$0/mail"' "$T"
is "$(field 'o["id"]')" "$room" "it is the same room"
is "$(field 'o["name"]+" "+o["role"]+" "+o["inviter_name"]')" "client editor ada" "under a name of his own"
run 0 "joining where one is already" as bob privity join "$link" --room customer --json
is "$(field 'o["id"]+" "+o["name"]')" "$room customer" "gives the room another name"
run 0 "rooms" as bob privity rooms --json
is "$(field '[r["name"] for r in o["rooms"]]')" '["customer"]' "know it by that one alone"
run 0 "the link without a name" as bob privity join "$link" --json
is "$(field 'o["name"]')" customer "changes nothing"
run 0 "one's own link, too" as ada privity join "$link"
like "$(out)" "You are in acme already" "says so"
run 0 "another room of his" as bob privity room new mine
run 1 "a name that another room has" as bob privity join "$link" --room mine
run 0 "it is left again" as bob privity leave mine
run 0 "and back" as bob privity join "$link" --room client
run 3 "the link is used up" as eve privity join "$link"
run 3 "and what is around it does no harm" as eve privity join $'\t'"${link:0:99}"$'\n'"${link:99} "
one_line "the link is used up"
run 0 "members" as ada privity members acme --json
is "$(field 'sorted(m["name"]+" "+m["role"] for m in o["members"])')" '["ada owner", "bob editor"]' "are the two"
like "$(field 'o["members"][0]["devices"][0]["id"]')" '^[0-9a-f]{64}$' "with their devices"

run 0 "a role by name" as ada privity role acme bob viewer
run 3 "a viewer cannot put" as bob privity put client "$T/passphrase"
run 0 "a viewer may talk" as bob privity say client "as a viewer"
run 3 "a viewer cannot invite" as bob privity invite client
run 3 "nor remove" as bob privity remove client ada
run 3 "nor give roles" as bob privity role client bob owner
size=$(as ada privity log acme --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["entries"]))')
run 0 "a role that one has" as ada privity role acme bob viewer --json
is "$(field 'o["state"]')" unchanged "is told"
run 0 "the same in words" as ada privity role acme bob viewer
like "$(out)" "bob is viewer of acme already: nothing was changed" "says so"
is "$(as ada privity log acme --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["entries"]))')" "$size" "and nothing was written"
run 2 "a role that is none" as ada privity role acme bob king
run 1 "a member that is none" as ada privity role acme nobody viewer
run 2 "removing oneself" as ada privity remove acme ada

as ada privity say acme "before" >/dev/null
run 0 "a removal" as ada privity remove acme bob
as ada privity say acme "a secret after" >/dev/null
run 0 "the room's log" as ada privity log acme --json
is "$(field '[e["type"] for e in o["entries"] if e["type"] in ("remove", "rekey")][-2:]')" '["remove", "rekey"]' "has the removal and a new key"
as bob privity read client >"$T/out" 2>"$T/err"
unlike "$(out)$(err)" "a secret after" "who was removed does not read what came after"
as bob privity say client "I am still here" >"$T/out" 2>"$T/err"
is $? 3 "nor write"
run 0 "the others do not see it" as ada privity read acme
unlike "$(out)" "still here" "at all"

run 3 "the last owner cannot leave while others are there" bash -c '
	PRIVITY_HOME=$0/home-ada privity invite acme --role viewer >"$0/link2" &&
	PRIVITY_HOME=$0/home-eve privity join - --room fair <"$0/link2" >/dev/null &&
	PRIVITY_HOME=$0/home-ada privity leave acme' "$T"
run 0 "another owner" as ada privity role acme eve owner
run 0 "then she may" as ada privity leave acme
run 0 "what she has stays readable" as ada privity read acme --offline
like "$(out)" "before" "all of it"
run 0 "the other goes on" as eve privity say fair "alone now"
run 0 "members are one" as eve privity members fair --json
is "$(field 'len(o["members"])')" 1 "only"
run 0 "the whole room verifies" as eve privity verify fair --json
like "$(field 'o["root"]')" '^[0-9a-f]{64}$' "to a root"
done_testing
