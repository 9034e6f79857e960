#!/bin/bash
# Core is pure: the wasm module of all of core imports nothing, so there is no file, clock or randomness to reach.
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/tap.sh

module=build/wasm/core.wasm
[ -e "$module" ] || skip_all "$module is not built"

list() {
	node -e 'const { imports, exports } = WebAssembly.Module;
		const m = new WebAssembly.Module(require("fs").readFileSync(process.argv[2]));
		for (const x of (process.argv[1] === "imports" ? imports : exports)(m)) console.log(x.module ?? "", x.name);' "$1" "$module"
}

is "$(list imports)" '' 'core.wasm imports nothing'
exported=$(list exports)
for name in malloc free memory _initialize; do
	like "$exported" "$name" "core.wasm exports $name"
done
missing=$(nm -g --defined-only build/native/libprivity.a | awk 'NF == 3 && $2 == "T" { print $3 }' | while read -r name; do
	grep -qw -- "$name" <<<"$exported" || echo "$name"
done)
is "$missing" '' 'core.wasm exports every function of core'
tap_done
