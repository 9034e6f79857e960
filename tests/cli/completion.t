#!/usr/bin/env python3
"""Completing a room's name in bash runs nothing that the name says, and writes it so that the command line does not
either; and a room that is joined without a name of one's own gets one that no shell reads anything into."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import World

NAMES = ["$(touch${IFS}ran1)", "`touch${IFS}ran2`;touch ran3", "acme 'n' \"co\" \\ *", "plain"]
COMPLETE = """. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _privity; printf '%s\\n' "${COMPREPLY[@]}" """

world = World()
server = world.server()
ada = world.person("ada", server)
for name in NAMES:
    ada.must("room", "new", name)
script = world.dir / "completion"
script.write_text(ada.must("help", "--completion", "bash").out)
empty = world.dir / "empty"
empty.mkdir()


def bash(code, *words):
    done = subprocess.run(["bash", "-c", code, "bash", *words], cwd=empty, capture_output=True, text=True, check=False, timeout=60,
                          env=dict(ada.env, PATH=f"{world.bin}{os.pathsep}{os.environ['PATH']}"))
    return done.stdout


offered = bash(COMPLETE, str(script), "privity", "read", "").splitlines()
tap.is_(len(offered), len(NAMES), "each room is offered", str(offered))
tap.is_(os.listdir(empty), [], "and nothing is run that a name says")
tap.is_(sorted(bash("printf '%s\\n' " + word).rstrip("\n") for word in offered), sorted(NAMES), "as a word that the shell reads as that name")
tap.is_(os.listdir(empty), [], "and as nothing else")
tap.is_(bash(COMPLETE, str(script), "privity", "read", "pl"), "plain\n", "by its begin")
tap.is_(len(bash(COMPLETE, str(script), "privity", "read", "acme\\ ").splitlines()), 1, "also as it stands on the line already")

r = ada.run("role", NAMES[0], "nobody", "owner")
tap.ok(r.err.rstrip().endswith(f"privity members '{NAMES[0]}'"), "in a command that is shown to be run, it is quoted", *r.why())

mallory = world.person("mallory", server)
mallory.must("room", "new", "trap")
helper = world.person("helper", server)
helper.must("join", mallory.must("invite", "trap", "--role", "owner").out.strip(), "--room", "trap", "--as", "$(touch${IFS}ran4) & \u00c5sa's")
made = ada.must("join", helper.must("invite", "trap").out.strip(), "--json").json()["name"]
tap.is_(made, "--touch--IFS-ran4----\u00c5sa-s".lstrip("-"), "who names no room gets no name of the inviter's making that a shell reads more into")
tap.ok(not (pathlib.Path(empty) / "ran4").exists(), "and nothing ran")
hidden = world.person("hidden", server)
hidden.must("join", mallory.must("invite", "trap", "--role", "owner").out.strip(), "--room", "trap", "--as", "\u009b2J\u202eroom")
bob = world.person("bob", server)
made = bob.must("join", hidden.must("invite", "trap").out.strip(), "--json").json()["name"]
tap.ok(made.isascii() and not set(made) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+@-"), "nor one that nobody sees or can type", made)
tap.done()
