#!/usr/bin/env python3
"""Whose devices changed is told once, whatever is asked of the safety number before the next message: the number alone and
the code show no change, and what is noted as verified looks new nowhere any more, in no room."""

import sys

sys.path.insert(0, "tests/lib")
import tap
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
ada.must("room", "new", "side")
bob.must("join", ada.must("invite", "side").out.strip(), "--room", "side")
number = bob.must("safety", "acme", "ada").out.strip()


def changed(name, rooms):
    """Ada has another device, of which Bob heard in these rooms and was told in none."""
    for room in ("acme", "side"):
        bob.must("say", room, "before")
    ada.pair(name)
    for room in rooms:
        bob.fetched("read", room)


def told(result):
    return [line.split(": ")[1] for line in result.err.splitlines() if "ada added a device" in line or "ada, whom you verified" in line]


for i, asked in enumerate((["--qr"], [], ["--verify", number], ["--compared"], ["--withdraw"])):
    changed(f"device{i}", ["acme"])
    r = bob.run("safety", "acme", "ada", *asked)
    tap.is_((r.status, told(r)), (0, ["CAREFUL" if asked in (["--compared"], ["--withdraw"]) else "acme"]), f"it is told with {asked or 'the number'}", *r.why())
    tap.is_(told(bob.must("say", "acme", "after")), [], "and not again with the next message")
changed("elsewhere", ["side"])
r = bob.run("safety", "acme", "ada", "--compared", "--offline")
tap.ok("side" in told(r), "what is noted as verified by another room's word is told, too", *r.why())
tap.done()
