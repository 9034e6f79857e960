#!/usr/bin/env python3
"""Words that nobody should type, in every place of every command, and in what others wrote: no crash, an exit status of
the contract, one line that says why, and never a byte that a terminal would obey. Links damaged anywhere join nothing."""

import os
import pathlib
import random
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import LONG, World

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
world = World()
server = world.server()
ada, bob = world.room_of_two(server)
ada.must("say", "acme", "hello")
(world.dir / "file").write_text("content")
ada.must("put", "acme", world.dir / "file")

# What a terminal obeys or hides: C0 but tab and newline, DEL, C1, bidirectional controls, zero-width, tags.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0001-\U000e007f]")
WORDS = [b"", b"\x1b[2J\x1b]0;owned\x07", b"a\nb\rc", "\u202egnp.exe\u2066".encode(), b"\xff\xfe\xc3", b"\xed\xa0\x80", b"x" * 4096,
         b"%s%n%x%d", b"../../etc/passwd", b"-", b"--", b"--json", "e\u0301\u200b\U000e0041".encode(), b"\x9b31m", b"18446744073709551616",
         b"-1", b"NaN", b"'; DROP TABLE entry; --", b"f" * 64, "\U0001f600".encode() * 300]


def spoken(result):
    """Why this output could harm a terminal, or None."""
    for name, raw in (("output", result.raw), ("error", result.raw_err)):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return f"{name} is not UTF-8: {raw[:120]!r}"
        if found := OBEYED.search(text):
            return f"{name} holds {found[0]!r}: {raw[:200]!r}"
    return None


def judge(result, allowed=(0, 1, 2, 3, 5)):
    if result.status not in allowed:
        return f"exit {result.status}: {result.err[-300:]}"
    if result.status in (1, 2, 3) and not re.match(r"privity: .*\S", result.err):
        return f"exit {result.status} without a line: {result.err[-300:]!r}"
    return spoken(result)


# {} stands for the word.
PLACES = {
    "read": (["{}"], ["acme", "--since", "{}"], ["acme", "--limit", "{}"], ["{}", "--json"]),
    "say": (["{}", "hi"], ["acme", "{}"], ["acme", "x", "--reply", "{}"], ["acme", "x", "--attach", "{}"]),
    "search": (["{}"], ["acme", "{}"], ["{}", "word"]),
    "ls": (["{}"], ["acme", "{}"]),
    "put": (["acme", "{}"], ["acme", str(world.dir / "file"), "--to", "{}"]),
    "get": (["acme", "{}", "-o", str(world.dir / "got")], ["acme", "file", "-o", str(world.dir / "got"), "--version", "{}"]),
    "mv": (["acme", "{}", "other"], ["acme", "file", "{}"]),
    "rm": (["acme", "{}"],),
    "versions": (["acme", "{}"],),
    "members": (["{}"],),
    "safety": (["{}", "bob"], ["acme", "{}"], ["acme", "bob", "--verify", "{}"]),
    "role": (["acme", "{}", "viewer"], ["acme", "bob", "{}"]),
    "remove": (["acme", "{}"],),
    "invite": (["acme", "--expires", "{}"], ["acme", "--uses", "{}"], ["acme", "--role", "{}"]),
    "join": (["{}"], ["{}", "--room", "x"]),
    "room": (["new", "{}"], ["{}", "x"]),
    "log": (["acme", "--since", "{}"],),
    "verify": (["{}"],),
    "lock": (["{}"],),
    "leave": (["{}"],),
    "init": (["--name", "{}", "--server", server.url], ["--name", "x", "--server", "{}"]),
    "help": (["{}"],),
    "{}": ([], ["x"]),
}
for command, forms in PLACES.items():
    bad = []
    words = WORDS if LONG else rng.sample(WORDS, 5)
    for form in forms:
        for word in words:
            args = [os.fsencode(command).replace(b"{}", word)] + [os.fsencode(part).replace(b"{}", word) for part in form]
            if command == "mv" and form[1] == "file":
                ada.run("put", "acme", world.dir / "file")
            if command == "{}" and word.startswith(b"-"):
                continue  # no command at all prints the overview
            why = judge(ada.run(*args))
            if why:
                bad.append(f"{args}: {why}"[:400])
    is_(bad, [], f"{command}: {len(forms) * len(words)} words in wrong places")
is_(ada.run("unlock").status, 0, "the keys can be had again")

# --- what others wrote: a member's name, a room's name, a message, a file's name

evil = world.home("evil", server)
# What init lets through is shown harmlessly; what it does not is said.
for word in WORDS:
    made = evil.run("init", "--name", word or b"x", "--server", server.url, "--kit", world.dir / "kit-evil")
    why = judge(made, (0, 1, 2))
    if why:
        ok(False, f"init --name {word[:30]!r}", why)
    if made.status == 0:
        break
if not (evil.path / "version").exists():
    evil.must("init", "--name", "evil", "--server", server.url, "--kit", world.dir / "kit-evil")
evil.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme", "--as", "\u202eada\u2066 (owner)\U000e0041")
texts = [word.decode() for word in WORDS if word and word not in (b"\xff\xfe\xc3", b"\xed\xa0\x80", b"\x9b31m")]
for text in texts:
    result = evil.run("say", "acme", "--", text)
    ok(judge(result, (0, 2)) is None, f"say {text[:20]!r}", *result.why())
for i, word in enumerate((b"\x1b[2J\x07", "\u202egnp.exe".encode(), b"\xff\xfe", b"a\nb", b"x" * 255, b"\x9b31m")):
    folder = world.dir / f"names-{i}"
    folder.mkdir()
    (folder / os.fsdecode(word)).write_bytes(b"x")
    result = evil.run("put", "acme", os.fsencode(folder) + b"/" + word)
    ok(judge(result, (0,)) is None, f"put {word[:20]!r}", *result.why())
    evil.run("say", "acme", f"see {i}", "--attach", os.fsencode(folder) + b"/" + word)
odd = "\u009b2J\u202eroom"
ada.must("room", "new", odd)
ada.must("say", odd, "needle")
for view in (["search", "needle"], ["search", "needle", "--json"], ["rooms"], ["status"]):
    result = ada.run(*view)
    ok(judge(result, (0,)) is None, f"{view} with a room by a hostile name", *result.why(), judge(result, (0,)))
evil_id = evil.must("whoami", "--json").json()["id"]
views = (["read", "acme", "--limit", "0"], ["read", "acme", "--limit", "0", "--json"], ["members", "acme"], ["members", "acme", "--json"],
         ["ls", "acme", "-l", "-R"], ["ls", "acme", "-R", "--json"], ["log", "acme"], ["log", "acme", "--json"], ["status"],
         ["search", "acme", "see"], ["rooms"], ["safety", "acme", evil_id], ["safety", "acme", evil_id, "--json"], ["safety", "acme", evil_id, "--verify", "1" * 60], ["verify", "acme"], ["role", "acme", "nobody", "viewer"])
for view in views:
    result = bob.run(*view)
    is_(spoken(result), None, f"{' '.join(view)}: nothing that a terminal obeys")
whole = {p: p.read_bytes() for p in (server.data / "blobs").glob("??/*")}
for p in whole:
    p.unlink()
for view in (["repair", "acme"], ["repair", "acme", "--json"], ["verify", "acme"]):
    result = bob.run(*view)
    is_(spoken(result), None, f"{' '.join(view)} of files that are lost: nothing that a terminal obeys")
    is_(result.status, 4 if view[0] == "verify" else 0, "and it says so", *result.why())
for p, data in whole.items():
    p.write_bytes(data)
shown = bob.must("read", "acme", "--limit", "0", "--json").json()["messages"]
is_([t for t in texts if t not in [m["text"] for m in shown]], [], "and JSON holds each text as it was written")

# --- links

link = ada.must("invite", "acme", "--uses", "50").out.strip()
fresh = world.person("fay", server)
rooms = fresh.must("rooms").out
head, tail = link.split("#")
bad = []
spoiled = [link[:n] for n in sorted(rng.sample(range(1, len(link)), 60 if LONG else 15))]
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
for _ in range(100 if LONG else 25):
    at = rng.randrange(len(tail))
    spoiled.append(head + "#" + tail[:at] + rng.choice(alphabet.replace(tail[at], "")) + tail[at + 1:])
spoiled += [link + "A", link + "=", head + "#" + tail + tail, head + "#", link.replace("http://", "https://"), link.replace("127.0.0.1", "127.0.0.2"),
            "http://" + "a" * 2000 + "/i#" + tail, link.replace("/i#", "/x#"), link.upper(), "\u202e" + link, tail, link * 100]
for text in spoiled:
    result = fresh.run("join", text, "--room", "acme")
    why = judge(result, (1, 2))
    if why:
        bad.append(f"{text[:80]}: {why}")
is_(bad, [], f"{len(spoiled)} damaged links are refused")
is_(fresh.must("rooms").out, rooms, "and join nothing")
is_(fresh.run("join", link, "--room", "acme").status, 0, "the right one does")
is_(fresh.run("join", link, "--room", "acme").status, 0, "and doing it again changes nothing")
is_(ada.must("members", "acme", "--json").json()["members"].__len__(), 4, "everyone is a member once")
is_(ada.run("verify", "acme").status, 0, "the room verifies")
done()
