#!/usr/bin/env python3
"""Blobs that a restored server has lost: repair and verify name the files and versions, whoever still has a file makes the
very bytes again, and what comes back is kept."""

import pathlib
import random
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
backup, key = world.dir / "backup", world.dir / "key"
rng = random.Random(5)


def lost(home):
    state = home.must("repair", "acme", "--json").json()
    return {(v["path"], v["version"]) for v in state["lost"]}, state


def fetched(home, name):
    place = world.dir / f"got-{rng.random()}"
    place.mkdir()
    got = home.run("get", "acme", name, "-o", place)
    if got.status:
        print("#", got.err)
    return got.status == 0 and (place / name).read_bytes() == (world.dir / name).read_bytes()


for name, size in (("before", 900_000), ("large", 3_000_000), ("small-1", 1000), ("small-2", 70_000), ("photo", 40_000), ("huge", 12_000_000)):
    (world.dir / name).write_bytes(rng.randbytes(size))
ada.must("put", "acme", world.dir / "before")
is_(lost(ada)[0], set(), "nothing is lost at first")

# --- bytes that the store changes

def spoil(known=()):
    """A byte of each blob that is not known; what they were."""
    whole = {p: p.read_bytes() for p in (server.data / "blobs").glob("??/*") if p not in known}
    for p, data in whole.items():
        p.write_bytes(data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    return whole


def put_right(whole):
    for p, data in whole.items():
        p.write_bytes(data)


whole = spoil()
place = world.dir / "spoiled"
got = bob.run("get", "acme", "before", "-o", place)
ok(got.status == 4 and "before" in got.err, "a file that is not what was put is not fetched", *got.why())
is_([str(p) for p in place.rglob("*")], [], "and leaves no piece of it")
checked = bob.run("verify", "acme")
ok(checked.status == 4 and "before" in checked.err, "and verify names it", *checked.why())
put_right(whole)
ok(fetched(bob, "before"), "with the right bytes it opens")

# all that is wrong is named, and not what was found first alone
many = [f"many-{i}" for i in range(21)]
for name in many:
    (world.dir / name).write_bytes(rng.randbytes(300_000))
held = set(server.data.glob("blobs/??/*"))
for name in many[:2]:
    ada.must("put", "acme", world.dir / name)
two = spoil(held)
checked = bob.run("verify", "acme", "--json")
is_(checked.status, 4, "where several files are spoiled, verify fails", *checked.why())
found = checked.json()
ok(all(any(name in f["text"] for f in found["faults"]) for name in many[:2]) and len(found["faults"]) == 2 and found["faults_more"] == 0, "and names each", found)
is_(found["files"], 3, "having looked at all")
ok(all(name in checked.err for name in many[:2]) and checked.err.splitlines()[-1] == "privity: acme: 2 faults were found", "on standard error, too, with their number", *checked.why())
whole_again = bob.run("verify", "acme")
ok(whole_again.status == 4 and "are right" not in whole_again.out, "nothing is called right then", *whole_again.why())
put_right(two)
for name in many[2:]:
    ada.must("put", "acme", world.dir / name)
all_of_them = spoil(held)
checked = bob.run("verify", "acme")
lines = checked.err.splitlines()
ok(checked.status == 4 and len(lines) == 21 and lines[-1] == "privity: acme: 21 faults were found, of which the first 20 are named",
   "of many, so many are named, and the rest is counted", *checked.why())
is_(bob.run("verify", "acme", "--json").json()["faults_more"], 1, "as JSON, too")
put_right(all_of_them)
is_(bob.run("verify", "acme").status, 0, "with the right bytes all verifies")
(world.dir / "removed").write_bytes(rng.randbytes(400_000))
ada.must("put", "acme", world.dir / "removed")
ada.must("rm", "acme", "removed")
whole = spoil({*whole, *all_of_them})
checked = bob.run("verify", "acme")
ok(checked.status == 4 and "removed" in checked.err, "verify opens what was removed, too", *checked.why())
put_right(whole)
is_(bob.run("verify", "acme").status, 0, "and finds nothing when all is right")

# --- two files at one path: each is told and given back for itself

for home in (ada, bob):
    (world.dir / f"of-{home.name}").mkdir()
    (world.dir / f"of-{home.name}" / "same").write_bytes(rng.randbytes(300_000))
    is_(home.run("put", "acme", world.dir / f"of-{home.name}" / "same", "--offline").status, 5, f"{home.name} puts a file while offline")
ada.must("refresh")
others = set((server.data / "blobs").glob("??/*"))
bob.must("refresh")
for blob in set((server.data / "blobs").glob("??/*")) - others:
    blob.unlink()
state = ada.must("repair", "acme", "--json").json()["lost"]
is_([(v["path"], v["version"]) for v in state], [("same", 1)], "of two files at one path the lost one is told, once")
ok("of same, by bob" in ada.must("repair", "acme").out, "with who put it")
ok(bob.must("repair", "acme", world.dir / "of-bob" / "same", "--json").json()["blobs_given"] > 0, "and given back")
is_(ada.run("verify", "acme").status, 0, "whole")
is_(server.admin("backup", backup, key).status, 0, "a backup is taken")
ada.must("put", "acme", world.dir / "large")
ada.must("put", "acme", world.dir / "small-1", world.dir / "small-2")
ada.must("put", "acme", world.dir / "huge")
ada.must("say", "acme", "look", "--attach", world.dir / "photo")
bob.must("refresh")
server.kill()
shutil.rmtree(server.data)
is_(server.admin("restore", backup, key).status, 0, "the server is restored, blobs too")
server.start()
for home in (ada, bob, ada):
    home.must("refresh")

# --- what is told

gone, state = lost(bob)
is_(gone, {("large", 1), ("small-1", 1), ("small-2", 1), ("photo", 0), ("huge", 1)}, "repair names each file and version that is lost")
told = bob.must("repair", "acme").out
ok("version 1 of large, by ada" in told and "the attachment photo" in told, "in words, with who put it", told)
checked = bob.run("verify", "acme")
ok(checked.status == 4 and all(f"version 1 of {n} by ada" in checked.err for n in ("large", "small-1", "small-2", "huge")) and "the attachment photo by ada" in checked.err
   and len(checked.err.splitlines()) == 6, "so does verify, each once", *checked.why())

# --- giving back

other = world.dir / "other"
other.write_bytes(rng.randbytes(3_000_000))
nothing = bob.must("repair", "acme", other, "--json").json()
is_(nothing["blobs_given"], 0, "another file of the same length gives nothing back")
given = ada.must("repair", "acme", world.dir / "large", "--json").json()
ok(given["blobs_given"] > 1, "who has a file gives its blobs back", given)
ok(fetched(bob, "large"), "and another member opens it")
part = ada.run("repair", "acme", world.dir / "small-1")
ok("name them all" in part.out and "given back: 0" in part.out, "small files of one put come back together", *part.why())
whole = ada.must("repair", "acme", world.dir / "small-1", world.dir / "small-2", "--json").json()
is_(whole["blobs_given"], 1, "when all are named")
ok(fetched(bob, "small-1") and fetched(bob, "small-2"), "and open")
files = lambda: {p.name for p in (server.data / "blobs").glob("??/*")}
held = files()
ada.must("repair", "acme", world.dir / "photo")
of_photo = files() - held
gone, state = lost(ada)
is_(gone, {("huge", 1)}, "only that is left of which the list of chunks is lost")
is_(ada.run("put", "acme", world.dir / "huge").status, 0, "it is put anew, and refers to nothing that was lost")
ok(fetched(bob, "huge"), "and opens")
held = files()
is_(server.admin("gc").status, 0, "what nothing refers to is collected")
is_(files(), held, "and nothing of it is among that")

# --- bytes that the store loses while the row stands

held_by = [p for p in (server.data / "blobs").glob("??/*") if p.name in of_photo]
is_(len(held_by), 1, "the photo lies in a blob of its own")
held_by[0].unlink()
gone, state = lost(ada)
is_(gone - {("huge", 1)}, {("photo", 0)}, "a blob that the store alone has lost is told, too")
ada.must("repair", "acme", world.dir / "photo")
is_(lost(ada)[0] - {("huge", 1)}, set(), "and comes back")
done()
