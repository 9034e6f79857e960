#!/bin/bash
# A person of one server in a room on another: the person's own room stays at home, by no more than the invite.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
registration=invite
start_server
url_a=$url
run 0 "a code of the first server" privityd --data "$T/server" admin invite
cp "$T/out" "$T/code-a"
person ada --registration-file "$T/code-a"

# The second one beside it.
port='' server_name=server-b
start_server
url_b=$url
run 0 "a code of the second" privityd --data "$T/server-b" admin invite
cp "$T/out" "$T/code-b"
person bob --registration-file "$T/code-b"

run 0 "a room on the first" as ada privity room new acme
as ada privity invite acme >"$T/link"
run 0 "is joined from the second" as bob privity join "$(cat "$T/link")" --room acme
run 0 "written to" as bob privity say acme "from afar"
run 0 "and read" as ada privity read acme
like "$(out)" "from afar" "at the first"
run 0 "a room on the second" as bob privity room new own
as bob privity invite own >"$T/link"
run 0 "is joined from the first" as ada privity join "$(cat "$T/link")" --room bobs
run 0 "rooms" as ada privity rooms --json
is "$(field 'sorted(r["name"] + " " + r["server"] for r in o["rooms"])')" "[\"acme $url_a\", \"bobs $url_b\"]" "know their servers"
run 0 "both verify" as bob privity verify acme
run 0 "from either side" as ada privity verify bobs

stop_server
run 0 "with the second server down the first one's room goes on" as bob privity say acme "still here"
run 5 "and the other waits" as ada privity say bobs "later"
run 5 "refresh tells" as ada privity refresh
run 0 "and reads the rest" as ada privity read acme --offline
like "$(out)" "still here" "all the same"
done_testing
