#!/usr/bin/env python3
"""8 of the twelve: docs/RECOVERY.md, walked through: each section's commands are run as they stand, and what it promises is looked for."""

import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import ROOT, World

world = World()
server = world.server()
sections = {}
for title, text in re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", (ROOT / "docs/RECOVERY.md").read_text(), re.M | re.S):
    sections[int(title)] = "\n".join(re.findall(r"^```\n(.*?)^```$", text, re.M | re.S))
tap.is_(sorted(sections), list(range(7)), "there are seven sections")


class Scene:
    """Ada on a laptop and a phone, with two rooms; Bob, an owner too."""

    def __init__(self, number):
        self.dir = world.dir / f"section-{number}"
        self.dir.mkdir()
        self.homes = {}
        laptop, bob = self.home("laptop"), self.home("Bob's device")
        self.must(laptop, f"init --name Ada --device laptop --server {server.url} --kit kit.txt")
        self.must(bob, f"init --name Bob --server {server.url} --kit bob.txt")
        for room in ("acme", "second"):
            self.must(laptop, f"room new {room}")
            self.must(laptop, f"say {room} before")
            self.must(laptop, f"invite {room} --role owner >link")
            self.must(bob, f"join - --room {room} <link")
        self.must(self.home("phone"), "recover --name phone --kit kit.txt")

    def home(self, name):
        if name not in self.homes:
            self.homes[name] = world.home(f"{self.dir.name}-{re.sub('[^a-z]', '', name)}", server)
        return self.homes[name]

    def sh(self, home, line):
        path = f"{world.bin}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-c", line], cwd=self.dir, env={**home.env, "PATH": path}, capture_output=True, text=True,
                              timeout=120, check=False)

    def must(self, home, words):
        r = self.sh(home, "privity " + words)
        if r.returncode:
            tap.ok(False, words, r.stdout, r.stderr)
            sys.exit(1)
        return r.stdout

    def walk(self, number):
        """The section's commands; the outputs. A block's lines are for the device that the comment above them names."""
        out = []
        home = None
        for line in sections[number].replace("https://privity.example", server.url).splitlines():
            if line.startswith("# on "):
                home = self.home(line.removeprefix("# on ").removeprefix("the ").split(", who")[0])
                continue
            r = self.sh(home, line)
            out.append(r)
            tap.ok(r.returncode == 0, f"{number}: {line.replace(server.url, 'URL')}", r.stdout, r.stderr)
        return out

    def reads(self, name, room="acme"):
        r = self.sh(self.home(name), f"privity read {room} --limit 0")
        return r.returncode == 0 and r.stdout

    def is_out(self, name):
        return self.sh(self.home(name), "privity read acme").returncode == 3

    def writes(self, name, text):
        self.must(self.home(name), f"say acme '{text}'")
        return text in (self.reads("Bob's device") or "")


scene = Scene(0)
log = scene.must(scene.home("phone"), "log acme --json")
out = scene.walk(0)
tap.ok("works" in out[0].stdout, "it works, and says so", out[0].stdout)
tap.ok(log == scene.must(scene.home("phone"), "log acme --json"), "and nothing was changed")

scene = Scene(1)
scene.walk(1)
tap.ok(scene.is_out("laptop"), "the laptop is out")
tap.ok("before" in scene.reads("phone", "second"), "the phone reads")
tap.ok(scene.writes("phone", "from the phone"), "writes, and Bob reads it")
tap.ok(not scene.is_out("phone"), "and stays")

scene = Scene(2)
scene.walk(2)
tap.ok(scene.is_out("laptop") and scene.is_out("phone"), "both lost devices are out")
tap.ok("before" in scene.reads("a new device", "acme") and "before" in scene.reads("a new device", "second"), "all rooms are back with their history")
tap.ok(scene.writes("a new device", "back again"), "it writes, and Bob reads it")
scene.must(scene.home("a new device"), "recovery test --kit kit.txt")
tap.ok(True, "the kit goes on working")

scene = Scene(3)
scene.walk(3)
(scene.dir / "kit.txt").unlink()
scene.must(scene.home("other"), f"recover --name other --server {server.url} --kit new-kit.txt")
tap.ok("before" in scene.reads("other"), "with the new kit a device comes back")

scene = Scene(4)
new = "laptop, as the new person"
out = scene.walk(4)
tap.is_(next(r.stdout.split() for r in out if r.args[-1] == "privity rooms"), ["acme", "second"], "the new person has every room by the name that it had")
for room in ("acme", "second"):
    tap.ok("before" in (scene.reads(new, room) or ""), f"reads all of {room}")
    tap.is_(scene.sh(scene.home("laptop"), f"privity say {room} more").returncode, 3, "and the old one is out of it")
tap.ok(scene.writes(new, "it is me"), "the new one writes")
r = scene.sh(scene.home("finder"), f"privity recover --name finder --server {server.url} --kit kit.txt; privity refresh; privity read acme")
tap.ok("it is me" not in r.stdout, "whoever found the kit does not read it", r.stdout, r.stderr)

scene = Scene(5)
scene.must(scene.home("laptop"), "recovery add-kit --kit thief.txt")
scene.must(scene.home("thief"), f"recover --name thief --server {server.url} --kit thief.txt")
r = scene.sh(scene.home("phone"), "privity device revoke laptop")
tap.ok(r.returncode == 2 and "has added others" in r.stderr, "from the phone, one is told of the thief's kit", r.stderr)
out = scene.walk(5)
tap.is_(len(re.findall(r"\brevoked\b", out[1].stdout)), 4, "the list shows four revoked", out[1].stdout)
tap.ok(scene.is_out("laptop") and scene.is_out("thief"), "the thief is out with all that he made")
r = scene.sh(scene.home("thief again"), f"privity recover --name again --server {server.url} --kit thief.txt")
tap.ok(r.returncode == 1, "his kit is of no use any more", r.stderr)
tap.ok(scene.writes("a new device", "mine again"), "Ada writes, and Bob reads it")

scene = Scene(6)
bob = scene.home("Bob's device")
tap.ok(scene.sh(bob, "privity remove acme Ada").returncode == 3, "the eldest owner cannot be removed")
scene.walk(6)
tap.ok("before" in scene.reads("a new device"), "the new person reads the whole history")
tap.ok(scene.writes("a new device", "a new me"), "and writes")
scene.must(bob, "room new next")
scene.must(bob, "invite next >link")
tap.ok("next" in scene.must(scene.home("a new device"), "join - --room next <link"), "a new room can be gone on in")
tap.done()
