#!/usr/bin/env python3
"""A server is restored from yesterday's backup, and its people come back one by one: what anyone still holds is given
back, nothing comes twice, nobody is alarmed; where the server contradicts itself, everybody still is."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
backup, key = world.dir / "backup", world.dir / "key"


for home, text in ((ada, "one"), (bob, "two"), (ada, "three")):
    home.must("say", "acme", text)
is_(server.admin("backup", backup, key).status, 0, "a backup is taken")
rolled = ada.copy("rolled")

# --- what comes after it

ada.must("say", "acme", "four")
bob.must("say", "acme", "five")
ada.must("refresh")
ada.must("room", "new", "later")
ada.must("say", "later", "only here")
photo = world.dir / "photo"
photo.write_bytes(b"light" * 9000)
ada.must("put", "later", photo)
bob.must("say", "acme", "six")  # ada has not seen it
is_(bob.messages(), ["one", "two", "three", "four", "five", "six"], "much is said after it")

server.kill()
server.data.rename(world.dir / "burnt")
is_(server.admin("restore", backup, key).status, 0, "the server is restored")
server.start()

# --- Ada comes first, Bob is away with the longest history

first = ada.run("refresh")
ok(first.status in (0, 5), "Ada is not alarmed", *first.why())
waits = ada.run("say", "acme", "seven")
is_(waits.status, 5, "what she writes waits", *waits.why())
ok("restored from a backup" in waits.err, "and she is told why", waits.err)
status = ada.must("status", "--json").json()
is_([room["restored"] for room in status["rooms"] if room["name"] == "acme"] + [status["restored"]], [True, False], "status tells that the room is read-only, and the own one is not")
ok("read-only: its server was restored" in ada.must("status").out, "in words too")
is_(ada.messages("acme", "--offline")[:5], ["one", "two", "three", "four", "five"], "what she has, she has")
is_(ada.messages("later", "--offline"), ["only here"], "in the room that came after the backup, too")
said = ada.run("say", "later", "and more")
is_(said.status, 0, "which stands on the server again, and goes on, as all have shown how far they had come", *said.why())

# --- a home that was rolled back

back = rolled.run("refresh")
ok(back.status in (0, 5), "nor is she by a home of hers that went back itself", *back.why())

# --- Bob comes

came = bob.run("refresh")
ok(came.status in (0, 5), "Bob is not alarmed", *came.why())
is_(bob.run("say", "acme", "eight").status, 0, "with him all is there, and the room is open")
sent = ada.run("refresh")
is_(sent.status, 0, "what waited is sent", *sent.why())
is_([room["restored"] for room in ada.must("status", "--json").json()["rooms"]], [False, False], "and no room is read-only any more")
want = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
for home in (ada, bob):
    home.must("refresh")
    is_(sorted(home.messages()), sorted(want), f"{home.name} has all, once")
is_(ada.messages()[:6], want[:6], "in the old order")
back = rolled.run("say", "acme", "nine")
is_(back.status, 0, "the home that went back writes too", *back.why())
is_(sorted(bob.messages()), sorted(want + ["nine"]), "and Bob reads it")
for home in (ada, bob):
    for room in ("acme",):
        checked = home.run("verify", room)
        is_(checked.status, 0, f"{home.name}: {room} verifies", *checked.why())

# --- an owner decides: Bob stays away

second = world.dir / "second"
link = ada.must("invite", "acme").out.strip()  # while a link is open, somebody may have come by it
is_(server.admin("backup", second).status, 0, "another backup")
ada.must("say", "acme", "ten")
server.kill()
shutil.rmtree(server.data)
is_(server.admin("restore", second, key).status, 0, "is put back")
server.start()
state = ada.must("repair", "acme", "--json").json()
is_((state["open"], state["missing"]), (False, 0), "what Ada has is back, and the room waits")
refused = bob.run("repair", "acme", "--go-on")
is_(refused.status, 3, "an editor cannot say that it goes on", *refused.why())
carl = world.person("carl", server)
shut = carl.run("join", link)
ok(shut.status != 0 and "restored" in shut.err, "its link lets nobody in", *shut.why())
opened = ada.run("repair", "acme", "--go-on", "--json")
ok(opened.status == 0 and opened.json()["open"], "an owner can, as every owner was here", *opened.why())
is_(ada.run("say", "acme", "eleven").status, 0, "and the room takes what is written")
is_(sorted(bob.messages()), sorted(want + ["nine", "ten", "eleven"]), "Bob reads it")
shut = carl.run("join", link)
ok(shut.status != 0, "the link has ended", *shut.why())

# --- two owners: neither goes on without the other

ada.must("role", "acme", "bob", "owner")
fourth = world.dir / "fourth"
is_(server.admin("backup", fourth).status, 0, "another backup")
late = ada.must("invite", "acme").out.strip()
server.kill()
shutil.rmtree(server.data)
is_(server.admin("restore", fourth, key).status, 0, "is put back")
server.start()
shut = carl.run("join", late)
ok(shut.status == 1 and "does not know this link: ask for a new one" in shut.err, "a link made since is not known", *shut.why())
ada.must("refresh")
refused = ada.run("repair", "acme", "--go-on")
ok(refused.status != 0 and "owner" in refused.err, "one of two owners cannot say that it goes on before the other was here", *refused.why())
bob.must("refresh")
is_(ada.run("repair", "acme", "--go-on").status, 0, "then she can")
is_(ada.run("say", "acme", "twelve").status, 0, "and it is open")

# --- a server that goes back silently and has another history

server.kill()
shutil.rmtree(server.data)
(world.dir / "burnt").rename(server.data)
server.start()
wrong = bob.run("refresh")
is_(wrong.status, 4, "a server that goes back without saying so is an alarm as ever", *wrong.why())

# --- the same that says that it was restored, once another history was written there: it is not the beginning of Bob's

eve = world.person("eve", server)
held = bob.messages("acme", "--offline")
other = ada.copy("other")
for db in (other.path / "rooms").glob("*"):
    db.unlink()
for pin in (other.path / "pins").glob("*"):
    pin.unlink()
other.must("refresh")
said = other.run("say", "acme", "in another history")
is_(said.status, 0, "a device that knows nothing from before writes there", *said.why())
third = world.dir / "third"
is_(server.admin("backup", third).status, 0, "its operator takes a backup")
server.kill()
shutil.rmtree(server.data)
is_(server.admin("restore", third, key).status, 0, "and puts it back")
server.start()
wrong = bob.run("refresh")
is_(wrong.status, 4, "a restore that shows another history than the one held is an alarm", *wrong.why())
is_(bob.messages("acme", "--offline"), held, "and nothing of what is held goes by it")
done()
