#!/bin/bash
# Files: put, listed, fetched whole, versioned, moved, removed; hostile names stay where they belong.
# shellcheck disable=SC2016  # an inner shell expands
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
start_server
room_of_two

mkdir -p "$T/work/design/deep" "$T/got"
head -c 5000000 /dev/urandom >"$T/work/big.bin"
echo one >"$T/work/plan.txt"
: >"$T/work/empty"
echo deep >"$T/work/design/deep/note"
chmod 755 "$T/work/plan.txt"
touch -d '2020-02-03 04:05:06 UTC' "$T/work/plan.txt"
ln -s /etc/passwd "$T/work/design/link"

run 0 "put" as ada privity put acme "$T/work/big.bin" "$T/work/plan.txt" "$T/work/empty" --json
is "$(field 'len(o["files"])')" 3 "three files"
is "$(field 'o["files"][1]["sha256"]')" "$(sha256sum <"$T/work/plan.txt" | cut -d' ' -f1)" "with their SHA-256"
mkdir -p "$T/work/design/drafts/none"
mkfifo "$T/work/design/drafts/pipe"
run 0 "put a directory into a folder" as ada privity put acme "$T/work/design" --to projects/2026
like "$(err)" "link is a symbolic link: left out" "a link in it is left out"
like "$(err)" "drafts/none is an empty folder: left out" "an empty folder too"
like "$(err)" "drafts/pipe is no plain file: left out" "and a pipe"
is "$(wc -l <"$T/err")" 3 "a folder with anything in it is not called empty"
run 0 "the same as JSON" as ada privity put acme "$T/work/design" --to projects/2026 --json
is "$(field 'sorted((p["path"].split("/design/")[1], p["why"]) for p in o["left_out"])')" \
	'[["drafts/none", "an empty folder"], ["drafts/pipe", "no plain file"], ["link", "a symbolic link"]]' "names what was left out"
rm -r "$T/work/design/drafts"
run 1 "put what is not there" as ada privity put acme "$T/absent"
one_line "put what is not there"
mkfifo "$T/work/fifo"
mkdir "$T/work/nothing"
for odd in fifo nothing; do
	run 1 "put $odd" as ada privity put acme "$T/work/plan.txt" "$T/work/$odd"
	one_line "put $odd"
	like "$(err)" "nothing was put" "says that nothing was"
done
run 1 "put a device" as ada privity put acme /dev/zero
run 1 "put a file of the kernel's that has no end" as ada privity put acme "/proc/$$/pagemap"
one_line "put a file that has no end"
like "$(err)" "does not tell its size, and had no end after 64 MiB: nothing of it was put" "says why"
run 0 "put one that tells no size, and ends" as ada privity put acme /proc/version --to kernel
run 0 "fetch it" as ada privity get acme kernel/version -o "$T/got"
is "$(cat "$T/got/version")" "$(cat /proc/version)" "whole"
run 0 "rm" as ada privity rm acme kernel
truncate -s 256M "$T/work/growing"
: >"$T/grow"
sh -c 'while [ -e "$0/grow" ]; do echo more >>"$0/work/growing"; done' "$T" &
run 1 "put a file while it grows" as ada privity put acme "$T/work/growing"
rm "$T/grow"
wait $!
rm "$T/work/growing"
one_line "put a file while it grows"
like "$(err)" "growing changed while it was read: it grew, and nothing of it was put" "says so"
run 0 "ls" as ada privity ls acme -R
unlike "$(out)" "growing|pagemap" "and it is not in the room"
ln -s plan.txt "$T/work/by link"
ln -s design "$T/work/link to a folder"
run 0 "put what links name" bash -c 'cd "$0/work" && PRIVITY_HOME=$0/home-ada privity put acme "by link" "link to a folder/" ./plan.txt --to links' "$T"
run 0 "what links name" as ada privity ls acme links -R
is "$(cat "$T/out")" $'by link\nlink to a folder/deep/note\nplan.txt' "goes by the names that were given"
mkdir "$T/work/other"
echo two >"$T/work/other/plan.txt"
run 0 "two files of one name at once" as ada privity put acme "$T/work/plan.txt" "$T/work/other/plan.txt" --to twice
run 0 "versions" as ada privity versions acme twice/plan.txt --json
is "$(field '[v["size"] for v in o["versions"]]')" "[4, 4]" "are versions of one file"
run 0 "ls" as ada privity ls acme twice --json
is "$(field '[(f["name"], f["version"], f["conflict"]) for f in o["files"]]')" '[["plan.txt", 2, false]]' "and no conflict"
run 0 "put unchanged, offline" as ada privity put acme "$T/work/other/plan.txt" --to twice
run 0 "rm" as ada privity rm acme twice
run 0 "rm" as ada privity rm acme links
run 1 "get what was removed" as ada privity get acme twice/plan.txt -o "$T"
like "$(err)" "was removed: its versions can be fetched, see privity versions" "says what can be done"
run 2 "put to a place outside" as ada privity put acme "$T/work/plan.txt" --to ../etc

run 0 "ls" as bob privity ls acme
is "$(out)" $'big.bin\nempty\nplan.txt\nprojects/' "the top"
run 0 "ls -R" as bob privity ls acme -R
like "$(out)" "^projects/2026/design/deep/note$" "all"
run 0 "ls of a folder" as bob privity ls acme projects/2026/design
is "$(out)" "deep/" "what is in it"
run 0 "ls -l" as bob privity ls acme -l
like "$(out)" "4.8 MiB .* ada  big.bin" "with size and author"
run 0 "ls as JSON" as bob privity ls acme -R --json
is "$(field 'len(o["files"])')" 4 "has all"
run 1 "ls of no folder" as bob privity ls acme nowhere

run 0 "get" as bob privity get acme big.bin plan.txt empty -o "$T/got"
cmp -s "$T/work/big.bin" "$T/got/big.bin" && cmp -s "$T/work/plan.txt" "$T/got/plan.txt" && cmp -s "$T/work/empty" "$T/got/empty"
ok "the same bytes"
is "$(stat -c '%a %Y' "$T/got/plan.txt")" "755 1580702706" "mode and time too"
is "$(find "$T/got" -name '.privity*')" "" "nothing is left beside them"
run 0 "get again" as bob privity get acme big.bin -o "$T/got"
echo mine >"$T/got/plan.txt"
run 1 "get over a file of another content" as bob privity get acme plan.txt -o "$T/got"
is "$(cat "$T/got/plan.txt")" mine "leaves it"
run 0 "with --force" as bob privity get acme plan.txt -o "$T/got" --force
is "$(cat "$T/got/plan.txt")" one "replaces it"
run 0 "get a folder" as bob privity get acme projects -o "$T/got"
is "$(cat "$T/got/projects/2026/design/deep/note")" deep "with all below it"
run 1 "get what is not there" as bob privity get acme nothing -o "$T/got"
like "$(err)" "message's id" "says where attachments are"

run 0 "put it again unchanged" as ada privity put acme "$T/work/big.bin"
run 0 "versions" as ada privity versions acme big.bin --json
is "$(field 'len(o["versions"])')" 1 "makes no version"
echo two >"$T/work/plan.txt"
run 0 "put a new version" as bob privity put acme "$T/work/plan.txt"
run 0 "versions" as ada privity versions acme plan.txt --json
is "$(field '[v["author_name"] for v in o["versions"]]')" '["ada", "bob"]' "are two, by whom"
run 0 "the newest" as ada privity get acme plan.txt -o "$T/new"
is "$(cat "$T/new/plan.txt")" two "is fetched"
run 0 "the first" as ada privity get acme plan.txt --version 1 -o "$T/old"
is "$(cat "$T/old/plan.txt")" one "can still be"
run 1 "one that is not" as ada privity get acme plan.txt --version 7 -o "$T/old"

run 0 "mv" as ada privity mv acme plan.txt projects/plan-a.txt
run 0 "ls" as bob privity ls acme projects
is "$(out)" $'2026/\nplan-a.txt' "it is there"
run 1 "mv onto another file" as ada privity mv acme projects/plan-a.txt big.bin
run 0 "mv a folder" as ada privity mv acme projects/2026 archive
run 0 "ls" as bob privity ls acme archive -R
is "$(out)" "design/deep/note" "moves all below it"
run 2 "mv a folder into itself" as ada privity mv acme archive archive/inside
run 0 "rm" as ada privity rm acme big.bin
run 1 "then it is gone" as bob privity get acme big.bin -o "$T/gone"
run 0 "but its version can be fetched" as bob privity get acme big.bin --version 1 -o "$T/gone"
cmp -s "$T/work/big.bin" "$T/gone/big.bin"
ok "whole"

name=$'evil\n\e[2J\u202egnp.exe'
echo evil >"$T/work/$name"
run 0 "put a file with a hostile name" as ada privity put acme "$T/work/$name"
run 0 "ls" as bob privity ls acme
grep -q $'\e' "$T/out"
[ $? -eq 1 ]
ok "shows no escape"
like "$(out)" 'evil\\n\\x1b\[2J\\u\{202e\}gnp.exe' "but what it is"
run 0 "get it" as bob privity get acme "$name" -o "$T/hostile"
is "$(find "$T/hostile" -type f | wc -l)" 1 "one file"
unlike "$(ls -b "$T/hostile")" '\\033' "without control characters in its name"
is "$(ls "$T/hostile")" "evil__[2J_gnp.exe" "nor any that turn it around"
name=$'a\u009b31m\u2028\u2066b'
echo x >"$T/work/$name"
run 0 "put one with characters beyond ASCII that are obeyed" as ada privity put acme "$T/work/$name"
run 0 "get it" as bob privity get acme "$name" -o "$T/hostile"
[ -f "$T/hostile/a_31m__b" ]
ok "it is saved without them"
mkdir "$T/work/twins" "$T/work/others"
echo one >"$T/work/twins/"$'new\nline'
echo two >"$T/work/twins/new_line"
echo three >"$T/work/others/new_line"
run 0 "put two whose names are one where control characters are underscores" as ada privity put acme "$T/work/twins" "$T/work/others"
for force in "" --force; do
	# shellcheck disable=SC2086
	run 1 "get both $force" as bob privity get acme twins $force -o "$T/twins"
	like "$(err)" 'twins/new\\nline and twins/new_line would both be new_line here: get each for itself' "is refused, naming them"
	is "$(cat "$T/twins/twins/new_line")" one "and neither is in the other's place"
done
# shellcheck disable=SC2086
run 1 "nor two of several folders by one name" as bob privity get acme others/new_line twins/new_line --force -o "$T/both"
is "$(cat "$T/both/new_line")" three "in one"
run 0 "get one for itself" as bob privity get acme $'twins/new\nline' -o "$T/both/one"
like "$(err)" 'twins/new\\nline is new_line here' "says under what name it is saved"
run 0 "in JSON too" as bob privity get acme $'twins/new\nline' -o "$T/both/one" --json
is "$(field 'o["files"][0]["path"]')" new_line "which says where it lies"
run 0 "and the other, over it when that is meant" as bob privity get acme twins/new_line twins/new_line --force -o "$T/both/one"
is "$(cat "$T/both/one/new_line")" two "is there"
is "$(err)" "" "with nothing to say"
printf 'x' >"$T/work/$(printf 'b\xff')"
run 0 "a name that is not UTF-8" as ada privity put acme "$T/work/$(printf 'b\xff')"
run 0 "in JSON" as bob privity ls acme --json
like "$(field '[f["path"] for f in o["files"] if f["path"].startswith("b")]')" 'xff|ufffd' "is UTF-8"

if truncate -s 5T "$T/work/endless" 2>/dev/null; then # where the file system holds such a file
	run 1 "a file that no room takes" as ada timeout 30 privity put acme "$T/work/endless"
	like "$(err)" "larger than a room takes" "is refused before it is read"
	rm "$T/work/endless"
fi

mkdir "$T/trap"
mkdir "$T/elsewhere"
ln -s "$T/elsewhere" "$T/trap/archive"
run 1 "a link in the way is not followed" as bob privity get acme archive -o "$T/trap"
is "$(ls -A "$T/elsewhere")" "" "and nothing is written behind it"

# A fetch that is interrupted leaves nothing behind.
head -c 150000000 /dev/urandom >"$T/huge"
as ada privity put acme "$T/huge" >/dev/null
for signal in INT TERM; do
	PRIVITY_HOME=$T/home-bob timeout --foreground -s $signal 0.15 privity get acme huge -o "$T/cut" >/dev/null 2>&1
done
is "$(find "$T/cut" -name '.privity*' 2>/dev/null)" "" "an interrupted get leaves nothing behind"
as ada privity rm acme huge >/dev/null
run 0 "all of it verifies" as bob privity verify acme
done_testing
