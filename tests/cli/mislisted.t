#!/usr/bin/env python3
"""A thief writes into the list of rooms that one was left, or is elsewhere: a revocation goes there all the same."""

import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from free_port import free_port
from tap import done, is_, ok
from world import ROOT, World

TOOL = ROOT / "build/native/tests/tools/mislist"
world = World()
server = world.server()


def mislist(home, *args):
    result = subprocess.run([str(TOOL), *args], capture_output=True, text=True, env=home.env, check=False, timeout=120)
    is_(result.returncode, 0, f"the thief writes: {' '.join(args)}", result.stderr)


def states(result):
    return {room["name"]: (room["done"], room["waits_for"]) for room in result.json()["rooms"]}


def listed(home):
    return {room["name"]: room["state"] for room in home.must("rooms", "--json").json()["rooms"]}


def refused(home, *rooms):
    for room in rooms:
        result = home.run("say", room, "it is me")
        is_(result.status, 3, f"the thief is refused in {room}", *result.why())


ada, bob = world.person("Ada", server), world.person("Bob", server)
for room in ("acme", "hooli", "initech"):
    ada.must("room", "new", room)
    bob.must("join", ada.must("invite", room, "--role", "owner").out.strip(), "--room", room)
phone = ada.pair("phone")
phone.must("refresh")
phone.must("leave", "initech")
mislist(ada, "acme", "left")
mislist(ada, "hooli", "joined", "nowhere at all")
revoked = phone.run("device", "revoke", "Ada", "--json")
is_(revoked.status, 0, "the phone revokes the laptop", *revoked.why())
is_(states(revoked), {"acme": (True, None), "hooli": (True, None)}, "in the hidden rooms, and not where Ada really left")
is_(listed(phone), {"acme": "joined", "hooli": "joined", "initech": "left"}, "and the list says again what the logs say")
for room in ("acme", "hooli"):
    phone.must("say", room, "Ada again")
    is_(bob.messages(room), ["Ada again"], f"Bob reads her in {room}")
refused(ada, "acme", "hooli")

# --- an address that takes a connection, and never answers

dave = world.person("Dave", server)
for room in ("aardvark", "oscorp"):
    dave.must("room", "new", room)
tablet = dave.pair("tablet")
silent = socket.create_server(("127.0.0.1", 0))
mislist(dave, "aardvark", "joined", f"http://127.0.0.1:{silent.getsockname()[1]}")
revoking = tablet.start("device", "revoke", "Dave")
line, _ = silent.accept()
refused(dave, "oscorp")
silent.close()
line.close()
revoking.communicate(timeout=60)
is_(revoking.returncode, 5, "other rooms do not wait for it")

# --- rooms that are none: for each a device keeps a key and a database, and has place for 1024

erin = world.person("Erin", server)
erin.must("room", "new", "tessier")
watch = erin.pair("watch")
mislist(erin, "false", "20")
is_(watch.run("refresh").status, 1, "a refresh tells of rooms that the server does not know")
revoked = watch.run("device", "revoke", "Erin", "--json")
ok(states(revoked)["tessier"][0], "the watch revokes in the one that is", *revoked.why())
is_(len(list(watch.path.glob("rooms/*.db"))), 2, "and keeps that, its own, and no others")

# --- nothing is left but the kit

carol = world.person("Carol", server)
for room in ("umbrella", "tyrell", "weyland", "yutani"):
    carol.must("room", "new", room)
bob.must("join", carol.must("invite", "tyrell", "--role", "owner").out.strip(), "--room", "tyrell")
carol.must("leave", "tyrell")
mislist(carol, "umbrella", "left")
mislist(carol, "weyland", "left", f"http://127.0.0.1:{free_port()}")
mislist(carol, "yutani", "joined", world.server("another").url)
new = world.home("Carol-2", server)
kit = carol.kit.read_bytes()
recovered = new.run("recover", "--name", "new", "--server", server.url, "--revoke-others", "--json", stdin=kit)
is_(recovered.status, 0, "recovering by the kit", *recovered.why())
hidden = ("umbrella", "weyland", "yutani")
is_(states(recovered), {room: (True, None) for room in hidden}, "finds the rooms that she never left, also those at another address, and not the one that she left")
is_(listed(new), {**{room: "joined" for room in hidden}, "tyrell": "left"}, "and lists them so")
for room in hidden:
    result = new.run("say", room, "back")
    is_(result.status, 0, f"the new device writes in {room}", *result.why())
refused(carol, "umbrella")
done()
