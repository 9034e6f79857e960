#!/bin/bash
# The programs are built as hardened as the compiler can: position independent, relocations read-only from the start,
# no executable stack, stack protector, checked string functions; and they name no folder of the builder's.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

programs=(build/bin/*)
[ -x "${programs[0]}" ] || skip_all 'no program is built'

for program in "${programs[@]}"; do
	name=$(basename "$program")
	headers=$(readelf -W -h -l -d "$program")
	like "$headers" 'Type: *DYN' "$name is position independent"
	like "$headers" 'GNU_RELRO' "$name has read-only relocations"
	like "$headers" 'FLAGS.*NOW' "$name binds at start"
	like "$headers" 'GNU_STACK .* RW ' "$name has no executable stack"
	symbols=$(nm -D "$program")
	like "$symbols" '__stack_chk_fail' "$name has a stack protector"
	like "$symbols" '_chk@' "$name checks string functions"
	! grep -qaF "$PWD" "$program"
	ok $? "$name does not name the folder it was built in"
done
tap_done
