#!/usr/bin/env python3
"""`recover` and `device revoke` killed at any moment: run again, they end as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys

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


class Killer:
    """Kills commands at random moments: later after each one that fell, sooner after each that was done before the blow."""

    def __init__(self):
        self.mean_seconds = 0.2
        self.killed = 0

    def strike(self, home, *args):
        """True if the command was done first."""
        p = home.start(*args, stdin=subprocess.PIPE)
        p.stdin.write(kit)
        p.stdin.close()
        try:
            p.wait(random.expovariate(1 / self.mean_seconds))
            done = p.returncode == 0
            self.mean_seconds /= 2
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGKILL)
            p.wait()
            done = False
            self.killed += 1
            self.mean_seconds *= 1.2
        p.stdout.close()
        p.stderr.close()
        return done

    def strike_until_done(self, *args):
        for _ in range(8):
            if self.strike(*args):
                break


rounds = 0
recovering, revoking = Killer(), Killer()
while rounds < (20 if LONG else 3) or rounds < 40 and min(recovering.killed, revoking.killed) < 2:
    i, rounds = rounds, rounds + 1
    phone = world.home(f"phone{i}", server)
    recover = ("recover", "--name", f"phone{i}", "--server", server.url)
    recovering.strike_until_done(phone, *recover)
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
    revoking.strike_until_done(phone, "device", "revoke", last[:16])
    r = phone.run("device", "revoke", last[:16])
    tap.is_(r.status, 0, "revoking the one before ends well", *r.why())
    tap.is_(phone.run("say", "acme", f"round {i}").status, 0, "and the person writes")
    members = bob.must("members", "acme", "--json").json()["members"]
    own = next(m for m in members if m["name"] == "Ada")
    tap.is_(len(own["devices"]), 2, "in whose room are this device and the kit", own)
tap.ok(recovering.killed >= 2, f"recovering was killed {recovering.killed} times")
tap.ok(revoking.killed >= 2, f"revoking was killed {revoking.killed} times")
tap.is_([t for t in bob.messages() if t != "before"], [f"round {i}" for i in range(rounds)], "Bob has every word once")
tap.done()
