#!/bin/bash
# Every program that lets memory run out at each allocation in turn, in its build without sanitizers.
set -u
cd "$(dirname "$0")/../.." || exit 1
programs=(build/native/tests/fault/fault_*[a-z0-9_])
count=0
failed=0
for program in "${programs[@]}"; do
	case $program in *.*) continue ;; esac
	count=$((count + 1))
	if output=$("$program" 2>&1); then
		echo "ok $count - $program"
	else
		echo "not ok $count - $program"
		failed=1
	fi
	printf '%s\n' "$output" | sed 's/^/# /'
done
echo "1..$count"
exit $((failed || count == 0))
