#!/bin/bash
# Out of a room: a leave that waited offline, writing after leaving, being removed and told so.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two

stop_server
run 5 "a message offline" as bob privity say acme "my last words"
run 5 "and a leave behind it" as bob privity leave acme
run 3 "nothing can be said behind a leave" as bob privity say acme "not any more"
start_server
run 0 "refresh" as bob privity refresh
run 0 "nothing waits" as bob privity status --json
is "$(field '[(r["state"], r["unsent"]) for r in o["rooms"]]')" '[["left", 0]]' "and the room is left"
run 0 "the other reads" as ada privity read acme
like "$(out)" "my last words" "the message"
unlike "$(out)" "not any more" "no more than that"
run 0 "the members" as ada privity members acme --json
is "$(field '[m["name"] for m in o["members"]]')" '["ada"]' "are one less"
run 3 "say after leaving" as bob privity say acme "again"
like "$(err)" "you left this room" "says why not"
run 0 "what is here stays readable" as bob privity read acme
like "$(out)" "my last words" "without asking"

as ada privity invite acme >"$T/link"
run 0 "joining again" as bob privity join "$(cat "$T/link")" --room back
run 0 "and writing" as bob privity say back "I am back"
run 0 "the other reads" as ada privity read acme --json
is "$(field '[m["text"] for m in o["messages"]]')" '["my last words", "I am back"]' "what was accepted, and nothing that was refused"

run 5 "a message that waits" as bob privity say back "waits" --offline
run 0 "a removal" as ada privity remove acme bob
run 3 "say after it" as bob privity say back "refused"
like "$(err)" "you were removed from this room" "says so"
one_line "say after it"
run 3 "read too" as bob privity read back
like "$(err)" "you were removed.*--offline" "and how to read what is here"
run 0 "what is here" as bob privity read back --offline
like "$(out)" "I am back" "is there"
unlike "$(out)" "refused" "what was refused is not kept"
run 0 "rooms" as bob privity rooms --json
is "$(field '[r["state"] for r in o["rooms"] if r["name"] == "back"]')" '["removed"]' "tell it"
run 0 "status" as bob privity status
like "$(out)" "^back .*you were removed" "tells a person, too"
unlike "$(out)" "^back .*all sent" "and calls nothing sent that never will be"
run 0 "leave lets go" as bob privity leave back
like "$(err)" "dropped" "of what could not be sent, and says so"
run 0 "status" as bob privity status --json
is "$(field '[r["unsent"] for r in o["rooms"]]' | tr -d ' ' | grep -c '[1-9]')" 0 "nothing waits"
run 0 "and refresh is quiet" as bob privity refresh
as ada privity invite acme >"$T/link"
run 0 "joining once more" as bob privity join "$(cat "$T/link")" --room third
run 0 "writing works" as bob privity say third "third time"
run 0 "the other reads" as ada privity read acme --limit 1
like "$(out)" "third time" "it"
run 0 "and all verifies" as ada privity verify acme

# Suspended by the server's operator: no removal, and nothing is dropped for it.
run 0 "who bob is" as bob privity whoami --json
bob_id=$(field 'o["id"]')
run 0 "he is there just now" as bob privity read third # so the server remembers his session for another second
run 0 "his account is suspended" privityd --data "$T/server" admin suspend "$bob_id"
run 3 "say" as bob privity say third "kept"
like "$(err)" "this account is suspended.*stays in the outbox" "says why, and what becomes of it"
run 3 "read" as bob privity read third
like "$(err)" "this account is suspended" "says so too"
unlike "$(err)" "removed" "and of no removal"
run 0 "rooms" as bob privity rooms --offline --json
is "$(field '[r["state"] for r in o["rooms"] if r["name"] == "third"]')" '["joined"]' "know of none"
run 0 "what is here stays readable" as bob privity read third --offline
like "$(out)" "kept" "with what waits"
done_testing
