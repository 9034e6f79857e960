#!/usr/bin/env python3
"""privityd admin backup, verify-backup and restore: taken while people write, resumed after kill -9, refused where they
would write over something; and what a server that was put back says.

PRIVITY_LONG=1 kills more often; PRIVITY_SEED repeats a run."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, note, ok
from world import LONG, World

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
world = World()
server = world.server()
ada, bob = world.room_of_two(server)


def admin(data, *args):
    return server.admin(*args, data=data)


def put(home, name, size):
    path = world.dir / name
    path.write_bytes(rng.randbytes(size))
    home.must("put", "acme", path)
    return path


backup, key = world.dir / "backup", world.dir / "key"

# --- taking one while people write

first = put(ada, "first", 900_000)
stop = threading.Event()
said = []


def write():
    while not stop.is_set():
        text = f"while {len(said)}"
        if bob.run("say", "acme", text).status == 0:
            said.append(text)


writer = threading.Thread(target=write)
writer.start()
while len(said) < 3:
    time.sleep(0.01)
before = list(said)
taken = admin(server.data, "backup", backup, key)
stop.set()
writer.join()
is_(taken.status, 0, "a backup is taken while someone writes", taken.err)
ok("rooms" in taken.out, "and counts what it holds", taken.out)
is_(backup.stat().st_mode & 0o777, 0o700, "its directory is the operator's alone")
is_({p.stat().st_mode & 0o077 for p in backup.rglob("*") if p.is_file()}, {0}, "and so is every file in it")
is_(key.read_bytes(), (server.data / "log.key").read_bytes(), "the log key lies where it was asked for")
ok(not (backup / "log.key").exists(), "and nowhere else")
whole = admin(server.data, "verify-backup", backup)
is_(whole.status, 0, "it is whole", whole.err)
told = json.loads(admin(server.data, "--json", "verify-backup", backup).out)
ok(told["rooms"] > 0 and told["blobs"] > 0 and str(told["entries"]) in whole.out, "and counted as JSON too", str(told))

second = put(bob, "second", 700_000)
blobs = lambda: {p.name: p.stat().st_ino for p in (backup / "blobs").glob("??/*")}
was = blobs()
again = admin(server.data, "backup", "--json", backup)
is_((again.status, json.loads(again.out)["blobs_lost"]), (0, 0), "a second one into the same directory", again.err)
now = blobs()
ok(was and all(now.get(name) == inode for name, inode in was.items()), "copies no blob again")
ok(len(now) > len(was), "but the new ones")
is_(len(list(backup.glob("meta.*"))), 1, "and leaves one copy of the metadata")
is_(admin(server.data, "verify-backup", backup).status, 0, "which is whole")

# --- kill -9 while it is taken

put(ada, "third", 3_000_000)
for attempt in range(40 if LONG else 10):
    process = world.spawn([world.server_bin, "--data", server.data, "admin", "backup", backup],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0, 0.08))
    process.kill()
    process.wait()
    checked = admin(server.data, "verify-backup", backup)
    if checked.status:
        break
is_(checked.status, 0, "however often it is killed, what stands is the last whole one", checked.err)
is_(admin(server.data, "backup", backup).status, 0, "and the next one goes on")
is_(admin(server.data, "verify-backup", backup).status, 0, "to a whole one")

# --- what is refused

foreign = world.dir / "foreign"
foreign.mkdir(mode=0o700)
(foreign / "holiday.jpg").write_text("sun")
refused = admin(server.data, "backup", foreign)
ok(refused.status != 0 and "not empty" in refused.err, "a directory with something else in it is left alone", refused.err)
is_([p.name for p in foreign.iterdir()], ["holiday.jpg"], "untouched")
shared = world.dir / "shared"
shared.mkdir(mode=0o755)
shared.chmod(0o755)
ok(admin(server.data, "backup", shared).status != 0, "one that others can read is refused")
refused = admin(server.data, "restore", backup)
ok(refused.status != 0 and ("works on" in refused.err or "is there" in refused.err), "over a running server nothing is restored",
   refused.err)
other_key = world.dir / "other"
is_(admin(server.data, "backup", world.dir / "more", foreign / "holiday.jpg").status != 0, True,
    "another file is never written over with the key")
last = ada.messages()
server.stop()
refused = admin(server.data, "restore", backup)
ok(refused.status != 0 and "is there" in refused.err, "nor over a stopped one", refused.err)

# --- damage is found

damaged = world.dir / "damaged"
shutil.copytree(backup, damaged)
victim = sorted((damaged / "blobs").glob("??/*"))[0]
content = bytearray(victim.read_bytes())
content[len(content) // 2] ^= 1
victim.write_bytes(content)
found = admin(server.data, "verify-backup", damaged)
ok(found.status != 0 and "blobs are missing or damaged" in found.err, "a flipped bit in a blob is found", found.err)
aside = victim.with_name(victim.name + ".damaged")
ok(f"damaged, and set aside as {aside}\n" in found.err, "and its file is set aside, and named", found.err)
is_((victim.exists(), aside.read_bytes()), (False, bytes(content)), "with what is left of it")
found = admin(server.data, "verify-backup", damaged)
ok(found.status != 0 and f"missing: {victim}\n" in found.err, "it is missed from then on", found.err)
healed = admin(server.data, "--json", "backup", damaged)
is_((healed.status, json.loads(healed.out)["blobs_copied"]), (0, 1), "a further backup copies it anew", healed.err)
is_(victim.read_bytes(), (backup / victim.relative_to(damaged)).read_bytes(), "whole")
is_(admin(server.data, "verify-backup", damaged).status, 0, "and all is whole again")
meta = next(damaged.glob("meta.*"))
content = bytearray(meta.read_bytes())
content[-100] ^= 1
meta.write_bytes(content)
found = admin(server.data, "verify-backup", damaged)
ok(found.status != 0 and "not what the backup's manifest names" in found.err, "one in the metadata too", found.err)
fresh = world.dir / "fresh"
ok(admin(fresh, "restore", damaged, key).status != 0 and not (fresh / "meta.db").exists(), "and is not put back")
manifest = bytearray((damaged / "manifest").read_bytes())
manifest[20] ^= 1
(damaged / "manifest").write_bytes(manifest)
ok("manifest" in admin(server.data, "verify-backup", damaged).err, "so is one in the manifest")

# --- putting it back, killed on the way

lost = world.dir / "lost"
server.data.rename(lost)
ok(admin(server.data, "restore", backup).status != 0, "without the log key nothing is restored")
wrong = world.server("elsewhere")
wrong.stop()
refused = admin(server.data, "restore", backup, wrong.data / "log.key")
ok(refused.status != 0 and "not that of the backup" in refused.err, "nor with another server's", refused.err)
(server.data / "log.key.new").write_bytes(b"of a restore that was cut")
for what in (first.read_bytes()[:64], b""):
    no_key = world.dir / "no-key"
    no_key.write_bytes(what)
    refused = admin(server.data, "restore", backup, no_key)
    ok(refused.status != 0 and f"{no_key} is no log key, or damaged" in refused.err, f"nor with {len(what)} bytes that are none",
       refused.err)
is_([p.name for p in server.data.glob("log.key*")], [], "and no key is left there")
shutil.rmtree(server.data)
for attempt in range(40 if LONG else 10):
    process = world.spawn([world.server_bin, "--data", server.data, "admin", "restore", backup, key],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.uniform(0, 0.05))
    process.kill()
    process.wait()
    if (server.data / "meta.db").exists():
        break
if not (server.data / "meta.db").exists():
    restored = admin(server.data, "restore", backup, key)
    is_(restored.status, 0, "it is put back in the end", restored.err)
else:
    ok(True, "it is put back in the end")
for name in ("meta.db", "log.key"):
    is_((server.data / name).stat().st_mode & 0o777, 0o600, f"{name} is the server's alone")
server.start()

# --- what such a server does

is_(ada.messages()[:len(before)], last[:len(before)], "what was in the backup is read")
got = world.dir / "got"
got.mkdir()
is_(ada.run("get", "acme", "first", "-o", got).status, 0, "files too")
is_((got / "first").read_bytes(), first.read_bytes(), "as they were")
waits = ada.run("say", "acme", "meanwhile")
is_(waits.status, 5, "what is written waits for those who may have more", waits.err)
ok("restored from a backup" in waits.err, "and says why", waits.err)
is_(bob.run("say", "acme", "here I am").status, 0, "until they come")
is_(ada.run("refresh").status, 0, "then it is sent")
# --- while an upload is under way

large = world.dir / "large"
large.write_bytes(rng.randbytes(24_000_000))
upload = world.spawn([world.bin / "privity", "put", "acme", large], env=ada.clocked(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
half = lambda: sorted((server.data / "blobs/tmp").iterdir())
stopped = []
while not stopped and upload.poll() is None:
    if not half():
        time.sleep(0.001)
        continue
    upload.send_signal(signal.SIGSTOP)
    time.sleep(0.2)  # what is in the sockets arrives
    stopped = half()
    if not stopped:
        upload.send_signal(signal.SIGCONT)
ok(stopped, "a blob is half here")
is_(admin(server.data, "stats").status, 0, "an operator's command meanwhile")
is_(half(), stopped, "leaves it where it is")
upload.send_signal(signal.SIGCONT)
is_(upload.wait(timeout=100), 0, "and it comes in whole", upload.stderr.read().decode())
is_(server.stop(), 0, "the server stops as ever")
done()
