#!/usr/bin/env python3
"""Story 4: only the kit is left: recover, revoke, write."""

import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
phone = ada.pair("phone")
ada.must("say", "acme", "before the fire")
photo = world.dir / "photo"
photo.write_bytes(b"light" * 9000)
phone.must("put", "acme", photo)
found = phone.copy("found")  # somebody picks up what is left of the phone
for home in (ada, phone):
    home.must("lock")
    shutil.rmtree(home.path)

desk = world.home("desk", server)
recovered = desk.run("recover", "--name", "desk", "--server", server.url, "--kit", ada.kit)
is_(recovered.status, 0, "with the kit a new device is made", *recovered.why())
is_(desk.messages(), ["before the fire"], "which reads the history")
(world.dir / "got").mkdir()
desk.must("get", "acme", "photo", "-o", world.dir / "got")
is_((world.dir / "got/photo").read_bytes(), photo.read_bytes(), "and the files")
told = desk.run("device", "revoke", "ada")
ok(told.status == 2 and "phone (" in told.err, "it is told that the laptop had added the phone", *told.why())
revoked = desk.run("device", "revoke", "ada", "--with-added", "--json")
is_(revoked.status, 0, "it revokes both", *revoked.why())
devices = desk.devices()
is_({name: d["revoked"] for name, d in devices.items()}, {"ada": True, "phone": True, "desk": False, "kit": False},
    "only the new device and the kit are left")
is_(desk.run("say", "acme", "from the new desk").status, 0, "it writes")
is_(bob.messages(), ["before the fire", "from the new desk"], "and Bob reads it")
bob.must("say", "acme", "welcome back")
is_(desk.messages()[-1], "welcome back", "and answers")
is_(found.run("read", "acme").status, 3, "whoever found the phone is out")
ok("welcome back" not in found.run("read", "acme", "--offline").out, "and reads nothing new")
works = desk.run("recovery", "test", "--kit", ada.kit)
is_(works.status, 0, "and the kit goes on working", *works.why())
done()
