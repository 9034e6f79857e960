#!/usr/bin/env python3
"""What is said of forgotten entries: by log, read, versions, get, members, verify; holds and notice; and a forget that is
killed again and again is made once."""

import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from forgetful import TOOL, deleted, forgetful, index_of, log, wait_deleted
from tap import done, is_, note, ok
from world import LONG, World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
plan = world.dir / "plan.txt"
for text in ("first", "second", "third"):
    plan.write_text(text + "\n")
    bob.must("put", "acme", plan)
bob.must("say", "acme", "hello")
bob.must("say", "acme", "the password is swordfish")
ada.must("say", "acme", "delete that")

# ---- who may, and what stops it

said = index_of(ada, "talk", -2)
result = forgetful(bob, "forget", f"{said}-{said + 1}")
is_(result.status, 3, "who is no owner is refused", *result.why())
result = forgetful(ada, "forget", "0-1")
is_(result.status, 3, "so is forgetting what only a roster needs", *result.why())
is_(forgetful(ada, "notice", 1000).status, 0, "a second of notice")
is_(forgetful(bob, "hold", f"{said}-{said + 1}").status, 0, "Bob holds his words")
result = forgetful(ada, "forget", f"{said}-{said + 1}")
is_(result.status, 3, "then Ada cannot forget them", *result.why())
ok("holds" in result.err, "and is told why", result.err)
is_(forgetful(bob, "lift").status, 0, "he lifts it")

# ---- a message


def last_writes(home):
    """Bytes in the log of the last writes of acme's database: old pages, for as long as it is not emptied."""
    room = next(r["id"] for r in home.must("rooms", "--json").json()["rooms"] if r["name"] == "acme")
    return (home.path / "rooms" / f"{room[:16]}.db-wal").stat().st_size


bob.must("refresh")
written = last_writes(bob)
is_(forgetful(ada, "forget", f"{said}-{said + 1}").status, 0, "now she can")
ok(wait_deleted(ada, 1), "after the notice it is deleted")
for home in (ada, bob):
    is_(home.messages(), ["hello", "delete that"], f"{home.name} reads the rest")
    is_(home.run("search", "acme", "swordfish", "--json").json()["messages"], [], "and finds nothing")
ok(last_writes(bob) < written / 3, "and the log of the last writes, where old pages stand, was emptied", written, last_writes(bob))
line = bob.must("log", "acme").out.splitlines()[said]
ok(line.endswith("forgotten") and " talk " in line, "log shows the header as forgotten", line)
is_([e["index"] for e in log(bob) if e["forgotten"]], [said], "and no other")
is_({m["name"] for m in bob.must("members", "acme", "--json").json()["members"]}, {"ada", "bob"}, "members are who they were")

# ---- versions

puts = [e["index"] for e in log(ada) if e["kind"] == "work"][1:4]  # the first is the room's own
result = forgetful(ada, "forget", f"{puts[0] - 1}-{puts[0]}")
is_(result.status, 3, "what the room itself needs is not forgotten", *result.why())
is_(forgetful(ada, "forget", f"{puts[0]}-{puts[1]}").status, 0, "Ada forgets a file's first version")
ok(wait_deleted(ada, 2), "it is deleted")
is_(len(bob.must("versions", "acme", "plan.txt", "--json").json()["versions"]), 2, "two are left")
out = world.dir / "out"
bob.must("get", "acme", "plan.txt", "-o", out)
is_((out / "plan.txt").read_text(), "third\n", "the newest is what it was")
result = bob.run("get", "acme", "plan.txt", "--version", "3", "-o", out)
is_(result.status, 1, "a version that is gone is not there", *result.why())
ok("forgotten" in result.err and "privity log" in result.err, "and why that may be", result.err)
is_(forgetful(ada, "forget", f"{puts[1]}-{puts[2] + 1}").status, 0, "she forgets all of it")
ok(wait_deleted(ada, 3), "it is deleted")
is_(bob.files()["files"], [], "the file is gone")
for command in (("get", "acme", "plan.txt", "-o", out), ("versions", "acme", "plan.txt")):
    result = bob.run(*command)
    is_(result.status, 1, f"{command[0]} of it fails", *result.why())
    ok("forgotten" in result.err, "in words that say why", result.err)
result = ada.run("verify", "acme", "--json")
is_(result.status, 0, "verify passes", *result.why())
ok(result.json()["forgotten"] >= 4, "and counts what is gone", result.out)
blobs = lambda: [path.name for path in (server.data / "blobs").glob("??/*")]


def wait_dropped(what):
    until = time.monotonic() + 30
    while blobs() and time.monotonic() < until:
        time.sleep(0.2)
    is_(blobs(), [], what)


wait_dropped("the server has no blob any more")

# ---- the same bytes once more, which their device had stored before

large = world.dir / "large.bin"
large.write_bytes(os.urandom(400000))
bob.must("put", "acme", large)
last = index_of(ada, "work", -1)
is_(forgetful(ada, "forget", f"{last}-{last + 1}").status, 0, "a large file is forgotten")
ok(wait_deleted(ada, 4), "it is deleted")
wait_dropped("with its blobs")
result = bob.run("put", "acme", large)
is_(result.status, 0, "and may be put again", *result.why())
ada.must("get", "acme", "large.bin", "-o", out)
ok((out / "large.bin").read_bytes() == large.read_bytes(), "it is stored anew")
bob.must("rm", "acme", "large.bin")

# ---- killed at any moment

rng = random.Random(7)
made = 4
for round_ in range(12 if LONG else 3):
    bob.must("put", "acme", plan)
    bob.must("rm", "acme", "plan.txt")
    ada.must("say", "acme", f"round {round_}")
    last = index_of(ada, "work", -1)
    is_(forgetful(ada, "begin", f"{last}-{last + 1}").status, 0, "a removal is to be forgotten")
    kills = 0
    for _ in range(6):
        process = subprocess.Popen([TOOL, "acme", "send"], env=ada.clocked(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * 0.12)
        kills += process.poll() is None
        process.kill()
        process.wait()
    note(f"killed {kills} times")
    result = forgetful(ada, "send")
    is_(result.status, 0, "it is gone on with", *result.why())
    made += 1
    ok(wait_deleted(ada, made), "and deleted")
    is_(deleted(ada), made, "once")
    is_(bob.files()["files"], [], "and the file did not come back")
    is_(bob.messages()[-1], f"round {round_}", "while words did not go")
is_(bob.run("verify", "acme").status, 0, "all verifies")
done()
