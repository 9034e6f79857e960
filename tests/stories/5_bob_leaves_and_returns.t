#!/usr/bin/env python3
"""Story 5: Bob leaves, is invited again a month later, and joins with the same devices and a new one."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
tablet = bob.pair("tablet")
ada.must("say", "acme", "Ada in March")
tablet.must("say", "acme", "Bob in March")
left = bob.run("leave", "acme")
is_(left.status, 0, "Bob leaves", *left.why())
is_([m["name"] for m in ada.must("members", "acme", "--json").json()["members"]], ["ada"], "Ada is alone")
ada.must("say", "acme", "while Bob was away")

world.pass_days(31)
is_(tablet.run("read", "acme").status in (0, 3), True, "his tablet knows, or is told")
ok("while Bob was away" not in tablet.run("read", "acme").out, "and reads nothing of what came after")
phone = bob.pair("phone")  # he has bought one since
ok("Ada in March" not in phone.run("read", "acme").out, "a new device of his does not see the room")

joined = bob.run("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
is_(joined.status, 0, "a month later he is invited again and joins", *joined.why())
bob.must("say", "acme", "Bob is back")
history = ["Ada in March", "Bob in March", "while Bob was away", "Bob is back"]
for home in (bob, tablet, phone):
    home.run("refresh")
    is_(home.messages(), history, f"{home.name} reads all, with what was said meanwhile")
for home in (tablet, phone):
    said = home.run("say", "acme", f"from his {home.name}")
    is_(said.status, 0, f"{home.name} writes", *said.why())
    history.append(f"from his {home.name}")
is_(ada.messages(), history, "and Ada reads it")
is_(sorted(m["name"] for m in ada.must("members", "acme", "--json").json()["members"]), ["ada", "bob"], "he is a member once")
ok(all(home.run("verify", "acme").status == 0 for home in (ada, bob, tablet, phone)), "and the room verifies for all")
done()
