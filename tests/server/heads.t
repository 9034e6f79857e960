#!/usr/bin/env python3
"""Heads beside the blobs: the metadata is lost and put back from a backup while the blob store survives. Rooms wait for
the heads that stand there, whoever comes; where the operator says that the store served last, a room is open as soon as
it is at its head. What is damaged there, or another server's, is said, and nothing is lost by it."""

import pathlib
import re
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
backup, key = world.dir / "backup", world.dir / "key"
heads = server.data / "blobs" / "heads"


def lose_meta():
    """All but the blob store and the log key."""
    for path in server.data.glob("meta.*"):
        path.unlink()


def until(what):
    for _ in range(200):
        if what():
            return True
        time.sleep(0.05)
    return False


def are_written():
    """Does the file hold the newest size of every room?"""
    last = dict(re.findall(rb"/room/([0-9a-f]{64})\n([0-9]+)\n", heads.read_bytes()))
    with sqlite3.connect(f"file:{server.data / 'meta.db'}?mode=ro", uri=True) as db:
        return all(last.get(bytes(id).hex().encode()) == str(size).encode() for id, size in db.execute("SELECT id, size FROM rooms"))


ada.must("room", "new", "quiet")
ada.must("say", "quiet", "nothing follows")
ada.must("say", "acme", "one")
is_(server.admin("backup", backup, key).status, 0, "a backup is taken")
ok(not list(backup.rglob("heads")), "without what stands beside the blobs")
bob.must("say", "acme", "two")
photo = world.dir / "photo"
photo.write_bytes(bytes(range(256)) * 5000)
bob.must("put", "acme", photo)
bob.must("room", "new", "later")
bob.must("put", "later", photo)
ok(until(are_written), "rooms that grow have their heads written while the server serves")

# --- killed: what stands there is a least

server.kill()
lose_meta()
put = server.admin("restore-meta", backup)
is_(put.status, 0, "the metadata is put back", put.err)
ok("newer heads of 3 rooms" in put.out, "rooms wait for their heads: Bob's own and the new one too", put.out)
ok("did not stop in order" in put.err, "a server that was killed may have gone further", put.err)
server.start()
state = ada.must("repair", "acme", "--json").json()
ok(not state["open"] and state["missing"] > 0, "its owner is told, before anybody has shown it", state)
refused = ada.run("repair", "acme", "--go-on")
ok(refused.status != 0, "and cannot go on without it", *refused.why())
waits = ada.must("repair", "quiet", "--json").json()
is_(waits["open"], True, "the quiet room opens when all its devices were there")
bob.must("refresh")
ada.must("refresh")
is_(ada.run("say", "acme", "three").status, 0, "with Bob, who has what leads up to it, the room opens")
is_(ada.messages(), ["one", "two", "three"], "and lacks nothing")

# --- files put after the backup, whose blobs survived

for room in ("acme", "later"):
    place = world.dir / f"got-{room}"
    place.mkdir()
    got = bob.run("get", room, "photo", "-o", place)
    ok(got.status == 0 and (place / "photo").read_bytes() == photo.read_bytes(), f"a file put after the backup opens in {room}", *got.why())
checked = ada.run("verify", "acme")
is_(checked.status, 0, "and for others, too", *checked.why())
blobs = lambda: {p.stat().st_ino for p in (server.data / "blobs").glob("??/*")}
before = blobs()
is_(server.admin("gc").status, 0, "what nothing refers to is collected")
is_(blobs(), before, "and no blob that came back is among it")

# --- stopped in order: exactly these

ada.must("room", "new", "both")
bob.must("join", ada.must("invite", "both").out.strip(), "--room", "both")
ada.must("say", "both", "nothing follows here either")
is_(server.admin("backup", backup).status, 0, "another backup")
ada.must("say", "acme", "four")
is_(server.stop(), 0, "the server stops in order")
lose_meta()
put = server.admin("restore", backup, key)
is_(put.status, 0, "it is put back without a word on the blob store", put.err)
ok("are whole" not in put.out, "which opens no room", put.out)
server.start()
waits = ada.must("repair", "both", "--json").json()
is_(waits["open"], False, "nor is one open that is at its head before all its devices were there")
server.kill()
lose_meta()
put = server.admin("restore-meta", backup)
ok("did not stop in order" in put.err and "are whole" not in put.out,
   "a server that was started since, and killed, did not end in order, though it wrote nothing", put.out, put.err)
server.start()
is_(server.stop(), 0, "it stops in order again")
lose_meta()
put = server.admin("restore-meta", backup)
is_(put.status, 0, "its metadata is put back", put.err)
ok(" rooms are whole" in put.out, "rooms at their heads are open at once", put.out)
server.start()
said = bob.run("say", "acme", "five")
is_(said.status, 5, "the room below its head waits", *said.why())
ada.must("refresh")
is_(bob.run("refresh").status, 0, "for nobody but who has what leads up to it")
is_(bob.run("say", "acme", "six").status, 0, "and is open then")
is_(ada.messages(), ["one", "two", "three", "four", "five", "six"], "with everything in it")

# --- a copy of the blob store that is older than the backup

is_(server.stop(), 0, "the server stops")
old = heads.read_bytes()
server.start()
ada.must("say", "acme", "seven")
is_(server.admin("backup", backup).status, 0, "a backup that is younger than a copy of the blob store")
server.kill()
lose_meta()
heads.write_bytes(old)
put = server.admin("restore-meta", backup)
is_(put.status, 0, "is put back beside it", put.err)
ok("are whole" not in put.out, "and opens nothing by what the copy says", put.out)
server.start()
for home in (ada, bob):
    home.must("refresh")
is_(ada.run("say", "acme", "eight").status, 0, "the rooms open as after any restore")

# --- cut, damaged, another server's

server.kill()
whole = heads.read_bytes()
lose_meta()
heads.write_bytes(whole[:-7])
put = server.admin("restore", backup)
is_(put.status, 0, "what a power cut left is read as far as it goes", put.err)
lose_meta()
for name, spoiled in (("a changed byte", whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]), ("zeros", bytes(64)), ("text", b"heads of rooms"),
                      ("a length beyond all limits", bytes.fromhex("5affffffff") + whole)):
    heads.write_bytes(spoiled)
    put = server.admin("restore", backup)
    ok(put.status != 0 and "damaged" in put.err and "nothing was put back" in put.err, f"{name} in it is told", put.out, put.err)
    is_(heads.read_bytes(), spoiled, "and stays as it is")
other = world.server("other")
stranger = world.person("eve", other)
other.stop()
heads.write_bytes((other.data / "blobs" / "heads").read_bytes())
put = server.admin("restore", backup)
ok(put.status != 0 and "of another server" in put.err, "another server's heads are told", put.err)
heads.unlink()
put = server.admin("restore-meta", backup)
is_(put.status, 0, "without any the backup is put back as ever", put.err)
ok("no heads stand" in put.err, "which is told where they were counted on", put.err)
server.start()
ok(until(heads.exists), "and they are written anew")
for home in (ada, bob):
    home.must("refresh")
is_(bob.messages()[:8], ["one", "two", "three", "four", "five", "six", "seven", "eight"], "nothing was lost by all of this")

# --- a running server finds them damaged

server.kill()
heads.write_bytes(b"\x00 not heads")
server.start()
is_((server.data / "blobs" / "heads.damaged").read_bytes(), b"\x00 not heads", "a server that starts sets damaged ones aside")
is_(ada.run("say", "acme", "nine").status, 0, "and serves")

# --- two backups, of which the heads continue the older one

for home in (ada, bob):
    home.must("refresh")
older, newer = world.dir / "older", world.dir / "newer"
is_(server.admin("backup", older).status, 0, "a backup")
rolled = ada.copy("rolled")
for text in ("in one", "history"):
    ada.must("say", "both", text)
is_(server.admin("backup", newer).status, 0, "and one of two entries more")
server.kill()
lose_meta()
heads.unlink()
is_(server.admin("restore-meta", older).status, 0, "the older one is put back, and nothing beside the blobs says more")
server.start()
for home in (rolled, bob):
    home.must("refresh")
rolled.must("say", "both", "in another")
ok(until(are_written), "the room goes on from there, as far: with new keys and a message")
is_(server.stop(), 0, "until the server stops in order")
lose_meta()
put = server.admin("restore-meta", newer)
is_(put.status, 0, "the newer one is put back", put.err)
server.start()
state = ada.must("repair", "both", "--json").json()
is_((state["open"], state["missing"]), (False, 0), "one that is as long as its head, but another, is not, though somebody shows it so")
done()
