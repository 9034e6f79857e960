#!/bin/bash
# Test vectors that nobody here wrote, natively and as wasm. They lie beside the repository, or where
# PRIVITY_VECTORS says.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

vectors=${PRIVITY_VECTORS:-../shared/vectors}
[ -d "$vectors" ] || skip_all "no test vectors in $vectors"
wasm=build/wasm/tests/vectors/pv_vectors.wasm

for set in merkle-inclusion:merkle/inclusion merkle-consistency:merkle/consistency wycheproof:wycheproof xwing:xwing; do
	dir=$vectors/${set#*:}
	set=${set%%:*}
	[ -d "$dir" ] || continue
	exits 0 "$set holds natively" build/bin/pv-vectors "$set" "$dir"
	native=$out
	like "$native" $'\n[1-9][0-9]* passed, 0 failed$' "$set: the last line counts"
	exits 0 "$set holds as wasm" node tests/run-wasm.mjs "$wasm" "$set" "$dir"
	is "$out" "$native" "$set: both say the same"
done
tap_done
