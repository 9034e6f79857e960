#!/usr/bin/env python3
"""10 of the twelve: a member publishes keys and entries that are wrong. A rekey whose wraps open nothing, or another secret
than it names; an entry sealed under a key of its own, and one whose `commit` is not that of its key; a viewer's file. Nobody
is cut off, nothing false is shown, the room goes on, and all members see the same."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, TALK, WORK, H, Hands, bundle, decode, encode, epoch_kem_seed, follow, leaf_hash, tree_root, wrap, xwing_public
from liar import Liar
from tap import done, is_, ok
from world import World

world = World()
liar = Liar(world)
server = liar.server
ada, bob = world.room_of_two(server)
mallory = world.person("mallory", server)
mallory.must("join", ada.must("invite", "acme", "--role", "editor").out.strip(), "--room", "acme")
texts = ["one"]
ada.must("say", "acme", "one")
for home in (bob, mallory):
    home.must("refresh")
hands = Hands(mallory)
acme = hands.room_id.hex()


def everyone_reads(what):
    for home in (ada, bob):
        home.run("refresh")
        home.run("refresh")
    for home in (ada, bob, mallory):
        is_(home.messages(), texts, f"{what}: {home.name} reads all that was said")


def say(home, text):
    said = home.run("say", "acme", text)
    is_(said.status, 0, f"{home.name} writes", *said.why())
    texts.append(text)


# --- wraps

def recipients(room):
    """Persons and the keys to which the room wraps, sorted by id."""
    found = {}
    for header, body in room.entries:
        body = decode(body) if header[7] == ROSTER else [None]
        if body[0] == 0:
            found[H("room", body[9][0][0])] = body[9][3]
        elif body[0] == 3:
            found[H("room", body[2][0][0])] = body[2][3]
    return sorted(found.items())


def rekey(room, wraps_of):
    """A rekey for the right recipients, whose wraps are whatever `wraps_of` makes of (secret, epoch, person, key)."""
    epoch, secret, people = max(room.epochs) + 1, os.urandom(32), recipients(room)
    kem_pk = xwing_public(epoch_kem_seed(secret))
    keys = decode(hands.server.ask(f"/v1/rooms/{acme}/kem", encode([kem for _, kem in people])))
    wraps = [wraps_of(secret, epoch, person, key) for (person, _), key in zip(people, keys)]
    body = encode([9, epoch, H("epoch-secret", secret), H("kem-key", kem_pk), H("recipients", [list(r) for r in people]),
                   tree_root([leaf_hash(one) for one in wraps]), []])
    return secret, bundle(hands.entry(room, ROSTER, body, epoch=epoch - 1), body, [[kem_pk], [], wraps])


def junk(*_):
    return os.urandom(1168)


def other_secret(secret, epoch, person, key):
    """Right for herself; for everyone else the wrap of another secret, which the rekey does not name."""
    return wrap(secret if person == hands.person else os.urandom(32), hands.room_id, epoch, person, key)


for what, wraps_of in (("wraps that open nothing", junk), ("wraps of another secret", other_secret)):
    room = hands.look()
    before = max(room.epochs)
    _, made = rekey(room, wraps_of)
    is_(hands.send(room, [made]), (200, [(0, "none")]), f"a rekey with {what} is let in, as no server can tell")
    complains = bob.run("say", "acme", f"Bob, under {what}")
    ok(complains.status in (0, 5), "what Bob writes is sent, or kept", *complains.why())
    texts.append(f"Bob, under {what}")
    ada.must("refresh")
    bob.must("refresh")
    say(ada, f"Ada, after {what}")
    everyone_reads(what)
    log = ada.must("log", "acme", "--json").json()["entries"]
    ok(any(e["type"] == "bad_wrap" and e["verdict"] == "accepted" for e in log), "it was complained of")
    ok(max(hands.look().epochs) > before + 1, "and another epoch made")

# --- entries under a wrong K

room = hands.look()
wrong = [("sealed under a key of her own", dict(key=os.urandom(32))),
         ("whose commit is not its key's", dict(commit=os.urandom(32)))]
for what, fields in wrong:
    entry, body = hands.words(room, "you should not see this", **fields)
    is_(hands.send(room, [bundle(entry, body)]), (200, [(0, "none")]), f"an entry {what} is let in")
    follow(hands, room, entry, body)
    everyone_reads(what)
    say(bob, f"Bob, after one {what}")
    room = hands.look()
# A `keys` entry, as a forget writes it, with keys that are not those of the entries that it names.
room = hands.look()
talked = [i for i, (header, _) in enumerate(room.entries) if header[7] == TALK]
entry, body = hands.sealed(room, WORK, [21, os.urandom(16), [[i, os.urandom(32)] for i in talked], []])
is_(hands.send(room, [bundle(entry, body)]), (200, [(0, "none")]), "a list of wrong keys for all messages is let in")
everyone_reads("wrong keys")
for home in (ada, bob):
    verified = home.run("verify", "acme")
    ok("cannot be read" in verified.err or "cannot be read" in verified.out, f"{home.name}: verify names what does not open", *verified.why())
late = bob.pair("late")
is_(late.messages(), texts, "who reads it all at once sees the same")

# --- a viewer's file

is_(ada.run("role", "acme", "mallory", "viewer").status, 0, "Mallory becomes a viewer")
mallory.must("refresh")
plan = world.dir / "plan"
plan.write_text("hers\n")
is_(mallory.run("put", "acme", plan).status, 3, "her own program puts no file")
room = hands.look()
put = [16, os.urandom(16), None, [[b"plan"], 0, 0o644, [0, 0], None, [0, []]]]
for kind, want, what in ((WORK, (200, [(1, "role")]), "is rejected"), (TALK, (200, [(0, "none")]), "is let in as talk")):
    entry, body = hands.sealed(room, kind, put)
    is_(hands.send(room, [bundle(entry, body)]), want, f"a file_put of her making {what}")
    follow(hands, room, entry, body)
for home in (ada, bob):
    is_(home.files()["files"], [], f"{home.name} sees no file")
    is_(home.messages(), texts, "and no message")

# And where a server lets it in as work, saying that all is well:
room = hands.look()
liar.take(room)
entry, body = hands.sealed(room, WORK, put)
liar.let_in(entry, body)
for home in (ada, bob, late):
    home.must("refresh")
    is_(home.files()["files"], [], f"{home.name} judges it by the room's own log: no file")
    is_([(e["verdict"], e["reason"]) for e in home.must("log", "acme", "--json").json()["entries"]][len(liar.items) - 1],
        ("rejected", "role"), "but an entry that was rejected for her role")
done()
