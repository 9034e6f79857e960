#!/bin/bash
# Help, manual page and completions come from the one table of commands, and say what the commands are.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

commands='init status room rooms members whoami invite join role remove leave say read search put get ls mv rm versions log verify lock unlock passphrase refresh'

run 0 "the overview" privity --help
for command in $commands; do grep -q "^  $command" "$T/out" || echo "$command"; done >"$T/absent"
is "$(cat "$T/absent")" "" "names every command"
grep '^  [a-z]' "$T/out" >"$T/lines"
is "$(grep -c '^  .\{16\}  [a-z]' "$T/lines")" "$(privity help --man | grep -c '^\.SS ')" "their summaries begin in one column"
run 0 "the overview again" privity --help
for other in "privity --version" "privity help --man" "privity help --completion"; do like "$(out)" "$other" "names $other"; done
run 2 "no command is wrong usage" privity
run 2 "an unknown command is wrong usage" privity frobnicate
one_line "an unknown command"
run 2 "half a command is unknown" privity device
like "$(err)" "device add, device join, device revoke" "and all that begin with it are named"
run 2 "a later version's command is unknown" privity agreement list
run 0 "the version" privity --version
for command in $commands; do
	[ "$command" != room ] || command='room new'
	# shellcheck disable=SC2086
	run 0 "$command --help" privity $command --help
	like "$(out)" "^usage: privity $command" "tells its usage"
	# shellcheck disable=SC2086
	cmp -s <(privity help $command) "$T/out"
	ok "help $command is the same"
done

run 0 "the manual page" privity help --man
cp "$T/out" "$T/privity.1"
for command in $commands; do grep -q "^\.SS privity $command" "$T/privity.1" || echo "$command"; done >"$T/absent"
is "$(cat "$T/absent")" "" "has every command"
if command -v groff >/dev/null; then
	is "$(groff -man -ww -z "$T/privity.1" 2>&1)" "" "is clean to groff"
fi
for shell in bash zsh fish; do
	run 0 "completions for $shell" privity help --completion $shell
	cp "$T/out" "$T/completion.$shell"
	for command in $commands; do grep -q "$command" "$T/out" || echo "$command"; done >"$T/absent"
	is "$(cat "$T/absent")" "" "know every command"
	if command -v $shell >/dev/null; then
		$shell -n "$T/completion.$shell"
		ok "are good $shell"
	fi
done
run 2 "completions for another shell" privity help --completion tcsh

# What bash would offer.
complete_bash() {
	bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _privity; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$T/completion.bash" "$@"
}
is "$(complete_bash privity whoa)" whoami "bash completes a command"
is "$(complete_bash privity read --fol)" --follow "bash completes an option"
is "$(complete_bash privity room n)" new "bash completes a second word"
is "$(complete_bash privity invite acme --role ed)" editor "bash completes a role"

for bad in "read" "say" "role acme bob" "mv acme a" "invite --nope acme" "lock a b"; do
	# shellcheck disable=SC2086
	run 2 "\"privity $bad\" is wrong usage" privity $bad
done
done_testing
