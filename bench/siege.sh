#!/bin/bash
# A server under siege, and honest people in it: 2,000 slow connections and wrk at full tilt, from many addresses, from
# one, and behind a proxy. See bench/siege.py.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

command -v wrk >/dev/null || die 'wrk is missing: apt-get install wrk'
python3 bench/siege.py "$@"
