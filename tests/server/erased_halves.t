#!/usr/bin/env python3
"""A closed invite's half B goes from the server's files, not only from its row: also from the write-ahead log, which keeps
pages as they were, and from the log that a killed server left."""

import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
eve = world.person("eve", server)
store = server.data / "meta.db"


def halves():
    """(those that are there, why the others are not)"""
    db = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    rows = db.execute("SELECT half, reason FROM gates").fetchall()
    db.close()
    return {half for half, _ in rows if half}, sorted(reason for half, reason in rows if not half)


def found(secrets):
    """How many of them any file of the server has."""
    files = [path.read_bytes() for path in server.data.rglob("*") if path.is_file()]
    return sum(any(secret in data for data in files) for secret in secrets)


def gone(secrets):
    """Upkeep comes by each second, and again where somebody reads just then."""
    until = time.monotonic() + 60
    while found(secrets) and time.monotonic() < until:
        time.sleep(0.2)
    return found(secrets) == 0


used = ada.must("invite", "acme").out.strip()
first, _ = halves()
ok(len(first) == 1 and len(next(iter(first))) == 32 and found(first) == 1, "the half of an open invite stands in the server's files")
time.sleep(1.2)  # upkeep has been by: now it stands in the database as well as in the log
eve.must("join", used, "--room", "acme")
ok(gone(first), "once it is used up, it is nowhere")

ada.must("invite", "acme", "--uses", "5")
ada.must("invite", "acme", "--uses", "5")
second, _ = halves()
is_(found(second), 2, "two more stand there")
bob.must("say", "acme", "hello")
ada.must("remove", "acme", "eve")
left, why = halves()
is_((left, why), (set(), ["revoked", "revoked", "spent", "spent"]), "a removal closes them")
ok(gone(second), "and they are nowhere")

ada.must("invite", "acme", "--uses", "5")
third, _ = halves()
is_(found(third), 1, "one more")
ada.must("remove", "acme", "bob")
server.kill()
server.start()
ok(gone(third), "a server that was killed just then clears what its log still held, once it runs again")
is_(ada.run("say", "acme", "on we go").status, 0, "and serves")
is_(server.stop(), 0, "and stops in order")
is_(found(first | second | third), 0, "with nothing of them left")
done()
