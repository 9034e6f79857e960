#!/bin/bash
# Everything that judges the source without running it; `./dev lint` calls this. All judges run; any may fail it.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=()
judge() {
	echo "lint: $1" >&2
	"${@:2}" || failed+=("$1")
}

# The flags that clang shares with the build; libraries' headers are not ours to judge.
flags=(-std=gnu17 -D_GNU_SOURCE -I. -Ibuild/gen -isystem build/deps/native/include)
# The one file that draws a page sees these besides.
read -ra drawing <<<"$(pkg-config --cflags pangocairo | sed 's/-I/-isystem /g')"
flags+=("${drawing[@]}")
warnings=(-Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Werror
	-Wno-unknown-warning-option -Wno-gnu-folding-constant)
mapfile -t sources < <(make --no-print-directory -s print-sources)
mapfile -t tests < <(make --no-print-directory -s print-test-sources)
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard |
	while read -r file; do
		if [ -f "$file" ] && { [[ $file == *.sh ]] || head -n 1 "$file" | grep -qaE '^#!.*\b(ba)?sh\b'; }; then
			echo "$file"
		fi
	done)

clang_warnings() {
	printf '%s\0' "${sources[@]}" "${tests[@]}" |
		xargs -0 -P"$(nproc)" -n 8 clang -fsyntax-only "${flags[@]}" "${warnings[@]}"
}

tidy() {
	printf '%s\0' "${sources[@]}" |
		xargs -0 -P"$(nproc)" -I{} clang-tidy --quiet '--warnings-as-errors=*' {} -- "${flags[@]}" 2>/dev/null
}

judge "gcc's warnings" make --no-print-directory -j"$(nproc)" VARIANT=lint WERROR=1 objects
judge "clang's warnings" clang_warnings
judge 'clang-tidy' tidy
judge 'shellcheck' shellcheck -S warning -x -P SCRIPTDIR:. "${scripts[@]}"

if [ ${#failed[@]} -gt 0 ]; then
	printf 'lint: %s: faults found\n' "${failed[@]}" >&2
	exit 1
fi
echo 'lint: clean' >&2
