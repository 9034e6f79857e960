#!/usr/bin/env python3
"""Story 8: the server is restored from yesterday's backup, blobs too, while Bob is away for a week; then he comes back
with a longer signed head. Nobody is alarmed, nothing that anyone holds is lost, and everybody goes on in one room: in the
old one where Ada waited for him, in its successor where she did not."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.person("Ada", server), world.person("Bob", server)
for room in ("patient", "hasty"):
    ada.must("room", "new", room)
    bob.must("join", ada.must("invite", room).out.strip(), "--room", room)
plan = world.dir / "plan.txt"
plan.write_text("the plan\n")
for room in ("patient", "hasty"):
    ada.must("say", room, "Monday")
    ada.must("put", room, plan)
    bob.must("refresh")
backup, key = world.dir / "backup", world.dir / "key"


taken = server.admin("backup", backup, key)
is_(taken.status, 0, "Tuesday: a backup is taken", taken.err)

# --- Wednesday: both write; Bob's words are the last, and nobody else has fetched them when the disk dies

for room in ("patient", "hasty"):
    ada.must("say", room, "Wednesday, by Ada")
    bob.must("say", room, "Wednesday, by Bob")
server.kill()
shutil.rmtree(server.data)
put = server.admin("restore", backup, key)
is_(put.status, 0, "the server is put back, blobs too", put.err)
server.start()

# --- a week without Bob

world.pass_days(1)
seen = ada.run("refresh")
ok(seen.status in (0, 5), "Ada is not alarmed", *seen.why())
is_(ada.messages("patient"), ["Monday", "Wednesday, by Ada"], "she has what she had")
is_(ada.run("get", "patient", "plan.txt", "-o", world.dir / "got").status, 0, "with the file from before the backup")
waits = ada.run("say", "patient", "Thursday")
is_(waits.status, 5, "in one room she waits for Bob", *waits.why())
founded = ada.run("repair", "hasty", "--successor")
is_(founded.status, 0, "in the other she founds a successor at once", *founded.why())
is_(ada.run("say", "hasty", "Thursday").status, 0, "and goes on there")
world.pass_days(6)
ada.must("say", "hasty", "a week later")

# --- Bob is back, with a longer signed head than anybody's

kept = bob.run("say", "patient", "written in the train", "--offline")
is_(kept.status, 5, "Bob wrote on his way", *kept.why())
back = bob.run("refresh")
is_(back.status, 0, "he comes back, and is not alarmed", *back.why())
ok("goes on in a successor" in back.err, "he is told of the successor", back.err)
fetched = ada.run("refresh")
is_(fetched.status, 0, "Ada's Thursday is sent", *fetched.why())
bob.must("refresh")
want = ["Monday", "Wednesday, by Ada", "Wednesday, by Bob", "written in the train", "Thursday"]
for home in (ada, bob):
    is_(home.messages("patient"), want, f"{home.name} has all of the room that waited, once, in order")
    is_(home.messages("hasty"), ["Thursday", "a week later", "Wednesday, by Bob"], f"{home.name} has the successor with what only Bob had")
    ended = home.messages("hasty-ended")
    is_(ended[:2], ["Monday", "Wednesday, by Ada"], f"{home.name} reads the ended room")
    is_(home.run("verify", "patient").status, 0, f"{home.name}: the room that waited verifies")
    is_(home.run("verify", "hasty").status, 0, f"{home.name}: so does the successor")
    is_(home.must("status", "--json").json()["alarms"], [], f"{home.name} has no alarm")
is_(bob.run("put", "hasty", plan).status, 0, "Bob, an editor as before, puts the plan into the successor")
is_(ada.run("get", "hasty", "plan.txt", "-o", world.dir / "again").status, 0, "and Ada fetches it")
done()
