#!/usr/bin/env python3
"""A server that raises alarm upon alarm which convict nobody, until no more are kept, and then signs another history:
what convicts it is kept all the same."""

import os
import pathlib
import sys
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import liar as lies
from hands import Hands
from tap import done, is_, ok
from world import World

KEPT = 64  # alarms that wait, at most, which convict nobody

world = World()


class Flood(lies.Liar):
    """Its notes are of the first so many entries, and of the past."""
    upto = None

    def note(self):
        whole, self.leaves = self.leaves, self.leaves[:self.upto]
        try:
            return super().note()
        finally:
            self.leaves = whole


flood = Flood(world)
ada, bob = world.room_of_two(flood.server)
for i in range(KEPT):
    ada.must("say", "acme", str(i))
flood.take(Hands(ada).look())
is_(ada.run("read", "acme").status, 0, "nothing is wrong yet")


def alarms():
    return ada.must("status", "--offline", "--json").json()["rooms"][0]["alarms"]


def convicted(alarm):
    return ada.must("check", alarm["evidence"], "--json").json()["convicts"]


lies.time = types.SimpleNamespace(time=lambda: time.time() - 3600)
for flood.upto in range(1, KEPT + 2):
    told = ada.run("read", "acme")
    if told.status != 4:
        break
is_((told.status, len(alarms())), (4, KEPT), "older notes shown again are alarms, and so many are kept", *told.why())
is_([a["id"] for a in alarms() if convicted(a)], [], "which convict nobody")
lies.time, flood.upto = time, None
flood.leaves[-1] = os.urandom(32)
told = ada.run("read", "acme")
is_(told.status, 4, "another history is one too", *told.why())
ok("the evidence was saved" in told.err, "whose evidence is saved", told.err)
is_([c["role"] for a in alarms() for c in convicted(a)], ["server"], "and convicts the server")
done()
