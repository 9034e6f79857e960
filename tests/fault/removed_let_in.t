#!/usr/bin/env python3
"""A server lets in what those sign who are out: a removed member with the old keys, and a kit that fell with the device
that added it. Honest devices keep it as rejected: no word, file, member or device of it counts, and nobody is alarmed."""

import os
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, TALK, WORK, ZERO, H, Hands, encode, follow, leaf_hash, wrap, xwing_public
from liar import Liar
from tap import done, is_, ok
from world import World

world = World()
liar = Liar(world)
ada, bob = world.room_of_two(liar.server)
mallory = world.person("mallory", liar.server)
mallory.must("join", ada.must("invite", "acme", "--role", "owner").out.strip(), "--room", "acme")
phone, late = bob.pair("phone"), ada.pair("late")  # the second will read it all at once
thief = types.SimpleNamespace(kit=world.dir / "thief.txt", server=liar.server)
bob.must("recovery", "add-kit", "--kit", thief.kit)
bob.must("say", "acme", "one")
ada.must("refresh")

outside = {"a removed owner": Hands(mallory), "a kit that fell with its device": Hands(thief)}
held = {name: hands.look() for name, hands in outside.items()}  # what each could read, with its keys
watching = Hands(ada)


def in_room(home):
    """Members, and how many devices each has there."""
    return {m["id"]: len(m["devices"]) for m in home.must("members", "acme", "--json").json()["members"]}


before = in_room(ada)
ada.must("remove", "acme", "mallory")
bobs = phone.must("devices", "--json").json()["devices"]
ada_id, phone_id = ada.must("whoami", "--json").json()["id"], next(d["id"] for d in bobs if d["current"])
laptop = next(d["id"] for d in bobs if d["added_by"] is None and not d["paper"])
phone.must("device", "revoke", laptop, "--with-added")
ada.must("say", "acme", "two")
phone.must("say", "acme", "three")
ada.must("refresh")
said = ["one", "two", "three"]
room = watching.look()
stays = in_room(ada)
ok(len(before) == 3 and len(stays) == 2 and sum(stays.values()) == sum(before.values()) - 4, "Mallory with two devices is out, and Bob's laptop with the kit", before, stays)
liar.take(room)
began, now = len(liar.items), max(room.epochs)

for name, hands in outside.items():
    old = max(held[name].epochs)
    ok(old < now, f"{name} lacks the newest keys")
    room.epochs, room.secret_of = {old: None}, held[name].secret_of
    file = [16, os.urandom(16), None, [[b"plan"], 0, 0o644, [0, 0], None, [0, []]]]
    for kind, payload in ((TALK, [2, os.urandom(16), "under the old keys", None, []]), (WORK, file)):
        entry, body = hands.sealed(room, kind, payload)
        liar.let_in(entry, body)
        follow(hands, room, entry, body, kind)
    # Under the present epoch's number, and a key of one's own.
    room.epochs, room.secret_of = {now: None}, {now: os.urandom(32)}
    entry, body = hands.words(room, "under a number that is right")
    liar.let_in(entry, body)
    follow(hands, room, entry, body)
    # Of the roster: out with others, or oneself; in with somebody; another policy; and everything forgotten.
    kem, secret = xwing_public(os.urandom(32)), os.urandom(32)
    sealed = wrap(secret, room.id, now, os.urandom(16), kem)
    invite = encode([1, os.urandom(16), 2, 9, None, None, os.urandom(32), os.urandom(32), H("kem-key", kem), leaf_hash(sealed), None])
    for body, beside in ((encode([6]), None), (encode([5, [[bytes.fromhex(ada_id), 0]]]), None), (encode([8, [bytes.fromhex(phone_id)], 0, None]), None),
                         (invite, [[kem], [], [sealed]]), (encode([11, ZERO, b"a policy"]), None),
                         (encode([15, os.urandom(16), [[1, began]], now]), None)):
        entry = hands.entry(room, ROSTER, body, epoch=now)
        liar.let_in(entry, body, beside)
        follow(hands, room, entry, body, ROSTER)

for home in (ada, phone, late):
    looked = home.run("refresh")
    is_(looked.status, 0, f"{home.name} takes it in as what it is", *looked.why())
    is_(home.messages(), said, f"{home.name}: no word of theirs came in")
    is_(home.files()["files"], [], "and no file")
    log = home.must("log", "acme", "--json").json()["entries"][began:began + 18]
    is_([(e["verdict"], e["reason"]) for e in log], [("rejected", "not_member")] * 18, "all of it is rejected: its author is no member")
    is_(in_room(home), stays, "and members and devices are who they were")
is_(ada.run("say", "acme", "four").status, 0, "and the room goes on")
is_(phone.messages(), said + ["four"], "for those who are in it")
done()
