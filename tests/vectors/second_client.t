#!/bin/bash
# A client written from the documents alone, in another language, reads real rooms from a real server by the recovery
# kit: so FORMAT.md and API.md say enough, and the kit opens what it promises.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../cli/lib.sh"

second() { python3 tests/vectors/second_client.py "$url" "${@/#/$T/kit-}"; }

start_server
room_of_two
as ada privity say acme 'the offer is attached' >/dev/null
ok 'ada writes'
as bob privity say acme 'thänk you, ada' >/dev/null
ok 'bob writes'
printf 'forty-two euros\n' >"$T/offer.txt"
head -c 3000 /dev/urandom >"$T/data.bin"
as ada privity put acme "$T/offer.txt" "$T/data.bin" >/dev/null 2>&1
ok 'ada puts files'
as bob privity refresh >/dev/null 2>&1
as bob privity safety acme ada >"$T/number"
as ada privity safety acme bob --verify - <"$T/number" >/dev/null
ok 'ada verifies bob'

sum() { sha256sum <"$1" | cut -d' ' -f1; }
want="client file data.bin $(sum "$T/data.bin")
client file offer.txt $(sum "$T/offer.txt")
client message the offer is attached
client message thänk you, ada"

for who in ada bob; do
	run 0 "the second client reads by $who's kit" second "$who"
	is "$(grep -v ' name \| verified ' "$T/out")" "$want" "and finds every message and file"
	[ "$who" = ada ] && is "$(grep verified "$T/out")" "person verified $(cat "$T/number") number 2" 'and that bob is verified, by the number that both see'
done
unlike "$(out)" verified 'which bob does not find'
like "$(out)" '^client name bob$' 'and a name'

as ada privity remove acme bob >/dev/null 2>&1
ok 'ada removes bob'
as ada privity say acme 'after bob' >/dev/null
ok 'and writes on'
run 0 'the second client reads by the kit of ada' second ada
like "$(out)" '^client message after bob$' 'what came after new keys were made'
like "$(out)" '^client message the offer is attached$' 'and what came before'
# A server that refuses him shows nothing of keys: so it gives out, for ada, all that it would give to her.
run 0 'by the kit of bob it reads what the server gives to ada' second bob ada
like "$(out)" '^client message the offer is attached$' 'the kit opens what was his'
unlike "$(out)" 'after bob' 'the kit of bob does not open it'
run 0 'and asked for bob himself' second bob
unlike "$(out)" '^client ' 'the server gives out nothing of it'

python3 - "$T/kit-ada" "$T/kit-changed" <<'END'
import re, sys
text = open(sys.argv[1]).read()
at = text.index("\nCode:")
groups = re.findall(r"\b[0-9A-Z]{6}\b", text[at:])
open(sys.argv[2], "w").write(text[:at] + text[at:].replace(groups[4], groups[5], 1))
END
run 1 'a kit with a wrong group is refused' second changed
like "$(err)" 'checksum of group 5' 'by the group'
# --- a word that is forgotten: it goes, and all others still open, though no secret of before leads to them any more

forgetful() { as ada build/native/tests/tools/forgetful acme "$@"; }
words() { as ada privity log acme --json >"$T/out" 2>/dev/null && field "$1"; }
run 0 'a room without a notice' forgetful notice 0
index=$(words '[e["index"] for e in o["entries"] if e["kind"] == "talk"][-1]')
run 0 'ada forgets her newest words' forgetful forget "$index-$((index + 1))"
for _ in $(seq 100); do
	[ "$(words 'sum(e["type"] == "deleted" for e in o["entries"])')" != 1 ] || break
	sleep 0.2
done
run 0 'the second client reads by the kit of ada' second ada
unlike "$(out)" 'after bob' 'and finds them no more'
like "$(out)" '^client message the offer is attached$' 'but what she wrote before'
like "$(out)" '^client message thänk you, ada$' 'and what bob did'
like "$(out)" '^client file offer.txt ' 'and the files'

# --- a room that ends and goes on in another: an editor has a place in the word for it, a viewer takes the common link

for role in editor viewer; do
	person "the$role"
	as "the$role" privity join "$(as ada privity invite acme --role "$role" 2>/dev/null)" --room acme >/dev/null 2>&1
	ok "a new $role joins"
done
run 0 'a backup is taken' privityd --data "$T/server" admin backup "$T/backup" "$T/log.key"
stop_server
rm -rf "$T/server"
run 0 'and put back' privityd --data "$T/server" admin restore "$T/backup" "$T/log.key"
start_server
run 0 'ada founds a successor' as ada privity repair acme --successor --json
successor=$(field 'o["successor"]')
for role in editor viewer; do
	run 0 "the second client reads by the kit of the $role" second "the$role"
	is "$(grep ' successor ' "$T/out" | cut -d' ' -f3)" "$successor" 'and is led to the successor'
done
run 0 'and by the kit of its founder' second ada
unlike "$(out)" ' successor ' 'who is led nowhere'
done_testing
