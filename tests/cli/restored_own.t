#!/usr/bin/env python3
"""A server is restored from a backup when devices of its people are gone: their own rooms, with devices and rooms in them,
wait, and go on at their word; by the recovery kit where that is all they have."""

import pathlib
import shutil
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World


def restored_world(room="acme"):
    """Two owners of one room, one of them with a phone; then a backup, a word, and the backup is put back."""
    world = World()
    server = world.server()
    ada, bob = world.room_of_two(server, role="owner", room=room)
    phone = ada.pair("phone")
    backup, key = world.dir / "backup", world.dir / "key"

    ada.must("say", room, "before")
    bob.must("refresh")
    is_(server.admin("backup", backup, key).status, 0, "a backup is taken")
    bob.must("say", room, "after")
    server.kill()
    server.data.rename(world.dir / "burnt")
    is_(server.admin("restore", backup, key).status, 0, "and put back")
    server.start()
    return world, server, ada, bob, phone


def besides(server):
    """Where what lies beside entries stands in the store."""
    server.stop()
    with sqlite3.connect(server.data / "meta.db") as db:
        places = db.execute("SELECT place FROM besides").fetchall()
    server.start()
    return places


def lose_besides(server, kept):
    """What came to stand there since."""
    server.stop()
    with sqlite3.connect(server.data / "meta.db") as db:
        db.executemany("DELETE FROM besides WHERE place = ?", set(db.execute("SELECT place FROM besides").fetchall()) - set(kept))
    server.start()


def destroy(*homes):
    for home in homes:
        shutil.rmtree(home.path)


# --- the phone is lost

world, server, ada, bob, phone = restored_world()
destroy(phone)
r = ada.run("device", "revoke", "phone")
is_(r.status, 5, "while the server waits for the phone, it cannot be revoked", *r.why())
ok("your own room" in r.err and "privity repair" in r.err, "and Ada is told where to look", r.err)
r = ada.run("repair")
ok(r.status == 0 and "waits for your other devices" in r.out, "there she reads what it waits for", *r.why())
state = ada.must("repair", "--json").json()
ok(state["open"] is False and state["missing"] == 0 and state["lost"] == [], "scripts too", state)
is_(ada.run("repair", "--successor").status, 2, "an own room has no successor")
is_(ada.run("repair", "--kit", ada.kit).status, 2, "nor a kit that speaks for it here")
r = ada.run("repair", "--go-on")
ok(r.status == 0 and "is open" in r.out, "it goes on at her word", *r.why())
r = ada.run("device", "revoke", "phone")
ok(r.status == 5 and "waits: its server was restored" in r.out, "the phone is revoked there, and the room that waits is named", *r.why())
bob.must("refresh")
r = ada.run("repair", "acme", "--go-on")
ok(r.status == 0 and "acme is open" in r.out, "once Bob was here, that room goes on", *r.why())
r = ada.run("device", "revoke", "phone")
ok(r.status == 0 and "done" in r.out, "and revoking ends well", *r.why())
ada.must("say", "acme", "together")
is_(bob.messages(), ["before", "after", "together"], "nothing is lost")

# --- a room whose name is longer than what is said of it

long = "ж" * 120
world, server, ada, bob, phone = restored_world(long)
destroy(phone)
ada.must("repair", "--go-on")
r = ada.run("device", "revoke", "phone", "--json")
is_(r.status, 5, "a room with a long name is told to scripts as well", *r.why())
room = next((room for room in r.json()["rooms"] if room["name"] == long), None) if r.out else None
ok(room and not room["done"] and "see privity repair ж" in room["waits_for"], "and what it waits for, cut between characters", *r.why())

# --- nothing is left of both owners but their kits

world, server, ada, bob, phone = restored_world()
destroy(ada, bob, phone)
kits = {person: person.kit.read_bytes() for person in (ada, bob)}
laptop = world.home("laptop", server)


def recover(home, person, *args):
    return home.run("recover", "--name", "new", "--server", server.url, "--revoke-others", *args, stdin=kits[person])


r = recover(laptop, ada)
is_(r.status, 1, "the kit finds its person, and that the own room waits", *r.why())
ok("restored from a backup" in r.err and "--go-on" in r.err, "and what to do", r.err)
ok(not (laptop.path / "keystore").exists(), "nothing was made yet")
r = recover(laptop, ada, "--go-on")
ok(r.status == 5 and "waits: its server was restored" in r.out and "see privity repair acme" in r.out, "at her word it goes on, and the other room is named", *r.why())
r = laptop.run("status")
both = "not on this device yet: run privity refresh; where that brings nothing, see privity repair acme"
ok("acme                  " + both in r.out, "a room that was never looked for is not called locked, since no passphrase opens it; status names both steps", *r.why())
r = laptop.run("say", "acme", "too early")
ok(r.status == 1 and "run privity refresh; where that brings nothing, see privity repair acme" in r.err, "so does who would write there", *r.why())
waits = "it waits since its server was restored from a backup; see privity repair acme"
r = laptop.run("refresh")
ok(r.status == 0 and "acme: not on this device yet: " + waits in r.err, "refresh tells why it brings nothing", *r.why())
r = laptop.run("status")
ok("acme                  not on this device yet: " + waits in r.out and "privity refresh" not in r.out, "from then on status tells it, too", *r.why())
is_([room["restored"] for room in laptop.must("status", "--json").json()["rooms"]], [True], "to scripts as well")
for command in (("say", "acme", "early"), ("say", "acme", "early", "--offline"), ("say", "acme", "--attach", __file__), ("put", "acme", __file__), ("invite", "acme"), ("leave", "acme")):
    r = laptop.run(*command)
    ok(r.status == 1 and r.err.count(waits) == 1 and "privity refresh" not in r.err, f"{' '.join(map(str, command[:2]))} there says so", *r.why())
is_(laptop.must("status", "--json").json()["rooms"][0]["unsent"], 0, "and nothing was kept there")
r = laptop.run("repair", "acme")
ok(r.status == 0 and "this device is not in it yet" in r.out and "--kit FILE" in r.out, "which says what to do there", *r.why())
room = laptop.must("rooms", "--json").json()["rooms"][0]
is_((room["name"], room["locked"]), ("acme", False), "it is not called locked in the list")
r = laptop.run("repair", "acme", "--go-on", "--kit", bob.kit)
ok(r.status == 1 and "another person's" in r.err, "Bob's kit does not speak for Ada", *r.why())
r = laptop.run("repair", "acme", "--go-on", "--kit", "-", stdin=kits[ada])
ok(r.status != 0 and "owner" in r.err, "her kit alone does not speak for Bob, who is an owner too", *r.why())
desk = world.home("desk", server)
r = recover(desk, bob, "--go-on")
is_(r.status, 5, "Bob comes back by his kit", *r.why())
r = desk.run("repair", "acme", "--go-on", "--kit", bob.kit)
ok(r.status == 0 and "acme is open" in r.out, "and now that both have said so, the room goes on", *r.why())
r = recover(laptop, ada)
ok(r.status == 0 and "done" in r.out, "the kit brings Ada's new device in", *r.why())
laptop.must("say", "acme", "here again")
is_(desk.messages(), ["before", "here again"], "they read what the backup had, and each other")
for home in (laptop, desk):
    is_(home.run("verify", "acme").status, 0, "and all of it verifies")
# --- a server that lost what lay beside the newest entries, and nothing is left but the kit

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
phone = ada.pair("phone")
ada.must("say", "acme", "before")
bob.must("refresh")
kept = besides(server)
r = ada.run("device", "revoke", "phone")
is_(r.status, 0, "a device is revoked, and new keys made", *r.why())
bob.must("refresh")
r = ada.run("recovery", "test", "--kit", ada.kit)
is_(r.status, 0, "which the kit opens", *r.why())
lose_besides(server, kept)
r = ada.run("recovery", "test", "--kit", ada.kit)
ok(r.status == 1 and "privity refresh" in r.err and "privity recover" in r.err, "when the server has lost them, it does not, and what to do is said", *r.why())
kit = ada.kit.read_bytes()
destroy(ada, phone)
laptop = world.home("laptop", server)
r = laptop.run("recover", "--name", "new", "--server", server.url, "--revoke-others", stdin=kit)
is_(r.status, 0, "the kit makes new ones", *r.why())
bob.must("say", "acme", "after")
laptop.must("say", "acme", "together")
is_(laptop.messages(), ["before", "after", "together"], "and nothing is lost of what another has")
is_(bob.messages(), ["before", "after", "together"], "nor of what comes")

# --- the same, and devices are left that have what the kit lacks

world = World()
server = world.server()
ada = world.person("ada", server)
phone, tablet = ada.pair("phone"), ada.pair("tablet")
kept = besides(server)
ada.must("device", "revoke", "tablet")
ada.must("room", "new", "acme")
ada.must("say", "acme", "here")
lose_besides(server, kept)
laptop = world.home("laptop", server)
r = laptop.run("recover", "--name", "new", "--server", server.url, stdin=ada.kit.read_bytes())
is_(r.status, 0, "the kit brings a device in where another has the newest keys", *r.why())
for home in (ada, phone, laptop) * 3:
    home.must("refresh")
names = [room["name"] for room in laptop.must("rooms", "--json").json()["rooms"]]
is_(names, ["acme"], "from which the new one has what the kit lacked")
is_(laptop.messages(), ["here"], "and the room opens there")
is_(phone.messages(), ["here"], "as on one that had the newest of neither")
size = len(ada.must("log", "acme", "--json").json()["entries"])
for home in (phone, laptop, ada) * 2:
    home.must("refresh")
is_(len(ada.must("log", "acme", "--json").json()["entries"]), size, "nobody makes keys again and again")

done()
