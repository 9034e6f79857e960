#!/usr/bin/env python3
"""5 of the twelve: a stolen phone adds devices, which add devices, and a kit, before it is revoked: all go with it, in every
room, and none comes back."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
bob.must("room", "new", "hooli")
ada.must("join", bob.must("invite", "hooli").out.strip(), "--room", "hooli")
ada.must("say", "acme", "before the theft")
phone = ada.pair("phone")
tablet = phone.pair("tablet")  # Ada's own, made by the phone while it was hers

# The phone is in other hands.
first = phone.pair("first")
second = first.pair("second")
kit = world.dir / "thief.kit"
second.must("recovery", "add-kit", "--kit", kit)
third = world.home("third", server)
third.must("recover", "--name", "third", "--server", server.url, "--kit", kit)
thieves = {"phone": phone, "first": first, "second": second, "third": third}
for name, home in thieves.items():
    home.must("refresh")
    home.must("say", "acme", f"{name} was here")
is_(bob.messages()[1:], [f"{name} was here" for name in thieves], "each of them writes as Ada")

told = ada.run("device", "revoke", "phone")
is_(told.status, 2, "the laptop is told that the phone has added others", *told.why())
told = ada.run("device", "revoke", "phone", "--keep", "tablet")
ok(told.status == 2 and "first" in told.err and "tablet" not in told.err, "with the tablet kept, there is still more", *told.why())
revoked = ada.run("device", "revoke", "phone", "--keep", "tablet", "--with-added", "--json")
is_(revoked.status, 0, "it revokes the phone and what it added, but for the tablet", *revoked.why())
is_({r["name"]: r["done"] for r in revoked.json()["rooms"]}, {"acme": True, "hooli": True}, "in every room")
listed = ada.must("devices", "--json").json()["devices"]
is_(sorted(d["name"] or ("kit" if d["revoked"] is False else "thief's kit") for d in listed if d["revoked"]),
    sorted([*thieves, "thief's kit"]), "phone, three devices and a kit are gone")
is_(sorted(d["name"] or "kit" for d in listed if not d["revoked"]), ["ada", "kit", "tablet"], "Ada's own stay")

ada.must("say", "acme", "after the theft")
bob.must("say", "hooli", "after the theft")
for name, home in thieves.items():
    for room in ("acme", "hooli"):
        refused = home.run("read", room)
        is_(refused.status, 3, f"{name} is refused in {room}", *refused.why())
        ok("after the theft" not in home.run("read", room, "--offline").out, "and has nothing of what came after")
    is_(home.run("say", "acme", "me again").status, 3, f"{name} writes no more")
    is_(home.run("device", "add").status != 0, True, "and adds no device")
again = world.home("again", server).run("recover", "--name", "again", "--server", server.url, "--kit", kit)
ok(again.status != 0, "the thief's kit makes no device any more", *again.why())
for home in (ada, tablet):
    is_(home.run("say", "acme", f"from {home.name}").status, 0, f"{home.name} writes on")
is_(bob.messages()[-3:], ["after the theft", "from ada", "from tablet"], "as Bob reads")
is_([home.run("verify", room).status for home in (ada, bob, tablet) for room in ("acme", "hooli")], [0] * 6, "and all verifies")
done()
