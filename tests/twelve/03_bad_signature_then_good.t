#!/usr/bin/env python3
"""3 of the twelve: an entry with a bad signature, followed by a good one of the same author that links to it. Whoever read
the first alone was alarmed and stopped before it; with the second, that reader and one who reads all at once agree."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import Hands, decode, encode, follow
from liar import Liar
from tap import done, is_, ok
from world import World

world = World()
liar = Liar(world)
ada, bob = world.room_of_two(liar.server)
ada.must("say", "acme", "one")
cold = ada.pair("cold")  # it will not look before all is there
cold.must("refresh")
hands = Hands(bob)
room = hands.look()
liar.take(room)

entry, body = hands.words(room, "two, under a spoiled signature")
header, signature = decode(entry)
spoiled = encode([header, bytes([signature[0] ^ 1]) + signature[1:]])
liar.let_in(spoiled, body)
alarmed = ada.run("read", "acme")
is_(alarmed.status, 4, "whoever reads the first alone is alarmed", *alarmed.why())
ok("signature" in alarmed.err, "and told what does not hold", alarmed.err)
is_(ada.messages("acme", "--offline"), ["one"], "and takes in nothing of it")

follow(hands, room, spoiled, body)
entry, body = hands.words(room, "three, which vouches for it")
liar.let_in(entry, body)
want = ["one", "two, under a spoiled signature", "three, which vouches for it"]
for home, how in ((ada, "incrementally"), (cold, "at once")):
    home.run("refresh")
    is_(home.messages(), want, f"who reads {how} has all three")
logs = [home.must("log", "acme", "--json").json()["entries"] for home in (ada, cold)]
is_([(e["id"], e["verdict"], e["reason"]) for e in logs[0]], [(e["id"], e["verdict"], e["reason"]) for e in logs[1]],
    "both have the same log, with the same verdicts")
is_(ada.run("verify", "acme").status, cold.run("verify", "acme").status, "verify says the same to both")

# A bad one that nothing vouches for: neither reader passes it, whatever others write behind it.
follow(hands, room, entry, body)
entry, body = hands.words(room, "four, spoiled for good")
header, signature = decode(entry)
liar.let_in(encode([header, bytes([signature[0] ^ 1]) + signature[1:]]), body)
for home in (ada, cold):
    is_(home.run("read", "acme").status, 4, "one that nothing vouches for stops both")
    is_(home.messages("acme", "--offline"), want, "at the same place")
done()
