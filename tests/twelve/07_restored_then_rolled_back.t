#!/usr/bin/env python3
"""7 of the twelve: the server is restored from last week's backup; then clients come back one by one, one of them with a
home directory that was rolled back, too. What anyone still holds comes back, once and in order; the rolled-back device
takes up its own words from the log, writes no number twice, and nobody is alarmed."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada = world.person("Ada", server)
bob, carol = world.person("Bob", server), world.person("Carol", server)
ada.must("room", "new", "acme")
for home in (bob, carol):
    home.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
for home in (ada, bob, carol):
    home.must("say", "acme", f"{home.name}, last week")
backup, key = world.dir / "backup", world.dir / "key"


taken = server.admin("backup", backup, key)
is_(taken.status, 0, "a backup is taken", taken.err)
old = bob.copy("Bob, rolled back")  # his home as of then
said = ["Ada, last week", "Bob, last week", "Carol, last week"]

# --- a week of words

for day in range(3):
    for home in (ada, bob, carol):
        home.must("say", "acme", f"{home.name}, day {day}")
        said.append(f"{home.name}, day {day}")
for home in (ada, bob):
    home.must("refresh")
carol.must("say", "acme", "Carol, at the end")  # whom nobody fetched from since
said.append("Carol, at the end")

server.kill()
shutil.rmtree(server.data)
put = server.admin("restore", backup, key)
is_(put.status, 0, "the server is restored from last week's backup", put.err)
server.start()

# --- one by one; first the home that was rolled back, which knows no more than the server

shutil.rmtree(bob.path)
first = old.run("refresh")
ok(first.status in (0, 5), "Bob comes with a home that was rolled back: no alarm", *first.why())
is_(old.messages("acme"), said[:3], "he has what was then")
waits = old.run("say", "acme", "Bob, after the restore")
is_(waits.status, 5, "what he writes waits", *waits.why())

second = ada.run("refresh")
ok(second.status in (0, 5), "Ada comes: no alarm", *second.why())
third = carol.run("refresh")
ok(third.status in (0, 5), "Carol comes: no alarm", *third.why())
is_(ada.run("refresh").status, 0, "with her all is back, and the room is open")

sent = old.run("refresh")
is_(sent.status, 0, "what Bob wrote is sent, under a number that no entry of his has", *sent.why())
want = said + ["Bob, after the restore"]
for home in (ada, old, carol):
    home.must("refresh")
    is_(home.messages("acme"), want, f"{home.name} reads all, once, in the old order")
    verified = home.run("verify", "acme")
    is_(verified.status, 0, f"{home.name}: the whole log verifies", *verified.why())
again = old.run("say", "acme", "Bob goes on")
is_(again.status, 0, "Bob goes on", *again.why())
is_(ada.messages("acme"), want + ["Bob goes on"], "and is read")
entries = ada.must("log", "acme", "--json").json()["entries"]
rejected = [e for e in entries if e["verdict"] != "accepted"]
is_(rejected, [], "no entry lost a race on the way")
done()
