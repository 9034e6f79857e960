#!/bin/bash
# Who may register: anyone, who has a code or a room's invite, or nobody.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
registration=invite
start_server

run 3 "init without a code where one is needed" as ada privity init --name ada --server "$url" --kit "$T/kit-ada"
one_line "init without a code"
like "$(err)" "--registration-file" "says what to do"
run 0 "who it is is known here" as ada privity whoami
run 0 "status" as ada privity status
like "$(out)" "not registered there: that takes a code .*--registration-file.* or an invite" "says what it takes to be registered"
unlike "$(out)" "the next command" "and promises nothing"
run 0 "status offline" as ada privity status --offline
like "$(out)" "not registered there yet" "says what it knows"
run 1 "but a room needs the server" as ada privity room new acme
run 0 "the operator gives a code" privityd --data "$T/server" admin invite
cp "$T/out" "$T/code"
echo "not a code" >"$T/wrong"
run 3 "a wrong code" as ada privity init --name ada --server "$url" --registration-file "$T/wrong"
one_line "a wrong code"
like "$(err)" "no registration code: it is mistyped" "says what is wrong"
like "$(err)" "ask whoever runs the server for a new code.* --registration-file" "and what to do"
case $(head -c 1 "$T/code") in A) other=B ;; *) other=A ;; esac
{ printf %s "$other" && tail -c +2 "$T/code"; } >"$T/wrong" # a code by its form
run 3 "a mistyped code" as ada privity init --name ada --server "$url" --registration-file "$T/wrong"
like "$(err)" "mistyped, used up or expired.*ask whoever runs the server" "says so, and what to do"
run 1 "a room is asked for" as ada privity invite acme
like "$(err)" "does not know you yet.*--registration-file" "says why there is none"
run 3 "init again, without a word" as ada privity init
like "$(err)" "--registration-file" "knows who it is, and says what is missing"
run 0 "init again with the code" as ada privity init --registration-file "$T/code" --json
is "$(field 'o["registered"]')" true "registers"
run 3 "the code is spent" as eve privity init --name eve --server "$url" --kit "$T/kit-eve" --registration-file "$T/code"
like "$(err)" "used up or expired.*what was made is kept: ask whoever runs the server for a new code" "and says what to do"
run 1 "a code file that is absent" as zoe privity init --name zoe --server "$url" --registration-file "$T/absent"
run 0 "a room" as ada privity room new acme
as ada privity invite acme >"$T/link"
run 3 "bob has no code" as bob privity init --name bob --server "$url" --kit "$T/kit-bob"
run 0 "but a room's invite" as bob privity join "$(cat "$T/link")" --room acme
run 0 "registers him" as bob privity say acme "here I am"
run 0 "and he is read" as ada privity read acme
like "$(out)" "here I am" "by ada"

as ada privity invite acme >"$T/link"
run 2 "a joiner who is nobody yet must give a name" as cleo privity join "$(cat "$T/link")"
like "$(err)" "--as NAME" "says so"
run 0 "with a name" as cleo privity join "$(cat "$T/link")" --as Cleo --room acme --kit "$T/kit-cleo" --json
is "$(field 'o["role"]')" editor "a person is made, registered and joined at once"
like "$(cat "$T/kit-cleo")" "^Name: +Cleo" "with a recovery kit"
run 0 "who can write" as cleo privity say acme "and me"
run 3 "a spent link" as fred privity join "$(cat "$T/link")" --as Fred --kit "$T/kit-fred"
[ ! -e "$T/home-fred" ] && [ ! -e "$T/kit-fred" ]
ok "makes nobody"
stop_server

registration=closed
start_server
run 3 "init where registration is closed" as dan privity init --name dan --server "$url" --kit "$T/kit-dan"
run 0 "who is registered goes on" as ada privity say acme "still here"
done_testing
