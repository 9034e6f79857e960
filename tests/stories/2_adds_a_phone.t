#!/usr/bin/env python3
"""Story 2: Ada adds a phone; it reads every room's history, and writes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server, elsewhere = world.server(), world.server("elsewhere")
ada, bob, carol = world.person("Ada", server), world.person("Bob", server), world.person("Carol", elsewhere)

# Rooms of three sorts: Ada's own, one in which she is a viewer, and one on another server.
ada.must("room", "new", "acme")
bob.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
bob.must("room", "new", "hooli")
bob.must("say", "hooli", "before Ada came")
ada.must("join", bob.must("invite", "hooli", "--role", "viewer").out.strip(), "--room", "hooli")
carol.must("room", "new", "umbrella")
ada.must("join", carol.must("invite", "umbrella").out.strip(), "--room", "umbrella")
plan = world.dir / "plan.txt"
plan.write_text("the plan\n")
for room, other in (("acme", bob), ("hooli", bob), ("umbrella", carol)):
    ada.must("say", room, f"Ada in {room}")
    other.must("put", room, plan)
    other.must("say", room, f"{other.name} in {room}")
# A removal makes new keys: the history lies in several epochs.
eve = world.person("Eve", server)
eve.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
ada.must("remove", "acme", "Eve")
ada.must("say", "acme", "under new keys")
ada.must("refresh")

phone = ada.pair("phone")
is_(phone.must("whoami", "--json").json()["id"], ada.must("whoami", "--json").json()["id"], "the phone acts for Ada")
is_([r["name"] for r in phone.must("rooms", "--json").json()["rooms"]], ["acme", "hooli", "umbrella"], "it knows every room")
for room in ("acme", "hooli", "umbrella"):
    is_(phone.messages(room), ada.messages(room), f"it reads all of {room}")
    ok(len(ada.messages(room)) >= 2, "which is something")
    got = world.dir / f"got-{room}"
    got.mkdir()
    phone.must("get", room, "plan.txt", "-o", got)
    is_((got / "plan.txt").read_text(), "the plan\n", "and its files")
for room, other in (("acme", bob), ("hooli", bob), ("umbrella", carol)):
    said = phone.run("say", room, f"from the phone in {room}")
    is_(said.status, 0, f"it writes in {room}", *said.why())
    is_(other.messages(room)[-1], f"from the phone in {room}", f"as {other.name} reads")
    is_(ada.messages(room)[-1], f"from the phone in {room}", "and the laptop")
    is_(phone.run("verify", room).status, 0, "and it verifies")
devices = ada.devices()
ok("phone" in devices and not devices["phone"]["revoked"] and devices["phone"]["added_by"] == devices["Ada"]["id"],
   "the list says which device added it", devices)
done()
