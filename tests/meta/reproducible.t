#!/bin/bash
# Two builds of one tree in two places, with the same dependencies, give the same programs.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

programs=(build/bin/*)
[ -x "${programs[0]}" ] || skip_all 'no program is built'

elsewhere=$(mktemp -d)
trap 'rm -rf "$elsewhere"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$elsewhere" 2>/dev/null
mkdir -p "$elsewhere/build"
ln -s "$(cd build/deps && pwd -P)" "$elsewhere/build/deps"
(cd "$elsewhere" && make --no-print-directory all) >"$elsewhere/log" 2>&1
ok $? 'the tree builds elsewhere' || note "$(tail -n 20 "$elsewhere/log")"

for program in "${programs[@]}"; do
	cmp "$program" "$elsewhere/$program" >/dev/null 2>&1
	ok $? "$program is the same"
done
tap_done
