#!/usr/bin/env python3
"""Who repeats the id of another's message, or puts a file by that name, keeps nobody from what came with it, and has nothing
of their own fetched or answered in its place."""

import sys

sys.path.insert(0, "tests/lib")
import tap
from hands import Hands, bundle
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
mallory = world.person("mallory", server)
mallory.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
invoice = world.dir / "invoice"
invoice.write_text("pay Bob")
bob.must("say", "acme", "the invoice", "--attach", invoice)
whole = next(m["id"] for m in mallory.must("read", "acme", "--json").json()["messages"] if m["text"] == "the invoice")
shown = whole[:8]


def get(word, name):
    r = ada.run("get", "acme", word, "-o", world.dir / name)
    return r, sorted((str(p.relative_to(world.dir / name)), p.read_text()) for p in (world.dir / name).rglob("*") if p.is_file())


tap.is_(get(shown, "first")[1], [("invoice", "pay Bob")], "what came with a message is fetched by the id that is shown")

# ---- a file by that name
false = world.dir / shown
false.mkdir()
(false / "invoice").write_text("pay Mallory")
mallory.must("put", "acme", false)
r, got = get(shown, "second")
tap.ok(r.status == 2 and not got, "where a folder goes by it, too, nothing is fetched", got, *r.why())
tap.ok(f"/{shown}" in r.err, "and how to name each is told", r.err)
tap.is_(get("/" + shown, "third")[1], [(f"{shown}/invoice", "pay Mallory")], "the folder by its place")
tap.is_(get(whole, "fourth")[1], [("invoice", "pay Bob")], "the message by its whole id")

# ---- a message by that id
hands = Hands(mallory)
room = hands.look()
entry, body = hands.sealed(room, 2, [2, bytes.fromhex(whole), "no invoice at all", None, []])
status, verdicts = hands.send(room, [bundle(entry, body)])
tap.is_((status, len([m for m in ada.messages() if m == "no invoice at all"])), (200, 1), "Mallory writes one by the same id", verdicts)
tap.is_(get(whole, "fifth")[1], [("invoice", "pay Bob")], "that keeps nobody from what came with the first")
r = ada.run("say", "acme", "thanks", "--reply", whole)
tap.is_(r.status, 0, "nor from answering it", *r.why())
r, got = get(whole[:16], "sixth")
tap.ok(r.status == 2 and not got and "read --json" in r.err, "by a begin of the id it is told that there are several", *r.why())
tap.done()
