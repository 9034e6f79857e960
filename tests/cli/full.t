#!/bin/bash
# A full disk on this device: said clearly, nothing that was kept is lost, and all goes on once there is space.
# shellcheck disable=SC2016  # inner shells expand
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
if ! unshare -rm mount -t tmpfs none /mnt 2>/dev/null; then
	echo "1..0 # SKIP no private mount can be made here"
	exit 0
fi
start_server
room_of_two

# The rest runs with ada's home on a small disk of its own.
cat >"$T/inside.sh" <<'END'
set -u
mkdir "$T/disk"
mount -t tmpfs -o size=6m none "$T/disk"
cp -a "$T/home-ada" "$T/disk/home"
export PRIVITY_HOME=$T/disk/home
privity read acme >/dev/null || echo "read before: $?"
privity say acme "before" || echo "say before: $?"
dd if=/dev/zero of="$T/disk/filler" bs=4096 2>/dev/null
privity say acme "while full, $(head -c 20000 /dev/zero | tr '\0' x)" 2>"$T/err"
echo "$?" >"$T/status-say"
head -c 3000000 /dev/urandom >"$T/big"
privity put acme "$T/big" 2>"$T/err-put"
echo "$?" >"$T/status-put"
privity room new other 2>"$T/err-room"
echo "$?" >"$T/status-room"
privity read acme --offline >"$T/read-full" 2>"$T/err-read"
echo "$?" >"$T/status-read"
mkdir "$T/disk/got"
privity get acme given -o "$T/disk/got" 2>"$T/err-get"
echo "$?" >"$T/status-get"
ls -A "$T/disk/got" >"$T/got"
rm "$T/disk/filler"
privity get acme zeros -o "$T/disk/got" 2>"$T/err-zeros"
echo "$?" >"$T/status-zeros"
privity say acme "after" || echo "say after: $?"
privity refresh || echo "refresh after: $?"
privity verify acme >/dev/null || echo "verify after: $?"
PRIVITY_HOME=$T/home-bob privity say acme "news" || echo "bob's say: $?"
mount -o remount,ro none "$T/disk" || echo "remount: $?"
privity read acme 2>"$T/err-fixed"
echo "$?" >"$T/status-fixed"
END
head -c 2000000 /dev/urandom >"$T/given"
as bob privity put acme "$T/given" >/dev/null
head -c 80000000 /dev/zero >"$T/zeros" # four chunks at most: so little can claim to be so much
as bob privity put acme "$T/zeros" >/dev/null
export T
unshare -rm bash "$T/inside.sh" >"$T/inside.out" 2>&1
is "$(cat "$T/inside.out")" "" "before and after all commands work"
is "$(cat "$T/status-say")" 1 "say fails"
like "$(cat "$T/err")" "no space left|free some" "and says why"
is "$(cat "$T/status-put" "$T/status-room")" "$(printf '1\n1')" "so do put and room new"
like "$(cat "$T/err-put")" "space" "put says why"
like "$(cat "$T/err-room")" "space" "room new too"
is "$(cat "$T/status-read")" 0 "reading goes on"
like "$(cat "$T/read-full")" "before" "with all that is here"
is "$(cat "$T/status-get")" 1 "get fails"
like "$(cat "$T/err-get")" "space" "and says why"
is "$(cat "$T/got")" "" "and leaves no piece of a file"
is "$(cat "$T/status-zeros")" 1 "a file that cannot fit"
like "$(cat "$T/err-zeros")" "zeros, which takes 76 MiB of the [0-5] that are free: it was not fetched" "is not begun"
run 0 "the other reads" as bob privity read acme --json
is "$(field '[m["text"] for m in o["messages"]]')" '["before", "after", "news"]' "what was acknowledged, and no more"
is "$(cat "$T/status-fixed")" 1 "where nothing can be written, news are not taken in"
like "$(cat "$T/err-fixed")" "cannot read or write .*, the database of acme" "and it is said where"
done_testing
