#!/usr/bin/env python3
"""Story 3: the laptop is stolen; from the phone Ada revokes it in three rooms, one of which the thief joined; Bob writes
meanwhile, and nothing of his is lost."""

import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import World

world = World()
server = world.server()
ada, bob, carol = (world.person(name, server) for name in ("Ada", "Bob", "Carol"))
for room in ("acme", "hooli"):
    ada.must("room", "new", room)
    bob.must("join", ada.must("invite", room).out.strip(), "--room", room)
    ada.must("say", room, "before the theft")
phone = ada.pair("phone")

# The laptop is in other hands now.
thief = ada
carol.must("room", "new", "umbrella")
for_ada = carol.must("invite", "umbrella", "--uses", "3").out.strip()
thief.must("join", for_ada, "--room", "umbrella")
thief.must("say", "umbrella", "I am Ada, believe me")
copied = thief.must("invite", "acme", "--uses", "5").out.strip()

# Bob writes in both rooms the whole time.
over, said, odd = threading.Event(), {"acme": [], "hooli": []}, []


def bob_writes(room):
    while not over.is_set():
        text = f"Bob {len(said[room])} in {room}"
        result = bob.run("say", room, text)
        said[room].append(text)
        if result.status not in (0, 5):
            odd.append(result.why())


writers = [threading.Thread(target=bob_writes, args=(room,)) for room in said]
for writer in writers:
    writer.start()
revoked = phone.run("device", "revoke", "Ada", "--json")
for room in said:
    enough = len(said[room]) + 2
    while len(said[room]) < enough and not odd:
        over.wait(0.05)
over.set()
for writer in writers:
    writer.join()

is_(revoked.status, 0, "the phone revokes the laptop", *revoked.why())
is_({r["name"]: r["done"] for r in revoked.json()["rooms"]}, {"acme": True, "hooli": True, "umbrella": True},
    "in three rooms, the thief's too")
is_(odd, [], "whatever Bob wrote meanwhile was sent or kept")
bob.must("refresh")
note(*(f"Bob wrote {len(texts)} times in {room}" for room, texts in said.items()))
for room, texts in said.items():
    for home in (bob, phone):
        is_([t for t in home.messages(room) if t.startswith("Bob ")], texts, f"{home.name}: all of it is in {room}, once, in order")
    is_(phone.run("say", room, "Ada again").status, 0, "and Ada writes there")
    is_(bob.messages(room)[-1], "Ada again", "as Bob reads")
is_(phone.run("say", "umbrella", "that was not me").status, 0, "in the thief's room too")
is_(carol.messages("umbrella"), ["I am Ada, believe me", "that was not me"], "as Carol reads")

for writer, room in ((bob, "acme"), (bob, "hooli"), (carol, "umbrella")):
    writer.must("say", room, "after the theft")
    is_(phone.messages(room)[-1], "after the theft", f"{writer.name} writes on in {room}")
    refused = thief.run("read", room)
    is_(refused.status, 3, f"the thief is refused in {room}", *refused.why())
    had = thief.messages(room, "--offline")
    ok(had and "after the theft" not in had, "and has nothing of what came after", str(had))
refused = thief.run("say", "acme", "it is me")
is_(refused.status, 3, "nor does the thief write", *refused.why())
for link in (copied, for_ada):
    eve = world.home(f"Eve-{link is copied}", server)
    shut = eve.run("join", link, "--as", "Eve", "--kit", eve.kit)
    ok(shut.status != 0, "a link that the thief may have copied is shut", *shut.why())
done()
