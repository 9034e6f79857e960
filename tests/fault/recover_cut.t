#!/usr/bin/env python3
"""`recover` and `device revoke` killed at any moment: run again, they end as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, "tests/lib")
import tap
from world import LONG, World

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
random.seed(seed)
tap.note(f"PRIVITY_SEED={seed}")
world = World()
server = world.server()
ada, bob = world.home("ada", server), world.person("bob", server)
ada.must("init", "--name", "Ada", "--server", server.url, "--kit", world.dir / "ada.kit")
for room in ("acme", "hooli"):
    ada.must("room", "new", room)
    ada.must("say", room, "before")
bob.must("join", ada.must("invite", "acme", "--role", "editor").out.strip(), "--room", "acme")
kit = (world.dir / "ada.kit").read_bytes()


# Opening a keystore is what each command begins with, and most of what it lasts: on a fast machine strikes come sooner.
ada.must("lock")
began = time.monotonic()
ada.must("unlock")
pace = time.monotonic() - began


def strike(home, *args):
    """Kill the command at a random moment; True if it was done before that."""
    p = home.start(*args, stdin=subprocess.PIPE)
    p.stdin.write(kit)
    p.stdin.close()
    try:
        p.wait(random.expovariate(1 / pace))
        done = p.returncode == 0
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGKILL)
        p.wait()
        done = False
    p.stdout.close()
    p.stderr.close()
    return done


rounds, killed = (20 if LONG else 3), 0
for i in range(rounds):
    phone = world.home(f"phone{i}", server)
    recover = ("recover", "--name", f"phone{i}", "--server", server.url)
    for _ in range(8):
        if strike(phone, *recover):
            break
        killed += 1
    r = phone.run(*recover, stdin=kit)
    if r.status == 1 and "move that directory away" in r.err: # killed while the home was made: as one is told
        phone.path.rename(world.dir / f"away{i}")
        r = phone.run(*recover, stdin=kit)
    tap.is_(r.status, 0, f"round {i}: recovering ends well", *r.why())
    devices = [d for d in phone.must("devices", "--json").json()["devices"] if not d["revoked"] and not d["paper"]]
    tap.is_(len(devices), 2, "the person has the device before it and this one, no more", devices)
    for room in ("acme", "hooli"):
        tap.ok("before" in phone.must("read", room, "--limit", "0").out, f"which reads {room}")
    last = next(d["id"] for d in devices if not d["current"])
    for _ in range(8):
        if strike(phone, "device", "revoke", last[:16]):
            break
        killed += 1
    r = phone.run("device", "revoke", last[:16])
    tap.is_(r.status, 0, "revoking the one before ends well", *r.why())
    tap.is_(phone.run("say", "acme", f"round {i}").status, 0, "and the person writes")
    members = bob.must("members", "acme", "--json").json()["members"]
    own = next(m for m in members if m["name"] == "Ada")
    tap.is_(len(own["devices"]), 2, "in whose room are this device and the kit", own)
tap.ok(killed > rounds, f"it was killed {killed} times")
tap.is_([t for t in bob.messages() if t != "before"], [f"round {i}" for i in range(rounds)], "Bob has every word once")
tap.done()
