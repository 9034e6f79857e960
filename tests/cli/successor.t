#!/usr/bin/env python3
"""A restored room of which nobody can give the tail back goes on in a successor: members follow by themselves, with
their roles, their words and the room's name; whoever has no business there is not led anywhere."""

import json
import pathlib
import shutil
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
backup, key = world.dir / "backup", world.dir / "key"


def member(name, role):
    home = world.person(name, server)
    home.must("join", ada.must("invite", "acme", "--role", role).out.strip(), "--room", "acme")
    return home


def roles(home, room="acme"):
    return {m["name"]: m["role"] for m in home.must("members", room, "--json").json()["members"]}


def restore():
    server.kill()
    shutil.rmtree(server.data)
    is_(server.admin("restore", backup, key).status, 0, "the server is restored")
    server.start()


vera, olga = member("vera", "viewer"), member("olga", "owner")
mallory = member("mallory", "editor")
ada.must("remove", "acme", "mallory")
note = world.dir / "note.txt"
note.write_text("before\n")
ada.must("put", "acme", note)
for home in (ada, bob, vera, olga):
    home.must("say", "acme", f"{home.name} was here")
phone, tablet = ada.pair("phone"), ada.pair("tablet")
for home in (ada, phone, tablet, bob, vera, olga):
    home.must("refresh")
is_(server.admin("backup", backup, key).status, 0, "a backup is taken")

# --- what only Bob will have, and he is away

lost = world.dir / "lost.txt"
lost.write_text("after\n")
bob.must("say", "acme", "only Bob has this")
bob.must("put", "acme", lost)
restore()
is_(bob.run("say", "acme", "and this waits", "--offline").status, 5, "Bob writes while he is away")
for home in (ada, phone, tablet, vera):
    state = home.run("refresh")
    ok(state.status in (0, 5), f"{home.name} is not alarmed", *state.why())

following = olga.start("read", "acme", "--follow", "--json")  # all along

# --- who may found one

refused = vera.run("repair", "acme", "--successor")
is_(refused.status, 3, "a viewer founds no successor", *refused.why())
both = ada.run("repair", "acme", "--successor", "--go-on")
is_(both.status, 2, "a room goes on here or there", *both.why())
made = ada.run("repair", "acme", "--successor", "--json")
is_(made.status, 0, "an owner does", *made.why())
ok("goes on in a successor of the same name" in made.err, "and is told", made.err)
ended = made.json()
ok(ended["successor"] and not ended["open"], "the room has ended", ended)
names = ada.must("rooms").out.split()
ok("acme" in names and "acme-ended" in names, "the name goes over", names)
states = {r["name"]: r["state"] for r in ada.must("rooms", "--json").json()["rooms"]}
is_((states["acme"], states["acme-ended"]), ("joined", "ended"), "each says what it is")
is_(ada.messages("acme-ended")[0], "ada was here", "the ended room stays readable")
is_(ada.run("get", "acme-ended", "note.txt", "-o", world.dir / "again").status, 0, "with its files")
closed = ada.run("say", "acme-ended", "too late")
ok(closed.status == 3 and "has ended" in closed.err, "and takes nothing", *closed.why())
is_(ada.run("say", "acme", "go on here").status, 0, "the successor takes what is written")

# --- others follow with any command

said = vera.run("say", "acme", "hello")
is_(said.status, 0, "Vera says something in the room that she knows", *said.why())
ok("goes on in a successor" in said.err and "ada" in said.err, "is told in a line", said.err)
is_(vera.messages(), ["go on here", "hello"], "and her words are in the successor")
ok(vera.run("put", "acme", note).status != 0, "where she is a viewer as before")
late = threading.Timer(90, following.kill)
late.start()
heard = []
while len(heard) < 40 and (line := following.stdout.readline()):
    heard.append(json.loads(line)["text"])
    if heard[-1] == "hello":
        break
is_(heard[-2:], ["go on here", "hello"], "Olga, who was reading, reads on in the successor")
late.cancel()
following.kill()
ok("goes on in a successor" in following.stderr.read().decode(), "and was told")
ended_read = olga.start("read", "acme-ended", "--follow", "--json")
_, err = ended_read.communicate(timeout=60)
ok(ended_read.returncode == 3 and "has ended" in err.decode(), "who follows the ended room is told that it has ended", err.decode())
read = olga.run("read", "acme", "--json")
is_(read.status, 0, "she reads", *read.why())
is_(roles(olga).get("olga"), "owner", "and is an owner again")
ada.must("remove", "acme", "vera")  # every open invite ends by it
again = olga.run("repair", "acme-ended", "--successor")
is_(again.status, 0, "any owner of it makes its invites anew, where they have ended", *again.why())
ok("acme-successor" not in olga.must("rooms").out, "and founds no other", olga.must("rooms").out)

# --- Bob comes late, with a longer head

came = bob.run("refresh")
is_(came.status, 0, "Bob comes with what nobody else had, and is not alarmed", *came.why())
ok("goes on in a successor" in came.err, "he is told", came.err)
ok("1 files of yours are not in the successor" in came.err, "also of his file", came.err)
want = {"go on here", "hello", "only Bob has this", "and this waits"}
is_(set(bob.messages()), want, "what only he had comes with him")
is_(len(bob.messages()), 4, "once")
ada.must("refresh")
is_(set(ada.messages()), want, "and others read it")
is_(roles(ada), {"ada": "owner", "bob": "editor", "olga": "owner"}, "everyone has the old role")
is_(bob.run("get", "acme-ended", "lost.txt", "-o", world.dir / "mine").status in (0, 1, 5), True, "his file is listed in the ended room")
ok("lost.txt" in bob.must("ls", "acme-ended", "--offline").out, "by its name")
is_(bob.run("put", "acme", lost).status, 0, "and he puts it anew, as an editor")
is_(bob.run("refresh").status, 0, "nothing follows twice")
is_(len(bob.messages()), 4, "nor is said twice")

# --- Mallory, who was removed

mallory.run("refresh")
ok("acme-ended" not in mallory.must("rooms").out, "who was removed does not follow", mallory.must("rooms").out)
is_(set(roles(ada)), {"ada", "bob", "olga"}, "and is not in it")

# --- the ended room stays ended

opened = ada.run("repair", "acme-ended", "--go-on")
ok(opened.status != 0, "nobody opens the ended room", *opened.why())
for home in (ada, bob, olga):
    is_(home.run("verify", "acme").status, 0, f"{home.name}: the successor verifies")

# --- other devices of Ada, of which one is revoked before either has followed

revoked = phone.run("device", "revoke", "tablet", "--json")
is_(revoked.status, 0, "from a phone that has not followed yet, Ada revokes another device", *revoked.why())
is_([(r["name"], r["done"]) for r in revoked.json()["rooms"]], [("acme", True)], "nothing waits for the ended room")
read = phone.run("read", "acme", "--json")
is_(read.status, 0, "the phone reads on in the successor", *read.why())
is_({r["name"]: r["state"] for r in phone.must("rooms", "--json").json()["rooms"]}["acme-ended"] in ("ended", "left"), True, "and the old room stays left")
done()
