#!/usr/bin/env python3
"""A server that goes back to an older state, or shows two histories: devices that know better say so with exit 4, keep
the evidence and what they hold, and go on when the right history is back. Nothing that was kept is lost."""

import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
ada.must("say", "acme", "one")
bob.must("read", "acme")


def convicts(home, what, *args):
    """Exit 4, one line that names the room, evidence that is there."""
    result = home.run(*args)
    is_(result.status, 4, what, *result.why())
    ok(re.search(r"acme|your own room|the new room", result.err) and result.err.count("\n") == 1, f"{what}: one line names the room", result.err)
    named = re.search(r"evidence was saved in (/\S+)", result.err)
    ok(named and pathlib.Path(named[1]).stat().st_size > 0, f"{what}: the evidence is there", result.err)
    return result


# --- back to an older state

server.keep("early")
server.start()
ada.must("say", "acme", "two")
bob.must("read", "acme")
server.keep("late")
server.bring("early")
convicts(ada, "read of a log that lost entries", "read", "acme")
convicts(bob, "verify of it", "verify", "acme")
convicts(bob, "say to it", "say", "acme", "said to the early one")
held = [m["text"] for m in ada.must("read", "acme", "--offline", "--json").json()["messages"]]
is_(held, ["one", "two"], "what the device holds stays")
shutil.copytree(ada.path, world.dir / "home-blank")
blank = world.home("blank", server)
for db in (blank.path / "rooms").glob("*.db*"):
    db.unlink()
result = blank.run("read", "acme")
is_(result.status, 4, "a device that lost its database, and has its pins, knows too", *result.why())

# --- two histories from the same beginning

said = ada.run("say", "acme", "not to be lost")
is_(said.status, 4, "what is written meanwhile is not sent there", *said.why())
eve = world.person("eve", server)
server.bring("late")
is_(ada.run("refresh").status, 0, "with the right history back, all goes on")
is_(bob.run("refresh").status, 0, "for both")
texts = bob.messages()
is_(sorted(texts), ["not to be lost", "one", "said to the early one", "two"], "and what waited is there, once")
is_([h.run("verify", "acme").status for h in (ada, bob)], [0, 0], "and verifies")

server.keep("left")
server.bring("left")
ada.must("say", "acme", "said on the left")
server.keep("left-after")
server.bring("left")
bob.must("say", "acme", "said on the right")
convicts(ada, "the other history, of the same length", "read", "acme")
bob.must("say", "acme", "and more on the right")
convicts(ada, "and when it is longer", "read", "acme")
convicts(ada, "verify of it", "verify", "acme")
is_([m["text"] for m in ada.must("read", "acme", "--offline", "--json").json()["messages"]][-1], "said on the left", "the device keeps its own")
server.bring("left-after")
is_(ada.run("verify", "acme").status, 0, "which is right again when the server shows it")
convicts(bob, "now the other device knows", "read", "acme")
done()
