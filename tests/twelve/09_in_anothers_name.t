#!/usr/bin/env python3
"""9 of the twelve, names: someone joins, signs or adds a device in the name of another's person id. The server refuses, and
where a server lets it in all the same, no member's program believes it."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, SIGN, ZERO, H, Hands, bundle, decode, ed25519_sign, encode, follow, labelled, leaf_hash
from liar import Liar
from tap import done, is_, ok
from world import World

world = World()
liar = Liar(world)
ada, bob = world.room_of_two(liar.server)
mallory, eve = world.person("mallory", liar.server), world.person("eve", liar.server)
mallory.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
ada.must("say", "acme", "one")
dora = world.person("dora", liar.server)
dora.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
bob.must("leave", "acme")  # so that it is not for his membership that anything is refused
invited = ada.must("invite", "acme", "--uses", "9").out.strip()
for home in (ada, dora, mallory):
    home.must("refresh")
inside, outside = Hands(mallory), Hands(eve)  # a member, and a stranger to whom she tells everything
room = inside.look()
outside.room_id = room.id

# Bob's record stands in the log, for everyone in the room, and so does his key.
parties = {H("room", decode(b)[2][0][0]): decode(b)[2] for h, b in room.entries if h[7] == ROSTER and decode(b)[0] == 3}
bob_id = bytes.fromhex(bob.must("whoami", "--json").json()["id"])
record, listed, epoch, kem_hash = parties[bob_id]
kem = decode(inside.server.ask(f"/v1/rooms/{room.id.hex()}/kem", encode([kem_hash])))
ok(kem[0] is not None, "whoever is in the room has Bob's record and public key")
first, kit = listed[0], next(d for d in listed if decode(record[1])[9][1][0] and d == H("device", decode(record[1])[9][1][0]))
wrap = bytes(1168)
current = max(room.epochs)


def certificate(hands):
    """Of that hand's device, for Bob, in the name of Bob's first device and signed by her own key."""
    parts = (bob_id, b"", hands.device, False, first)
    sig = ed25519_sign(hands.seed, labelled("certificate", *parts))
    return [hands.device, False, first, sig, sig]


def forged(hands):
    return [record[0], record[1], [*record[2], certificate(hands)]]


invite, join_seed = inside.join_key(invited)  # a good link in bad hands


def attempts(hands):
    """What is tried, kind, body, and what lies beside."""
    def join(record, devices):
        signature = ed25519_sign(join_seed, labelled("join", room.id, bob_id, devices, epoch, kem_hash, invite))
        return encode([3, invite, [record, devices, epoch, kem_hash], leaf_hash(wrap), signature])

    beside = [kem, [], [wrap]]
    yield "a join by Bob's record with a device added by nobody of his", ROSTER, join(forged(hands), [first, kit, hands.id]), beside
    yield "a join by Bob's record and devices", ROSTER, join(record, [first, kit]), beside
    yield "a device added as Bob's", ROSTER, encode([7, [certificate(hands)], None]), [[], [], []]
    yield "a device of Bob's removed", ROSTER, encode([8, [first], 0, None]), [[], [], []]
    yield "a signature in Bob's name", SIGN, encode([bytes([7]) * 32, 1, 0, 0, [forged(hands), invite, bytes(64)]]), [[], [], []]


# --- an honest server

TAKEN = (200, [(0, "none")])
ANSWERS = {
    "a member": [(200, [(1, "record")]), (200, [(1, "record")]), (200, [(1, "device_in_use")]), (200, [(1, "foreign_device")]),
                 TAKEN],  # her own signature, whatever record she puts with it
    "a stranger": [(403, ("denied", "record")), (400, ("malformed", "impossible")), (403, ("denied", "not_member")),
                   (400, ("malformed", "impossible")), (403, ("denied", "record"))],
}
members = ada.must("members", "acme", "--json").json()["members"]
for who, hands in (("a member", inside), ("a stranger", outside)):
    for (what, kind, body, beside), answer in zip(attempts(hands), ANSWERS[who], strict=True):
        room = inside.look()
        entry = hands.entry(room, kind, body, epoch=0 if kind == SIGN else current)
        is_(hands.send(room, [bundle(entry, body, beside)]), answer,
            f"{what}, by {who}: " + ("taken for her own" if answer == TAKEN else "refused, for what is wrong with it"))


def unchanged(home, what):
    """Persons, and how many devices each has in the room."""
    found = {m["id"]: len(m["devices"]) for m in home.must("members", "acme", "--json").json()["members"]}
    is_(found, {m["id"]: len(m["devices"]) for m in members}, what)


unchanged(ada, "nobody is in who was not, nor has anybody another device")
ada.must("refresh")

# --- a server that lets all of it in

room = inside.look()
liar.take(room)
began = len(liar.items)
for what, kind, body, beside in attempts(inside):
    entry = inside.entry(room, kind, body, epoch=0 if kind == SIGN else current)
    liar.let_in(entry, body, beside)
    follow(inside, room, entry, body, kind)
for home in (ada, dora):
    looked = home.run("refresh")
    is_(looked.status, 0, f"{home.name} takes it in as what it is", *looked.why())
    unchanged(home, "and sees nobody in Bob's place")
log = ada.must("log", "acme", "--json").json()["entries"][began:began + 5]
is_([e["verdict"] for e in log], ["rejected"] * 4 + ["accepted"], "all is rejected but her own signature", str(log))
is_({e["author_name"] for e in log}, {"mallory"}, "and all bears the name of who signed it")

# An author whom no log lists is impossible: an alarm, and nothing of it is taken.
what, kind, body, beside = next(attempts(outside))
entry = outside.entry(room, ROSTER, encode([6]), epoch=current, n=1, prev=ZERO)
liar.let_in(entry, encode([6]))
for home in (ada, dora):
    alarmed = home.run("refresh")
    is_(alarmed.status, 4, f"{home.name}: a stranger's entry is an alarm", *alarmed.why())
    is_(home.messages("acme", "--offline"), ["one"], "and the room stays as it was")
done()
