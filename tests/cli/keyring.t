#!/bin/bash
# Unlocked keys: seen by another process, gone when locked or timed out, and without a keyring asked for each time.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
person ada
export PRIVITY_HOME=$T/home-ada
unset PRIVITY_PASSPHRASE_FILE

# What the kernel lists of this home's keys: each with its time left, the fourth column; revoked and expired ones stay
# for a while, without what they held.
keys() { awk -v home="privity:$(grep -oE '[0-9a-f]{32}' "$PRIVITY_HOME/version")" 'index($0, home) && $2 !~ /[RDNi]/ && $4 != "expd" { print $4 }' /proc/keys; }

run 0 "after init the keys are there" setsid privity rooms --offline
[ ! -r /proc/keys ] || like "$(keys)" "[0-9]h" "and the kernel lists them"
run 0 "lock" privity lock
run 2 "then they are gone" setsid privity rooms --offline
run 0 "locking what is locked asks for nothing" setsid privity lock
[ ! -r /proc/keys ] || is "$(keys)" "" "and the kernel lists none that can be read"
PRIVITY_PASSPHRASE_FILE=$T/passphrase run 0 "unlock" privity unlock
run 0 "another session sees them" setsid privity rooms --offline
PRIVITY_PASSPHRASE_FILE=$T/passphrase run 0 "a room is made" privity room new acme
run 0 "and opened without the passphrase" setsid privity read acme --offline
run 0 "one room is locked" privity lock acme
run 0 "a search goes on without it" privity search anything
like "$(err)" "acme is locked and was not searched" "and says so"
run 2 "it asks for the passphrase" setsid privity read acme --offline
run 0 "the others do not" setsid privity rooms --offline
PRIVITY_PASSPHRASE_FILE=$T/passphrase run 0 "with it the room opens" privity read acme --offline
run 0 "and stays open" setsid privity read acme --offline

run 0 "lock" privity lock
PRIVITY_UNLOCK_MINUTES=7 PRIVITY_PASSPHRASE_FILE=$T/passphrase run 0 "unlock for some minutes" privity unlock
if [ -r /proc/keys ]; then
	times=$(keys | sort -u)
	like "$times" '^[67]m' "the keys are there"
	is "$(grep -vxE '[67]m' <<<"$times")" "" "and each has its time"
fi

export PRIVITY_NO_KEYRING=1
run 2 "without a keyring the passphrase is needed" setsid privity rooms --offline
PRIVITY_PASSPHRASE_FILE=$T/passphrase run 0 "each time" privity rooms --offline
like "$(err)" "passphrase is asked for each time" "and a line says so"
is "$(wc -l <"$T/err")" 1 "once"
done_testing
