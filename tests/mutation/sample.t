#!/bin/sh
# A few flaws, planted into a copy of the tree, are each caught; `tests/mutation/plant` plants all of them.
cd "$(dirname "$0")/../.." || exit 1
if [ ! -x build/native/tests/simulation/simulate ]; then
	echo "1..0 # SKIP the tests are not built"
	exit 0
fi
exec python3 -B tests/mutation/plant --sample
