#!/usr/bin/env python3
"""A room's row in the server's store is struck: whoever has nothing of the room yet is told what may be behind that."""

import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada = world.person("Ada", server)
ada.must("room", "new", "acme")
room = ada.must("rooms", "--json").json()["rooms"][0]["id"]
phone = ada.pair("phone")
is_(server.stop(), 0, "the server stops")
db = sqlite3.connect(server.data / "meta.db")
struck = bytes.fromhex(room)[:-1] + bytes([bytes.fromhex(room)[-1] ^ 1])
is_(db.execute("UPDATE rooms SET id = ? WHERE id = ?", (struck, bytes.fromhex(room))).rowcount, 1, "one bit of its room's name flips")
db.commit()
db.close()
server.start()
for place in ("rooms", "pins"):
    for file in (phone.path / place).glob(room[:16] + "*"):
        file.unlink()
for name, home in (("who has nothing of it yet", phone), ("who has it", ada)):
    for command in (("read", "acme"), ("refresh",)):
        result = home.run(*command)
        is_(result.status, 1, f"{name} cannot {command[0]}", *result.why())
        ok("no such room" in result.err and "store is damaged" in result.err, "and is told what may be behind it", *result.why())
done()
