#!/usr/bin/env python3
"""A thief uses up what the server takes of the person in a day: that keeps nobody from taking the thief out."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server("server", "--quota", "150000")


def use_up(home, text):
    """Until this does not go any more, and waits."""
    for _ in range(200):
        said = home.run("say", "acme", text)
        if said.status:
            break
    return said


def two_devices(name):
    """Someone with a phone, and a laptop that a thief has; a client is in two rooms with both."""
    laptop, client = world.person(name, server), world.person(f"{name}s-client", server)
    for room in ("acme", "hooli"):
        laptop.must("room", "new", room)
        client.must("join", laptop.must("invite", room).out.strip(), "--room", room)
        laptop.must("say", room, "hello")
    phone = laptop.pair(f"{name}s-phone")
    phone.must("refresh")
    laptop.must("refresh")
    return laptop, phone, client


def is_out(laptop, client, what):
    for room in ("acme", "hooli"):
        client.must("say", room, "after it")
    is_([laptop.run("read", room).status for room in ("acme", "hooli")], [3, 3], what)


laptop, phone, client = two_devices("Ada")
use_up(laptop, "x" * 4000)
full = use_up(phone, "of the phone")
ok(full.status == 5 and "quota" in full.err, "the day's quota is used up, for the other device, too", *full.why())
paper = world.dir / "further-kit"
further = phone.run("recovery", "add-kit", "--kit", paper)
ok(further.status != 0 and "quota" in further.err and paper.stat().st_size, "a further kit waits, and is there", *further.why())
revoked = phone.run("device", "revoke", "Ada", "--json")
is_((revoked.status, [room["done"] for room in revoked.json()["rooms"]]), (0, [True, True]), "which takes the thief out of all rooms", *revoked.why())
is_out(laptop, client, "so that nothing more is read there")
is_(phone.messages("acme")[-1], "after it", "but by the phone")
ok(phone.run("say", "acme", "more").status == 5, "which writes again when the server's next day comes")

laptop, phone, client = two_devices("Bea")
use_up(laptop, "x" * 4000)
use_up(phone, "of the phone")
new = world.home("Bea-2", server)
recovered = new.run("recover", "--name", "new", "--server", server.url, "--revoke-others", "--json", stdin=laptop.kit.read_bytes())
is_(recovered.status, 0, "so does the kit, for who has nothing else", *recovered.why())
is_out(laptop, client, "and the thief is out")
is_(new.messages("acme")[-1], "after it", "the new device reads on")
done()
