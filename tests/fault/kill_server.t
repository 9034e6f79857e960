#!/usr/bin/env python3
"""kill -9 of the server at random instants while several devices write: what was acknowledged is in the log in the end,
once, and everything verifies.

PRIVITY_LONG=1 makes it 200 instants instead of 25; PRIVITY_SEED repeats a run."""

import os
import pathlib
import random
import sqlite3
import sys
import threading
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import LONG, World

KILLS = 200 if LONG else 25
seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
statuses = Counter()
acknowledged, waiting, tried, odd = set(), set(), set(), []
files = {}
finished = threading.Event()


def write(home, who):
    """Messages and files, one command after the other, until the kills are done."""
    random_here = random.Random(f"{seed} {who}")
    i = 0
    while not finished.is_set():
        i += 1
        name = f"{who}-{i}"
        if i % 4 == 0:
            path = world.dir / name
            path.write_bytes(random_here.randbytes(random_here.choice((100, 70_000, 900_000))))
            result = home.run("put", "acme", path)
            kept = files if result.status == 0 else {}
            kept[name] = path
        else:
            tried.add(name)
            result = home.run("say", "acme", name)
            if result.status == 0:
                acknowledged.add(name)
            elif result.status == 5:
                waiting.add(name)
        statuses[result.status] += 1
        if result.status not in (0, 5) and not (result.status == 1 and i % 4 == 0):
            odd.append(result.why())


writers = [threading.Thread(target=write, args=(home, who)) for home, who in ((ada, "ada"), (bob, "bob"), (ada, "also"))]
for writer in writers:
    writer.start()
pause_s = 0.25  # at most, between kills; longer where the machine is too busy for much to be acknowledged in that
for kill in range(KILLS):
    time.sleep(rng.uniform(0, pause_s))
    pause_s = min(pause_s * 1.3, 4) if len(acknowledged) < kill // 3 else max(pause_s / 1.3, 0.25)
    server.kill()
    if rng.random() < 0.2:
        time.sleep(0.05)  # for commands to find nobody there
    server.start()
finished.set()
for writer in writers:
    writer.join()
note(f"exit statuses: {dict(statuses)}; {len(acknowledged)} messages sent, {len(waiting)} kept, {len(files)} files")
is_([why for one in odd for why in one], [], "commands end with 0, or 5 for what is kept")
ok(len(acknowledged) >= KILLS // 4, "much was acknowledged between the kills")
for home in (ada, bob):
    sent = home.run("refresh")
    is_(sent.status, 0, f"{home.name}: what waits is sent in the end", sent.err)

views = []
for home in (ada, bob):
    got = Counter(text for text in home.messages())
    views.append(got)
    is_(sorted((acknowledged | waiting) - set(got)), [], f"{home.name}: no message that was acknowledged or kept is lost")
    is_([text for text, times in got.items() if times > 1], [], f"{home.name}: none is doubled")
    is_(sorted(set(got) - tried), [], f"{home.name}: none is another one")
    listing = Counter(f["path"] for f in home.must("ls", "acme", "--json").json()["files"])
    is_(sorted(name for name in files if listing[name] != 1), [], f"{home.name}: no file is lost or doubled")
    verified = home.run("verify", "acme")
    is_(verified.status, 0, f"{home.name}: verify is content", verified.err)
is_(views[0], views[1], "both see the same")
fetched = world.dir / "fetched"
fetched.mkdir()
names = sorted(files)
for start in range(0, len(names), 50):
    got = bob.run("get", "acme", *names[start:start + 50], "-o", fetched)
    is_(got.status, 0, "the files can be fetched", got.err)
is_([n for n in names if (fetched / n).read_bytes() != files[n].read_bytes()], [], "and are what was put")

is_(server.stop(), 0, "the server stops gracefully")
db = sqlite3.connect(f"file:{server.data}/meta.db?mode=ro", uri=True)
is_(db.execute("PRAGMA integrity_check").fetchone()[0], "ok", "its database is whole")
is_(db.execute("SELECT count(*) FROM (SELECT author, n FROM entries GROUP BY author, n HAVING count(*) > 1)").fetchone()[0], 0,
    "no entry stands in it twice")
stored = {p.name for p in (server.data / "blobs").rglob("*") if p.is_file() and p.parent.name != "tmp"}
listed = {bytes(row[0]).hex() for row in db.execute("SELECT locator FROM blobs")}
is_(sorted(listed - stored), [], "every blob that it knows is there")
db.close()
server.start()
is_(list((server.data / "blobs/tmp").iterdir()), [], "half-written blobs are swept away")
is_(ada.run("say", "acme", "on we go").status, 0, "and it goes on")
done()
