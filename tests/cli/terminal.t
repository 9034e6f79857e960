#!/bin/bash
# What a person at a terminal sees: passphrases asked for without echo, colours unless NO_COLOR, words around a link.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
if ! python3 -c 'import os; os.openpty()' 2>/dev/null; then
	echo "1..0 # SKIP no terminal can be made here: /dev/pts is not mounted"
	exit 0
fi
start_server

# on_terminal ANSWERS COMMAND…: run it on a terminal of its own; each answer, one a line, goes to the next prompt that
# ends in ": " or ". ". What was seen is in $T/out.
on_terminal() {
	python3 - "$@" >"$T/out" 2>"$T/err" <<'END'
import os, pty, select, sys, time
answers, command = [a for a in sys.argv[1].split("\n") if a], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, mark, end = b"", 0, time.time() + 30
while time.time() < end:
    r, _, _ = select.select([fd], [], [], 0.2)
    if r:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    elif answers and seen[mark:].rstrip(b" ") != seen[mark:] and seen[mark:].rstrip(b" ")[-1:] in (b":", b"."):
        mark = len(seen)
        time.sleep(0.1)
        os.write(fd, answers.pop(0).encode() + b"\n")
sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
END
}

unset PRIVITY_PASSPHRASE_FILE
export TERM=xterm PRIVITY_HOME=$T/home-ada
on_terminal $'one passphrase\nanother one' privity init --name Ada --server "$url" --kit "$T/kit"
is $? 2 "two passphrases that differ"
like "$(out)" "differ" "are refused"
[ ! -e "$PRIVITY_HOME" ] && [ ! -e "$T/kit" ]
ok "and nothing is made"
on_terminal $'my passphrase\nmy passphrase\n-' privity init --name Ada --server "$url"
is $? 0 "the same twice"
unlike "$(out)" "my passphrase" "is not echoed"
like "$(out)" "^Code:" "the recovery kit is shown"
like "$(out)" "shown once" "once, and waits to be written down"
like "$(out)" "is registered" "then the person is registered"
privity lock >/dev/null
on_terminal $'my passphrase' privity unlock
is $? 0 "unlock asks"
unlike "$(out)" "my passphrase" "without echo"
like "$(out)" "Unlocked for 480 minutes" "and says for how long"
privity lock >/dev/null
on_terminal $'not my passphrase' privity rooms
is $? 1 "a wrong one"
like "$(out)" "wrong passphrase" "is refused"
on_terminal $'my passphrase' privity room new acme
is $? 0 "a room"

on_terminal '' privity invite acme
like "$(out)" "^Whoever has this link may join acme as editor" "an invite says what the link is"
like "$(out)" "^$url/i#" "before the link"
privity say acme "some text" >/dev/null
on_terminal '' privity read acme
grep -q $'\e\[1m' "$T/out"
ok "a terminal has colours"
NO_COLOR=1 on_terminal '' privity read acme
! grep -q $'\e' "$T/out"
ok "not with NO_COLOR"
TERM=dumb on_terminal '' privity read acme
! grep -q $'\e' "$T/out"
ok "nor a dumb one"
run 0 "nor a pipe" privity read acme
! grep -q $'\e' "$T/out"
ok "has any"
on_terminal '' privity rooms
like "$(out)" "^acme +[0-9a-f]{16}  owner" "rooms tells more to a person"
head -c 30000000 /dev/zero >"$T/large"
on_terminal '' privity put acme "$T/large"
like "$(out)" "1 put into acme" "put says what it did"

stop_server
registration=invite
start_server
PRIVITY_HOME=$T/home-bob on_terminal $'bobs passphrase\nbobs passphrase\n-\nno such code' privity init --name Bob --server "$url"
is $? 3 "a code that is none"
like "$(out)" "^Registration code" "is asked for"
code=$(privityd --data "$T/server" admin invite)
PRIVITY_HOME=$T/home-bob on_terminal "$code" privity init --name Bob --server "$url"
is $? 0 "the right one, typed, registers"
run 1 "a person who is there is not made again, nor a passphrase asked for" as bob setsid privity init --name Bob --server "$url"
done_testing
