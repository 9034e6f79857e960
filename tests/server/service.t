#!/bin/bash
# The service's unit file: systemd finds it tight, its options are the server's, and it starts what it says.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

unit=packaging/privityd.service
command -v systemd-analyze >/dev/null || skip_all 'systemd-analyze is missing'
report=$(systemd-analyze security --offline=yes "$unit" 2>&1)
[[ $report == *'Overall exposure level'* ]] || skip_all "this systemd-analyze judges no file: $(tail -n 1 <<<"$report")"

level=$(sed -n 's/.*Overall exposure level for privityd.service: \([0-9.]*\).*/\1/p' <<<"$report")
awk -v level="$level" 'BEGIN { exit !(level != "" && level <= 2) }'
ok $? "its exposure is at most 2 of 10"
echo "# exposure $level"
! grep -q 'ignoring' <<<"$report"
ok $? "it knows every line of it"
missing=$(sed -n 's|^Exec[A-Za-z]*=/usr/bin/privityd ||p' "$unit" | grep -o -e '--[a-z-]*' | sort -u | while read -r option; do
	build/bin/privityd --help | grep -q -e "^  $option " || echo "$option"
done)
is "$missing" "" "its options are the server's"
grep -qx 'Type=notify' "$unit"
ok $? "it waits until the server says that it listens"
tap_done
