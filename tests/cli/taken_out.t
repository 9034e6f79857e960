#!/usr/bin/env python3
"""A thief takes the person's other device out of one room, in which he stays: who revokes him hears of it, and the kit
puts him out."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import ROOT, World

TOOL = ROOT / "build/native/tests/tools/takeout"
world = World()
server = world.server()
ada, bob = world.person("Ada", server), world.person("Bob", server)
for room in ("acme", "hooli"):
    ada.must("room", "new", room)
    bob.must("join", ada.must("invite", room, "--role", "owner").out.strip(), "--room", room)
phone = ada.pair("phone")
phone.must("refresh")
ada.must("refresh")
taken = subprocess.run([str(TOOL), "acme", "phone"], capture_output=True, text=True, env=ada.env, check=False, timeout=120)
is_(taken.returncode, 0, "the thief takes the phone out of acme", taken.stderr)

revoked = phone.run("device", "revoke", "Ada", "--json")
rooms = {room["name"]: room for room in revoked.json()["rooms"]}
ok(revoked.status == 5 and rooms["hooli"]["done"] and not rooms["acme"]["done"], "the phone revokes him in hooli, and says that acme waits", *revoked.why())
ok("only this device" in rooms["acme"]["waits_for"] and rooms["acme"]["waits_for"].endswith("lets the room go"),
   "what may be behind it, and what to do", rooms["acme"]["waits_for"])
bob.must("say", "acme", "before the kit came")
ok("before the kit came" in ada.must("read", "acme").out, "for he reads on there")

new = world.home("Ada-2", server)
recovered = new.run("recover", "--name", "new", "--server", server.url, "--json", stdin=ada.kit.read_bytes())
rooms = {room["name"]: room for room in recovered.json()["rooms"]}
ok("could not be added" in rooms["acme"]["waits_for"] and rooms["hooli"]["done"], "the kit comes by, if not for the phone, which is barred", *recovered.why())
bob.must("say", "acme", "after it")
is_(ada.run("read", "acme").status, 3, "the thief is out")
is_(new.messages("acme")[-1], "after it", "and the new device reads on")

# --- who was really removed lets the room go, and it waits no more

carol, dave = world.person("Carol", server), world.person("Dave", server)
carol.must("room", "new", "umbrella")
dave.must("join", carol.must("invite", "umbrella").out.strip(), "--room", "umbrella")
tablet = dave.pair("tablet")
tablet.must("refresh")
carol.must("remove", "umbrella", "Dave")
is_(tablet.run("device", "revoke", "Dave").status, 5, "the room that Dave was removed from is told, too")
tablet.must("leave", "umbrella")
again = tablet.run("device", "revoke", "Dave")
is_((again.status, "umbrella" in again.out), (0, False), "until he lets it go", *again.why())
done()
