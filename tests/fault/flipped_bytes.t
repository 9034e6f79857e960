#!/usr/bin/env python3
"""One byte of what the server stores is changed: a device that fetches everything anew, a device that has been here
before, and one that joins end with the true state, or with exit 4 and the name of what is wrong, or with exit 1 and
the server's word that its store is damaged. Never with another state, never with a crash.

Where nothing but a row of members was struck, the server may also take the member for a stranger, and who joins
or writes may be refused where nothing but gates, members or rooms (their checkpoints apart) were: whom it lets in is
its own affair, and it cannot tell that damage from what it was told. Entries, bodies, tree nodes, checkpoints, wraps,
blobs and all else have no such way out.

PRIVITY_LONG=1 changes 500 places instead of 30; PRIVITY_SEED repeats a run, PRIVITY_PLACES=N sets the number."""

import os
import pathlib
import random
import re
import shutil
import sqlite3
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import LONG, World, bail

PLACES = int(os.environ.get("PRIVITY_PLACES") or (500 if LONG else 30))
seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
world = World()
server = world.server()

# --- a room with something of everything in it

ada, bob = world.room_of_two(server)
eve, dan = world.person("eve", server), world.person("dan", server)
for name, size in (("plan.pdf", 700_000), ("film.bin", 1_500_000), ("empty", 0), ("note.txt", 40)):
    (world.dir / name).write_bytes(rng.randbytes(size))
eve.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
for i in range(12):
    (ada, bob, eve)[i % 3].must("say", "acme", f"message {i} " + "x" * rng.randrange(300))
ada.must("put", "acme", *(world.dir / name for name in ("plan.pdf", "empty", "note.txt")), "--to", "work")
ada.must("role", "acme", "bob", "viewer")
ada.must("remove", "acme", "eve")
ada.must("say", "acme", "she is gone", "--attach", world.dir / "note.txt")
ada.must("role", "acme", "bob", "editor")
bob.must("put", "acme", world.dir / "film.bin")
ada.must("mv", "acme", "film.bin", "work/film.bin")
link = ada.must("invite", "acme", "--role", "viewer", "--uses", "5").out.strip()
bob.must("say", "acme", "the last word")
ada.must("refresh")
bob.must("refresh")


def state(home, room="acme"):
    """What a device shows, and the first command that did not end well."""
    shown = []
    for command in (("read", room, "--limit", "0", "--json"), ("ls", room, "-R", "--json"), ("members", room, "--json"),
                    ("log", room, "--json")):
        result = home.fetched(*command)
        if result.status or result.err:
            return None, result
        shown.append(result.json())
    return shown, None


truth, failed = state(ada)
if failed:
    bail(" / ".join(failed.why()))
bobs_truth, _ = state(bob)
is_(ada.run("verify", "acme").status, 0, "before, all is well")
is_(server.stop(), 0, "the server stops")
pristine = world.dir / "pristine"
shutil.copytree(server.data, pristine)

# --- places

COLUMNS = {  # what stands where; how often it is tried
    "entries": (("entry", 6), ("body", 6), ("tree", 4), ("refs", 2), ("author", 1), ("n", 1), ("verdict", 1)),
    "besides": (("wraps", 4), ("links", 2), ("leaves", 2), ("count", 1)),
    "kem_keys": (("key", 3), ("hash", 1)),
    "rosters": (("roster", 3), ("size", 1)),
    "rooms": (("note", 3), ("size", 1), ("note_time", 1), ("kind", 1), ("id", 1)),
    "gates": (("signed", 4), ("half", 2), ("refs", 1), ("reason", 1), ("version", 1)),
    "blobs": (("sha256", 1), ("locator", 1), ("name", 1), ("size", 1), ("refs", 1)),
    "members": (("device", 1), ("access", 1)),
    "accounts": (("person", 1),),
    "sessions": (("sign_pk", 1), ("device", 1)),
}
SQL = [(table, column) for table, columns in COLUMNS.items() for column, weight in columns for _ in range(weight)]


def flip(data):
    at = rng.randrange(len(data))
    changed = bytearray(data)
    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed), at


def flip_column():
    table, column = rng.choice(SQL)
    db = sqlite3.connect(server.data / "meta.db")
    key = "rowid" if table not in ("members", "accounts", "sessions") else {"members": "device", "accounts": "person",
                                                                            "sessions": "token"}[table]
    rows = db.execute(f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL AND length({column}) > 0").fetchall()
    if not rows:
        return None
    row, value = rng.choice(rows)
    if isinstance(value, int):
        at, changed = "number", value ^ (1 << rng.randrange(16))
    elif isinstance(value, str):
        changed, at = flip(value.encode())
        changed = changed.decode("utf-8", "replace")
    else:
        changed, at = flip(value)
    try:
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (changed, row))
        db.commit()
    except sqlite3.IntegrityError:
        return None
    db.close()
    return f"{table}.{column} row {row if isinstance(row, int) else row.hex()[:8]} at {at}"


def flip_file(path):
    changed, at = flip(path.read_bytes())
    path.write_bytes(changed)
    return f"{path.relative_to(server.data)} byte {at}"


def flip_blob():
    return flip_file(rng.choice(sorted(p for p in (server.data / "blobs").rglob("*") if p.is_file())))


def flip_somewhere():
    kind = rng.random()
    if kind < 0.55:
        return flip_column()
    if kind < 0.75:
        return flip_blob()
    if kind < 0.98:
        return flip_file(server.data / "meta.db")
    return flip_file(server.data / "log.key")


def rows_of(db, table):
    return Counter(db.execute(f"SELECT * FROM {table}").fetchall())


def struck_tables():
    """Where the wrecked store differs from the pristine one; {"unreadable"} if that cannot be told."""
    stores = []
    for data in (pristine, server.data):
        db = sqlite3.connect(f"file:{data / 'meta.db'}?mode=ro&immutable=1", uri=True)
        db.text_factory = bytes
        stores.append(db)
    good, bad = stores
    names = {name.decode(): table.decode() for name, table in good.execute("SELECT name, tbl_name FROM sqlite_master")}
    try:
        struck = {table for table in set(names.values()) if rows_of(good, table) != rows_of(bad, table)}
        notes = [Counter(db.execute("SELECT note FROM rooms").fetchall()) for db in stores]
        struck |= {"checkpoints"} if notes[0] != notes[1] else set()
        for (trouble,) in bad.execute("PRAGMA integrity_check"):
            struck |= {table for name, table in names.items() if name.encode() in trouble}
    except sqlite3.Error:
        struck = {"unreadable"}
    for db in stores:
        db.close()
    return struck


# --- what devices make of it

SAYS_DAMAGED = ("its store is damaged", "this server's store is damaged", "the blob store has lost a blob")
KNOWS, LETS_IN = {"members"}, {"members", "gates", "rooms"}
outcomes, elsewhere = Counter(), []


def judge(result, who):
    """Why this end is not one of those that are allowed, or None."""
    if result.status == 4:
        outcomes[f"{who}: 4"] += 1
        outcomes[re.sub(r"[0-9a-f]{16,}|\d+|/\S+|room-?\S*:", "…", result.err.strip())] += 1
        return None
    if result.status in ((1, 5) if who == "joins" else (1,)) and any(word in result.err for word in SAYS_DAMAGED):
        outcomes[f"{who}: 1, the server's store"] += 1
        outcomes[re.sub(r"[0-9a-f]{16,}|\d+|/\S+", "…", result.err.strip())] += 1
        return None
    spared = LETS_IN if who in ("joins", "writes") else KNOWS
    if struck and struck <= spared and result.status in (1, 3) and "the server says: " in result.err:
        outcomes[f"{who}: the server refuses ({', '.join(sorted(struck))})"] += 1
        return None
    return "neither 4 nor the server's own word"


def look(home, who, wanted):
    """None if this device ends as it may."""
    shown, failed = state(home)
    if failed:
        return judge(failed, who) and (judge(failed, who), *failed.why())
    if shown != wanted:
        return ("another state", *[f"{s} instead of {w}"[:1500] for s, w in zip(shown, wanted) if s != w])
    verified = home.run("verify", "acme")
    if verified.status:
        return judge(verified, who) and (judge(verified, who), *verified.why())
    outcomes[f"{who}: true"] += 1
    return None


def join(home):
    result = home.run("join", link, "--room", "acme")
    if result.status:
        return judge(result, "joins") and (judge(result, "joins"), *result.why())
    shown, failed = state(home)
    if failed:
        return judge(failed, "joins") and (judge(failed, "joins"), *failed.why())
    if [m["text"] for m in shown[0]["messages"]] != [m["text"] for m in truth[0]["messages"]]:
        return ("another state", str(shown[0])[:1500])
    outcomes["joins: true"] += 1
    return None


def write(home, reader):
    """On a damaged store: written and read by the other one, or kept, or a clear word."""
    result = home.run("say", "acme", "more")
    if result.status == 5 and any(word in result.err for word in SAYS_DAMAGED):
        outcomes["writes: 5, kept"] += 1
        return None
    if result.status:
        return judge(result, "writes") and (judge(result, "writes"), *result.why())
    shown, failed = state(reader)
    if failed:
        return judge(failed, "reads it") and (judge(failed, "reads it"), *failed.why())
    texts = [m["text"] for m in truth[0]["messages"]]
    if [m["text"] for m in shown[0]["messages"]] != [*texts, "more"]:
        return ("another state after a write", str(shown[0])[-1500:])
    outcomes["writes: true"] += 1
    return None


def wreck():
    """A copy of the store with one byte changed."""
    while True:
        shutil.rmtree(server.data)
        shutil.copytree(pristine, server.data)
        place = flip_somewhere()
        if place:
            return place


for i in range(PLACES):
    place = wreck()
    struck = struck_tables()
    server.launch()
    while not server.is_up() and server.process.poll() is None:
        pass
    if server.process.poll() is not None:
        tail = server.log.read_text(errors="replace")[-400:]
        if not ok(server.process.poll() == 1 and "damaged" in tail, f"{place}: the server says that it is damaged", tail):
            elsewhere.append(place)
        outcomes["the server refuses to start"] += 1
        world.processes.remove(server.process)
        continue
    homes = []
    troubles = []
    fresh = ada.copy(f"fresh-{i}")
    homes.append(fresh)
    for db in (fresh.path / "rooms").glob("*.db*"):
        db.unlink()
    if i % 2:
        for pin in (fresh.path / "pins").iterdir():
            pin.unlink()
    troubles.append(("a fresh device", look(fresh, "fresh", truth)))
    if i % 3 == 0:
        old = bob.copy(f"old-{i}")
        homes.append(old)
        troubles.append(("one that was here", look(old, "old", bobs_truth)))
    if i % 3 == 1 or place.startswith(("gates", "besides", "kem_keys")):
        new = dan.copy(f"new-{i}")
        homes.append(new)
        troubles.append(("one that joins", join(new)))
    if i % 3 == 2:
        old = bob.copy(f"writes-{i}")
        homes.append(old)
        troubles.append(("one that writes", write(old, fresh)))
    alive = server.process.poll() is None
    server.kill()
    bad = [(who, why) for who, why in troubles if why]
    ok(not bad and alive, place + (f" ({', '.join(sorted(struck))})" if place.startswith("meta.db") else ""),
       *(() if alive else ("the server died", server.log.read_text(errors="replace")[-800:])),
       *(f"{who}: {line}" for who, why in bad for line in why))
    for home in homes:
        world.homes.remove(home)
        shutil.rmtree(home.path)
    if bad or not alive:
        elsewhere.append(place)
        note(f"seed {seed}, place number {i}")

note(*(f"{what}: {times}" for what, times in sorted(outcomes.items())))
is_(elsewhere, [], "no byte changed in the server's store led to another state, or to a crash")
ok(any("4" in what for what in outcomes) and any("true" in what for what in outcomes), "both ends occurred")
shutil.rmtree(server.data)
shutil.copytree(pristine, server.data)
server.start()
is_(state(bob)[0], bobs_truth, "with the store as it was, all is as it was")
done()
