#!/bin/bash
# The worked examples are what the code makes, and a reader that knows FORMAT.md alone reads them.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

program=build/native/tests/vectors/format_examples
[ -x "$program" ] || skip_all "$program is not built"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$program" >"$work/examples.md"
ok $? 'the examples are made'
if ! diff -u docs/FORMAT-EXAMPLES.md "$work/examples.md" >"$work/diff"; then
	note "$(head -n 20 "$work/diff")"
	note "if the format was meant to change: $program >docs/FORMAT-EXAMPLES.md"
	false
fi
ok $? 'docs/FORMAT-EXAMPLES.md is what the code makes'

wasm=build/wasm/tests/vectors/format_examples.wasm
if [ -e "$wasm" ]; then
	node tests/run-wasm.mjs "$wasm" >"$work/wasm.md"
	ok $? 'the examples are made as wasm'
	cmp "$work/examples.md" "$work/wasm.md"
	ok $? 'wasm makes the same bytes'
fi

python3 tests/vectors/read_format.py docs/FORMAT-EXAMPLES.md >"$work/out" 2>&1
ok $? 'an independent reader reads every example' || note "$(grep -v '^ok' "$work/out" | head -n 20)"

# That reader is worth something only if it notices: one digit changed in an example of each chapter.
for name in ana.cert.paper room.2.body room.5.beside room.7.body room.20.body tree.consistency gate.signed \
	file.page keystore.content evidence.notes evidence.entry succession.signed payload.keys payload.own_keys; do
	awk -v name="$name" '
		inside && !done && match($0, /^ *[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]+/) {
			c = substr($0, RLENGTH, 1)
			$0 = substr($0, 1, RLENGTH - 1) (c == "0" ? "1" : "0") substr($0, RLENGTH + 1)
			done = 1
		}
		$0 == "```hex " name { inside = 1 }
		{ print }' docs/FORMAT-EXAMPLES.md >"$work/changed.md"
	! cmp -s docs/FORMAT-EXAMPLES.md "$work/changed.md" || note "$name: nothing was changed"
	! python3 tests/vectors/read_format.py "$work/changed.md" >/dev/null 2>&1
	ok $? "it notices a changed digit in $name"
done
tap_done
