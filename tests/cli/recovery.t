#!/usr/bin/env python3
"""Losing devices and kits with the real programs: each way of coming back that docs/RECOVERY.md tells, as it is told."""

import subprocess
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import World

world = World()


def kit_of(person):
    return (world.dir / f"{person}.kit").read_text()


def person(name, server):
    home = world.home(name, server)
    home.must("init", "--name", name.capitalize(), "--device", f"{name}'s laptop", "--server", server.url, "--kit", world.dir / f"{name}.kit")
    return home


def recovered(name, server, kit, *args):
    home = world.home(name, server)
    return home, home.run("recover", "--name", name, "--server", server.url, *args, stdin=kit.encode())


def texts(home, room):
    return [m["text"] for m in home.must("read", room, "--limit", "0", "--json").json()["messages"]]


def has(text, part, name):
    tap.ok(part in text, name, text)


def devices(home):
    return {d["id"]: d for d in home.must("devices", "--json").json()["devices"]}


server = world.server()
ada = person("ada", server)
bob = person("bob", server)
rooms = ["acme", "hooli", "initech"]
for room in rooms:
    ada.must("room", "new", room)
    ada.must("say", room, f"first in {room}")
    link = ada.must("invite", room, "--role", "editor").out.strip()
    bob.must("join", link, "--room", room)
    bob.must("say", room, f"Bob in {room}")

# the kit that is at hand
r = ada.run("recovery", "test", stdin=kit_of("ada").encode())
tap.is_(r.status, 0, "a kit that works says so")
has(r.out, "3 of 3 rooms", "and in how many rooms")
before = ada.must("log", "acme", "--json").json()
tap.is_(ada.run("recovery", "test", "--kit", world.dir / "ada.kit", "--json").json()["works"], True, "as JSON, from a file")
tap.is_(ada.must("log", "acme", "--json").json(), before, "and nothing was changed")
r = ada.run("recovery", "test", stdin=kit_of("bob").encode())
tap.is_(r.status, 3, "another person's kit is refused")
has(r.err, "another person's", "and why")
r = ada.run("recovery", "test", "--kit", world.dir)
has(r.err, f"{world.dir}: Is a directory", "what cannot be read is named, with the reason")
code = kit_of("ada").split("Code:")[1].split()
wrong = code[:]
wrong[4] = ("0" if wrong[4][0] != "0" else "1") + wrong[4][1:]
r = ada.run("recovery", "test", stdin=" ".join(wrong).encode())
tap.ok(r.status == 1 and "group 5" in r.err, "a wrong character is found, and its group named", *r.why())
r = ada.run("recovery", "test", stdin=" ".join(code[:-1]).encode())
tap.ok(r.status == 1 and "not whole" in r.err, "so is a code that is cut", *r.why())
swapped = code[:]
swapped[2], swapped[3] = swapped[3], swapped[2]
r = ada.run("recovery", "test", stdin=" ".join(swapped).encode())
tap.ok(r.status == 1 and "group 3" in r.err, "and groups in another order", *r.why())

# only the kit is left: recover, revoke, write
phone, r = recovered("phone", server, " ".join(code).lower())
tap.is_(r.status, 0, "all devices lost, a new one is made from the typed code", *r.why())
has(r.out, "1 other device", "which says that another one still acts")
for room in rooms:
    tap.is_(texts(phone, room), [f"first in {room}", f"Bob in {room}"], f"it reads all of {room}")
tap.is_(phone.run("say", "acme", "from the phone").status, 0, "and writes")
tap.is_(texts(bob, "acme")[-1], "from the phone", "which Bob reads")
names = {d["name"]: d for d in devices(phone).values() if not d["paper"]}
tap.is_(sorted(names), ["ada's laptop", "phone"], "both devices are listed by name")
tap.is_(phone.must("whoami", "--json").json()["name"], "Ada", "the person has the name from before, which is not the laptop's")
tap.ok(names["phone"]["current"] and not names["ada's laptop"]["current"], "the phone is this one")

# the stolen laptop is revoked in three rooms, one of which its thief enters meanwhile
other_server = world.server("other")
carol = person("carol", other_server)
carol.must("room", "new", "umbrella")
ada.must("join", carol.must("invite", "umbrella", "--role", "editor").out.strip(), "--room", "umbrella")
r = phone.run("device", "revoke", "phone")
tap.ok(r.status == 2 and "this device" in r.err, "a device does not revoke itself, and is told what to do", *r.why())
r = phone.run("device", "revoke", "ada's laptop", "--json")
tap.is_(r.status, 0, "the phone revokes the laptop", *r.why())
tap.is_({x["name"]: x["done"] for x in r.json()["rooms"]}, {"acme": True, "hooli": True, "initech": True, "umbrella": True},
        "and goes through four rooms, the thief's too")
for room in rooms:
    bob.must("say", room, f"after in {room}")
tap.is_(texts(phone, "hooli")[-1], "after in hooli", "Bob's words arrive")
r = ada.run("read", "hooli")
tap.is_(r.status, 3, "the thief is refused", *r.why())
r = ada.run("say", "hooli", "it is me")
tap.ok(r.status == 3 and "revoked" in r.err, "and hears why", *r.why())
tap.ok(devices(phone)[names["ada's laptop"]["id"]]["revoked"], "the list shows the laptop revoked")
tap.is_(phone.run("device", "revoke", "ada's laptop").status, 0, "revoking it again only goes through the rooms again")

# only the kit is lost: add another
r = phone.run("recovery", "add-kit", "--kit", world.dir / "ada2.kit")
tap.is_(r.status, 0, "another kit is added", *r.why())
has(phone.must("recovery", "test", "--kit", world.dir / "ada2.kit").out, "4 of 4", "and works everywhere")
tablet, r = recovered("tablet", server, kit_of("ada2"))
tap.is_(r.status, 0, "a device is made from it", *r.why())
tap.is_(texts(tablet, "acme")[-1], "after in acme", "and reads")

# a thief of the phone adds a kit and a device of his own; the first kit ends it all
phone.must("recovery", "add-kit", "--kit", world.dir / "thief.kit")
thief, r = recovered("thief", server, kit_of("thief"))
tap.is_(r.status, 0, "a thief of the phone makes a kit, and a device from that", *r.why())
r = tablet.run("device", "revoke", "phone")
tap.ok(r.status == 2 and "has added others" in r.err, "from the tablet, all that the phone added is named first", *r.why())
r = tablet.run("device", "revoke", "phone", "--keep", "phone")
tap.ok(r.status == 2 and "to be kept" in r.err, "what is revoked is not kept", *r.why())
r = tablet.run("device", "revoke", "nobody")
tap.ok(r.status == 1 and "no device nobody" in r.err, "nor is one revoked that is none", *r.why())
new, r = recovered("new", server, kit_of("ada"), "--revoke-others")
tap.is_(r.status, 0, "the first kit revokes all others", *r.why())
tap.is_([d["name"] for d in devices(new).values() if not d["revoked"] and not d["paper"]], ["new"], "only the new device is left")
tap.is_(len([d for d in devices(new).values() if d["paper"] and not d["revoked"]]), 1, "and the first kit")
for home in (phone, thief):
    tap.is_(home.run("read", "acme").status, 3, "the thief is out")
r = new.run("recovery", "test", stdin=kit_of("thief").encode())
tap.ok(r.status == 3 and "revoked" in r.err, "his kit is revoked", *r.why())
r = recovered("again", server, kit_of("thief"))[1]
tap.ok(r.status == 1 and "no person" in r.err, "and makes no device", *r.why())
tap.is_(new.run("say", "umbrella", "back").status, 0, "Ada writes")
tap.is_(texts(carol, "umbrella")[-1], "back", "and is read")

# what recovering refuses
r = bob.run("recover", "--name", "x", stdin=kit_of("ada").encode())
tap.ok(r.status == 1 and "another person" in r.err, "a home that holds someone else is left alone", *r.why())
r = thief.run("recover", "--name", "x", stdin=kit_of("ada").encode())
tap.ok(r.status == 3 and "never comes back" in r.err, "a revoked device is not made anew in its place", *r.why())
r = world.home("lost", server).run("recover", "--name", "x", "--server", other_server.url, stdin=kit_of("ada").encode())
tap.ok(r.status == 1 and "no person" in r.err, "a kit is of no use at another server", *r.why())
r = world.home("lost2", server).run("recover", "--server", server.url, stdin=kit_of("ada").encode())
tap.ok(r.status == 2 and "--name" in r.err, "the device needs a name", *r.why())
r = new.run("recover", "--name", "renamed", stdin=kit_of("ada").encode())
tap.ok(r.status == 0 and "This device, new, acts" in r.out, "recovering again only looks after the rooms, under the name that it has", *r.why())

# a passphrase is forgotten: the device counts as lost, but can still add another while it is unlocked
forgotten = {"PRIVITY_PASSPHRASE_FILE": world.dir / "forgotten"}
forgotten["PRIVITY_PASSPHRASE_FILE"].write_text("what was it again\n")
r = new.run("recover", "--name", "x", stdin=kit_of("ada").encode(), env={**forgotten, "PRIVITY_NO_KEYRING": "1"})
tap.ok(r.status == 1 and "set PRIVITY_HOME to another directory" in r.err, "who recovers over a device whose passphrase is forgotten is told where to", *r.why())
frank = person("frank", server)
frank.must("room", "new", "acme")
frank.run("say", "acme", "unsent", "--offline")
if frank.run("status", env=forgotten).status == 0:  # a keyring holds what was unlocked
    tap.is_(frank.run("refresh", env=forgotten).status, 0, "while it is unlocked, it sends what waits")
    adding = world.spawn(frank.argv("device", "add"), env={**frank.clocked(), **forgotten}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    fresh = world.home("fresh", server)
    fresh.must("device", "join", "--name", "fresh", "--server", server.url, stdin=adding.stdout.readline())
    adding.stdout.read()
    tap.is_(adding.wait(), 0, "and adds a device, without the passphrase")
    r = fresh.run("device", "revoke", "frank's laptop")
    tap.ok(r.status == 0 and texts(fresh, "acme") == ["unsent"], "which revokes it, and has all", *r.why())
r = new.run("device", "revoke", "recovery kit")
tap.ok(r.status == 3 and "make a new person" in r.err, "no device revokes the first kit, by the name that the list gives it, and what helps is told", *r.why())
new.must("recovery", "add-kit", "--kit", world.dir / "brief.kit")
r = new.run("device", "revoke", "further kit")
tap.ok(r.status == 3 and "falls with the device that added it (new)" in r.err, "nor a further one, which is told to fall with its device", *r.why())

# Bob leaves and comes back with another device
bob.must("leave", "acme")
bob2, r = recovered("bob2", server, kit_of("bob"))
tap.is_(r.status, 0, "Bob gets a second device", *r.why())
bob.must("join", new.must("invite", "acme", "--role", "editor").out.strip())
bob.must("say", "acme", "Bob is back")
bob2.must("refresh")
tap.is_(texts(bob2, "acme")[-1], "Bob is back", "he joins again, and both of his devices read")
tap.is_(bob2.run("say", "acme", "from his other device").status, 0, "and write")
tap.is_(texts(new, "acme")[-1], "from his other device", "as Ada sees")

# what a revoked device added stays where it is kept
dora = person("dora", server)
dora.must("room", "new", "acme")
dora.must("recovery", "add-kit", "--kit", world.dir / "dora2.kit")
one, r = recovered("one", server, kit_of("dora2"))
two, r = recovered("two", server, kit_of("dora2"))
dora.must("recovery", "add-kit", "--kit", world.dir / "dora3.kit")
three, r = recovered("three", server, kit_of("dora3"))
r = two.run("device", "revoke", "dora's laptop")
tap.ok(r.status == 2 and "further kit" in r.err, "who would go with the first device is told", *r.why())
r = two.run("device", "revoke", "dora's laptop", "--keep", "three")
tap.is_(r.status, 0, "with one kept, it goes", *r.why())
tap.is_(sorted(d["name"] or "kit" for d in devices(two).values() if not d["revoked"]), ["kit", "kit", "kit", "one", "three", "two"], "and all else stays")
tap.is_(one.run("say", "acme", "still here").status, 0, "and writes")

# what only led to the very device that revokes stays as well: nobody chose that, so it is told
eve = person("eve", server)
eve.must("recovery", "add-kit", "--kit", world.dir / "eve2.kit")
four, r = recovered("four", server, kit_of("eve2"))
r = four.run("device", "revoke", "eve's laptop")
tap.is_(r.status, 0, "a device that came by a further kit revokes the one that had added the kit", *r.why())
tap.ok("a further kit (" in r.err and "still acts for you" in r.err, "and is told that the kit stays", *r.why())

# the server goes while rooms are gone through: the same command goes on
dora2, r = recovered("dora3", server, kit_of("dora"))
server.stop()
r = dora2.run("device", "revoke", "one")
tap.is_(r.status, 5, "without the server, a revocation waits", *r.why())
r = dora2.run("say", "acme", "later")
tap.is_(r.status, 5, "and so does what is written", *r.why())
server.start()
r = dora2.run("device", "revoke", "one")
tap.is_(r.status, 0, "with it, the same command goes on", *r.why())
dora2.must("refresh")
tap.is_(texts(dora2, "acme"), ["still here", "later"], "and what was written is sent")
tap.is_(one.run("read", "acme").status, 3, "the revoked one is out")
dora2.must("room", "new", "den")
dora2.must("leave", "den")
four, r = recovered("dora4", server, kit_of("dora"))
for command in ("read", "ls", "members", "log", "verify", "invite"):
    r = four.run(command, "den")
    tap.ok(r.status == 3 and "den was left, or ended, before this device came" in r.err, f"{command} of a room that was left before says so", *r.why())

# several of one name: which one, as long as one of them is current; afterwards all of them are revoked already
for name in ("desk", "desk-again"):
    r = world.home(name, server).run("recover", "--name", "desk", "--server", server.url, stdin=kit_of("dora").encode())
    tap.is_(r.status, 0, f"{name} comes back as desk", *r.why())
r = dora2.run("device", "revoke", "desk")
tap.ok(r.status == 2 and "desk names several devices" in r.err, "of two current devices of one name, an id tells which", *r.why())
desks = [d["id"] for d in devices(dora2).values() if d["name"] == "desk"]
r = dora2.run("device", "revoke", *(desk[:16] for desk in desks))
tap.ok(r.status == 0 and "Revoked in your own room" in r.out, "both are revoked", *r.why())
r = dora2.run("device", "revoke", desks[0][:16])
tap.ok(r.status == 0 and "Revoked already" in r.out, "one that is revoked is said to be", *r.why())
r = dora2.run("device", "revoke", "desk")
tap.ok(r.status == 0 and "Revoked already" in r.out and "acme" in r.out, "and two of one name are, too", *r.why())
r = dora2.run("device", "revoke", "desk", "--json")
tap.ok(r.status == 0 and all(room["done"] for room in r.json()["rooms"]), "for scripts as well", *r.why())
tap.is_(dora2.run("recover", "--name", "x", "--offline", stdin=kit_of("dora").encode()).status, 1, "recovering needs the server")
tap.done()
