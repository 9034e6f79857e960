#!/usr/bin/env python3
"""A thief adds devices until the person has no room for another: the kit brings the person back all the same."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import ROOT, World

world = World()
server = world.server()
ada, bob = world.person("Ada", server), world.person("Bob", server)
ada.must("room", "new", "acme")
bob.must("join", ada.must("invite", "acme", "--role", "owner").out.strip(), "--room", "acme")
crowd = subprocess.run([str(ROOT / "build/native/tests/tools/crowd")], capture_output=True, text=True, env=ada.env, check=False, timeout=120)
is_(crowd.returncode, 0, "the thief adds devices", crowd.stderr)
is_(len(ada.must("devices", "--json").json()["devices"]), 64, "until there is no place for another")
ada.must("refresh")

new = world.home("Ada-2", server)
kit = ada.kit.read_bytes()
full = new.run("recover", "--name", "new", "--server", server.url, stdin=kit)
ok(full.status != 0 and "--revoke-others" in full.err, "the kit adds none, and says what helps", *full.why())
recovered = new.run("recover", "--name", "new", "--server", server.url, "--revoke-others", "--json", stdin=kit)
is_(recovered.status, 0, "which does", *recovered.why())
is_([d["name"] or "kit" for d in new.must("devices", "--json").json()["devices"] if not d["revoked"]], ["kit", "new"], "all others are gone")
bob.must("say", "acme", "after it")
is_(ada.run("read", "acme").status, 3, "the thief is out")
is_(new.messages("acme"), ["after it"], "and Ada reads on")
done()
