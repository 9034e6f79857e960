#!/bin/bash
# What the archives export: every name begins with pv_ and is in one archive alone, and core keeps no variable that can change.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

archives=(build/native/libprivity.a build/native/libclient.a build/native/libcli.a build/native/libserver.a)
for archive in "${archives[@]}"; do
	[ -e "$archive" ] || skip_all "$archive is not built"
	strange=$(nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 && $3 !~ /^pv_/ { print $3 }')
	is "$strange" '' "$(basename "$archive") exports only pv_ names"
done

twice=$(nm -g --defined-only "${archives[@]}" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort | uniq -d)
is "$twice" '' 'no name is exported twice: a program that links both would get whichever comes first'

variables=$(size -A build/native/libprivity.a |
	awk '/^[^ .].*:/ || / :$/ { file = $1 } /^\.(data|bss|tdata|tbss)(\.[^r]|  *)/ && $2 > 0 { print file, $1, $2 }')
is "$variables" '' 'core has no variable that can change'
tap_done
