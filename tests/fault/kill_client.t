#!/usr/bin/env python3
"""kill -9 of commands at random instants while they write: what was acknowledged is there in the end, once, and the
rest at most once; what was half done can be done again.

PRIVITY_LONG=1 makes it 200 instants among messages and files instead of 25; PRIVITY_SEED repeats a run."""

import os
import pathlib
import random
import subprocess
import sys
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import LONG, World

INSTANTS = 200 if LONG else 25
seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)

world = World()
server = world.server()
ada, bob = world.room_of_two(server)


def duration(*args):
    began = time.monotonic()
    ada.must(*args)
    return time.monotonic() - began


def killed(home, seconds, *args):
    """Start a command, kill it at that instant. Its exit status, or None if it was caught alive."""
    process = home.start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        status = None
    world.processes.remove(process)
    return None if status == -9 else status


# --- messages and files, sent and unsent

small = world.dir / "small"
small.write_bytes(rng.randbytes(50_000))
large = world.dir / "large"
large.write_bytes(rng.randbytes(3_000_000))
long_s = max(duration("say", "acme", "how long") for _ in range(3))
put_s = duration("put", "acme", large, "--to", "first")

acknowledged, tried, files_acknowledged, files_tried, odd = [], [], [], [], []
caught = i = 0
scale = 1.0  # of the time in which a command is killed: the machine may be busier now, or less
while caught < INSTANTS and i < 6 * INSTANTS:
    i += 1
    what = i % 5
    if what == 4:
        path = world.dir / f"file-{i}"
        path.write_bytes((small if i % 2 else large).read_bytes() + str(i).encode())
        args, limit, name = ("put", "acme", path), put_s, path.name
        files_tried.append(name)
    else:
        name = f"message {i}"
        args = ("say", "acme", name, *(("--attach", small) if what == 3 else ()), *(("--offline",) if what == 2 else ()))
        limit = long_s
        tried.append(name)
    status = killed(ada, rng.uniform(0, scale * limit), *args)
    caught += status is None
    scale *= 1.03 if status is None else 0.95
    if status in (0, 5):
        (files_acknowledged if what == 4 else acknowledged).append(name)
    elif status is not None:
        odd.append((args, status))
note(f"{i} commands: {caught} were caught alive, {len(acknowledged) + len(files_acknowledged)} had answered")
is_(caught, INSTANTS, "commands were killed at work")
ok(len(acknowledged) > 2, "and some had answered")
is_(odd, [], "those that were not ended well")

last = ada.run("refresh")
is_(last.status, 0, "the next command works, and sends what waits") or note(last.err)
status = ada.run("status", "--json")
is_(status.status, 0, "status works") or note(status.err)
is_(sum(room["unsent"] or 0 for room in status.json()["rooms"]), 0, "nothing waits any more")


def check_room(home, who):
    got = Counter(text for text in home.messages() if text.startswith("message "))
    lost = [text for text in acknowledged if not got[text]]
    is_(lost, [], f"{who}: no acknowledged message is lost")
    is_([text for text in got if got[text] > 1], [], f"{who}: none is doubled")
    is_([text for text in got if text not in tried], [], f"{who}: none is another one")
    listing = home.must("ls", "acme", "--json").json()
    names = Counter(f["path"] for f in listing["files"])
    is_([name for name in files_acknowledged if names[name] != 1], [], f"{who}: no acknowledged file is lost or doubled")
    is_([name for name in names if name.startswith("file-") and names[name] > 1], [], f"{who}: no file is doubled")
    return got, names


for home, who in ((ada, "the one who was killed"), (bob, "the other one")):
    seen = check_room(home, who)
    verified = home.run("verify", "acme")
    is_(verified.status, 0, f"{who}: verify is content") or note(verified.err)
is_(check_room(ada, "again"), seen, "both see the same")
fetched = world.dir / "fetched"
fetched.mkdir()
wanted = sorted(name for name in seen[1] if name.startswith("file-"))
if wanted:
    got = bob.run("get", "acme", *wanted, "-o", fetched)
    is_(got.status, 0, "files that came through can be fetched") or note(got.err)
    is_([n for n in wanted if (fetched / n).read_bytes() != (world.dir / n).read_bytes()], [], "and are what was put")
is_(sorted(p.name for p in fetched.iterdir()), wanted, "and nothing beside them")

# --- what happens once: init, room new, invite, join

ROUNDS = 20 if LONG else 4
init_s = 0.4
for i in range(ROUNDS):
    home = world.home(f"eve-{i}", server)
    kit = world.dir / f"kit-eve-{i}"
    first = killed(home, rng.uniform(0, 1.5 * init_s), "init", "--name", "Eve", "--server", server.url, "--kit", kit)
    second = None
    if first is None:
        second = home.run("init", "--name", "Eve", "--server", server.url, "--kit", kit)
        if second.status == 1 and not (home.path / "version").exists():
            # What stands half made is not overwritten, and the line says what to move away.
            ok("move" in second.err or "exists" in second.err or "choose" in second.err,
               f"init {i}: says what to do about what the killed one left", second.err)
            kit.unlink(missing_ok=True)
            if (home.path / "keystore").exists():
                home.path.rename(world.dir / f"away-{i}")
            second = home.run("init", "--name", "Eve", "--server", server.url, "--kit", kit)
    whoami = home.run("refresh")
    is_(whoami.status, 0, f"init {i}: works after a kill") or note(first, *(second.why() if second else ()), whoami.err)
    room = f"room{i}"
    first = killed(home, rng.uniform(0, 0.2), "room", "new", room)
    if first is None:
        again = home.run("room", "new", room)
        rooms = [r["name"] for r in home.must("rooms", "--json").json()["rooms"]]
        ok(again.status == 0 or (again.status == 1 and room in rooms), f"room new {i}: is there, or can be made", *again.why())
    said = home.run("say", room, "hello")
    is_(said.status, 0, f"room new {i}: the room works") or note(said.err)
    is_(home.messages(room), ["hello"], f"room new {i}: holds what was said")
    link = ada.must("invite", "acme", "--role", "editor").out.strip()
    first = killed(home, rng.uniform(0, 0.4), "join", link, "--room", "acme")
    if first is None:
        refreshed = home.run("refresh")
        is_(refreshed.status, 0, f"join {i}: refresh does not mind", refreshed.err)
        again = home.run("join", link, *(("--room", "acme") if i % 2 else ()))
        is_(again.status, 0, f"join {i}: the same command goes on with it", *again.why())
    name = home.must("rooms", "--json").json()["rooms"][-1]["name"]
    said = home.run("say", name, f"eve {i} is here")
    is_(said.status, 0, f"join {i}: a member after a kill") or note(said.err)
    whole = home.run("verify", name)
    is_(whole.status, 0, f"join {i}: verify is content") or note(whole.err)
members = ada.must("members", "acme", "--json").json()["members"]
is_(sorted(m["name"] for m in members), ["Eve"] * ROUNDS + ["ada", "bob"], "everyone is a member once, by name")
ada.must("read", "acme")
is_(ada.run("verify", "acme").status, 0, "the room verifies in the end")
done()
