#!/usr/bin/env python3
"""Nine members change their devices between two words: eight are named before the next is sent, the rest by one line; who
was verified is named in any case."""

import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

OTHERS = 10  # the last of them is verified

world = World()
server = world.server()
ada = world.person("ada", server)
ada.must("room", "new", "acme")
link = ada.must("invite", "acme", "--uses", str(OTHERS)).out.strip()


def member(number):
    home = world.person(f"member{number}", server)
    home.must("join", link, "--room", "acme")
    return home


with ThreadPoolExecutor(4) as pool:
    members = list(pool.map(member, range(OTHERS)))
    ada.must("say", "acme", "welcome")
    ada.must("safety", "acme", members[-1].name, "--compared")
    list(pool.map(lambda home: home.pair(f"{home.name}-phone"), members))

said = ada.run("say", "acme", "who are you all?")
is_(said.status, 0, "a word to all of them goes out", *said.why())
named = [line for line in said.err.splitlines() if "since this device last wrote here" in line]
is_(len(named), 8, "eight whose devices changed are named", said.err)
rest = [line for line in said.err.splitlines() if "other members' devices changed, too" in line]
is_(len(rest), 1, "of the others it is said once", said.err)
ok("privity members acme --json" in "".join(rest), "and where to look", said.err)
careful = [line for line in said.err.splitlines() if "CAREFUL" in line]
ok(len(careful) == 1 and members[-1].name in careful[0], "the one whom Ada verified has a line of his own", said.err)
again = ada.run("say", "acme", "once more")
ok(again.status == 0 and "changed" not in again.err, "the next word says it of nobody again", *again.why())
done()
