#!/usr/bin/env python3
"""Story 6: an owner comes back from two months away with ten unsent messages and an attachment, sealed in an epoch long
past. All of it arrives, once, in order, under keys that those who went meanwhile do not have."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import World

world = World()
server = world.server()
ada = world.person("Ada", server)
ada.must("room", "new", "acme")
bob, carol = world.person("Bob", server), world.person("Carol", server)
bob.must("join", ada.must("invite", "acme", "--role", "owner").out.strip(), "--room", "acme")
carol.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
bob.must("say", "acme", "see you soon")
ada.must("say", "acme", "see you")

# At sea: no server, but the device's view is fresh, so that all is sealed at once, under that day's keys.
texts = [f"from the ship, {i}" for i in range(10)]
photo = world.dir / "whale.jpg"
photo.write_bytes(bytes(range(256)) * 3000)
for text in texts:
    kept = ada.run("say", "acme", text, "--offline")
    if kept.status != 5:
        ok(False, "a message is kept", *kept.why())
kept = ada.run("say", "acme", "and a whale", "--attach", photo, "--offline")
is_(kept.status, 5, "ten messages and one with an attachment are kept", *kept.why())
is_([r["unsent"] for r in ada.must("status", "--json", "--offline").json()["rooms"]], [12],
    "they wait, with the secret by which the room's files are cut")


def epochs():
    return sum(e["type"] == "rekey" and e["verdict"] == "accepted" for e in bob.must("log", "acme", "--json").json()["entries"])


# Two months: others write on, under new keys each month; one of them is removed, who knew the old ones.
before = epochs()
world.pass_days(31)
bob.must("say", "acme", "a month later")
bob.must("remove", "acme", "Carol")
world.pass_days(31)
bob.must("say", "acme", "two months later")
ok(epochs() >= before + 3, "the room's keys changed three times since", f"{before} {epochs()}")

back = ada.run("refresh")
is_(back.status, 0, "Ada is back", *back.why())
is_([r["unsent"] for r in ada.must("status", "--json").json()["rooms"]], [0], "nothing waits")
want = ["see you soon", "see you", "a month later", "two months later", *texts, "and a whale"]
for home in (ada, bob):
    is_(home.messages(), want, f"{home.name} reads all of it, once, in order")
message = bob.must("read", "acme", "--limit", "1", "--json").json()["messages"][0]
is_([a["name"] for a in message["attachments"]], ["whale.jpg"], "the attachment is with it")
(world.dir / "got").mkdir()
got = bob.run("get", "acme", message["id"], "-o", world.dir / "got")
is_(got.status, 0, "and can be fetched", *got.why())
is_([p.read_bytes() == photo.read_bytes() for p in (world.dir / "got").iterdir()], [True], "whole")
ok(not any(text in carol.run("read", "acme", "--limit", "0", *more).out for text in texts for more in ((), ("--offline",))),
   "Carol, who had the keys under which it was sealed first, reads none of it")
is_(ada.run("say", "acme", "home again").status, 0, "Ada writes on")
made = ada.run("invite", "acme")
is_(made.status, 0, "and is the owner that she was", *made.why())
ok(all(home.run("verify", "acme").status == 0 for home in (ada, bob)), "the room verifies for both")
note(f"{epochs() - before} new keys in two months")
done()
