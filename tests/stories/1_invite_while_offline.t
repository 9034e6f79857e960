#!/usr/bin/env python3
"""Story 1: Ada makes a room and invites; she is offline while Bob, who is new, joins; both write."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server(registration="invite")  # nobody has an account who was not asked in
code = world.dir / "code"
code.write_text(subprocess.run([world.server_bin, "--data", server.data, "admin", "invite"], env=world.env, check=True,
                               capture_output=True, text=True).stdout)
ada = world.person("Ada", server, "--registration-file", code)
ada.must("room", "new", "acme")
ada.must("say", "acme", "before anyone came")
for_bob = ada.must("invite", "acme").out.strip()
for_carol = ada.must("invite", "acme", "--role", "viewer").out.strip()

# From here on Ada is offline: nothing of hers reaches the server.
away = ada.run("say", "acme", "from the train", "--offline")
is_(away.status, 5, "Ada, offline, writes; it waits", *away.why())

bob = world.home("Bob", server)
joined = bob.run("join", for_bob, "--as", "Bob", "--kit", bob.kit, "--room", "acme")
is_(joined.status, 0, "Bob, who is new, joins by the link alone", *joined.why())
said = bob.run("say", "acme", "Bob is here")
is_(said.status, 0, "and writes at once", *said.why())
carol = world.home("Carol", server)
joined = carol.run("join", for_carol, "--as", "Carol", "--kit", carol.kit, "--room", "acme")
is_(joined.status, 0, "so does Carol, as a viewer", *joined.why())
said = carol.run("say", "acme", "Carol too")
is_(said.status, 0, "who makes the new keys that are due, and writes", *said.why())
is_(bob.messages(), ["before anyone came", "Bob is here", "Carol too"], "Bob reads all, also what was before him")

back = ada.run("refresh")
is_(back.status, 0, "Ada comes back", *back.why())
want = ["before anyone came", "Bob is here", "Carol too", "from the train"]
for home in (ada, bob, carol):
    is_(home.messages(), want, f"{home.name} reads all four, each once")
    is_([r["unsent"] for r in home.must("status", "--json").json()["rooms"]], [0], "and has nothing that waits")
members = {m["name"]: m["role"] for m in ada.must("members", "acme", "--json").json()["members"]}
is_(members, {"Ada": "owner", "Bob": "editor", "Carol": "viewer"}, "Ada sees who came")
ok(all(home.run("verify", "acme").status == 0 for home in (ada, bob, carol)), "and the room verifies for everyone")
done()
