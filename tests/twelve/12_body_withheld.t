#!/usr/bin/env python3
"""12 of the twelve, a body withheld: a server that keeps back the body of one message: the room goes on without it, and verify names the entry, exit 4.
Each sync asks for it again, and when it comes, it is in its place."""

import pathlib
import re
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
for text in ("one", "kept back", "three"):
    ada.must("say", "acme", text)
is_(server.stop(), 0, "the server stops")
store = sqlite3.connect(server.data / "meta.db")
sealed = [place for place, body in store.execute("SELECT place, body FROM entries ORDER BY place")]
# The last three entries are the messages.
body = store.execute("SELECT body FROM entries WHERE place = ?", (sealed[-2],)).fetchone()[0]
store.execute("UPDATE entries SET body = NULL WHERE place = ?", (sealed[-2],))
store.commit()
store.close()
server.start()

is_(bob.messages(), ["one", "three"], "another reads the rest")
result = bob.run("verify", "acme")
is_(result.status, 4, "verify says that something is missing", *result.why())
ok(re.search(r"acme: entry \d+ cannot be read: not found", result.err), "and which entry", result.err)
is_(bob.run("say", "acme", "and on").status, 0, "the room goes on")
is_(ada.messages(), ["one", "kept back", "three", "and on"], "its author has it still")


def give(value):
    is_(server.stop(), 0, "the server stops")
    changed = sqlite3.connect(server.data / "meta.db")
    changed.execute("UPDATE entries SET body = ? WHERE place = ?", (value, sealed[-2]))
    changed.commit()
    changed.close()
    server.start()


give(body[:-1] + bytes([body[-1] ^ 1]))
is_(bob.messages(), ["one", "three", "and on"], "another body than the one that was signed is not taken")
give(body)
is_(bob.messages(), ["one", "kept back", "three", "and on"], "the right one is, with the next sync, in its place")
is_(bob.run("verify", "acme").status, 0, "and the room verifies")
ok("kept back" in bob.must("search", "acme", "kept").out, "and it is found")
done()
