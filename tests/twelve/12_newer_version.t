#!/usr/bin/env python3
"""12 of the twelve, an old client: it meets an entry, a change of the roster, a kind and a payload of a newer version. What
it cannot judge stops that room with words and without an alarm, what it cannot show it keeps; other rooms go on."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, TALK, WORK, Hands, bundle, encode, follow
from liar import Liar
from tap import done, is_, ok
from world import World

for what, kind, version in (("an entry of version 2", TALK, 2), ("a kind that is not there yet", 5, 1),
                            ("a change of the roster that is not there yet", ROSTER, 1)):
    world = World()
    liar = Liar(world)
    ada, bob = world.room_of_two(liar.server)
    ada.must("say", "acme", "one")
    bob.must("refresh")
    hands = Hands(bob)
    ada.must("room", "new", "other")
    ada.must("say", "other", "elsewhere")

    # A payload of a later type is nothing to stop at.
    room = hands.look()
    entry, body = hands.sealed(room, WORK, [99, os.urandom(16), "something new"])
    is_(hands.send(room, [bundle(entry, body)]), (200, [(0, "none")]), "a payload of a later type is let in")
    follow(hands, room, entry, body)
    bob.must("say", "acme", "two")
    is_(ada.messages(), ["one", "two"], "and passed over")
    is_(ada.run("verify", "acme").status, 0, "it is no fault in the room")

    # What cannot be judged is.
    room = hands.look()
    liar.take(room)
    body = encode([77, "whatever"]) if kind == ROSTER else os.urandom(64)
    header = hands.header(room, kind, body, version=version, epoch=max(room.epochs))
    entry = hands.sign(header)
    liar.let_in(entry, body)
    follow(hands, room, entry, body)
    later, words = hands.words(room, "behind it")
    liar.let_in(later, words)
    for again in ("", ", and again"):
        stopped = ada.run("read", "acme")
        is_(stopped.status, 1, f"{what}: an old program stops{again}", *stopped.why())
        ok("newer privity" in stopped.err and "update" in stopped.err, "and says that a newer one is needed", stopped.err)
    is_(ada.messages("acme", "--offline"), ["one", "two"], "what came before it is there, and nothing behind it")
    kept = ada.run("say", "acme", "not lost")
    ok(kept.status in (1, 5), "what is written waits", *kept.why())
    is_([m["pending"] for m in ada.must("read", "acme", "--offline", "--json").json()["messages"]][-1], True, "and is kept")
    status = ada.must("status", "--json").json()
    is_([r["alarms"] for r in status["rooms"]], [[], []], "there is no alarm")
    is_(ada.run("say", "other", "still").status, 0, "other rooms go on")
    is_(ada.messages("other"), ["elsewhere", "still"], "as ever")
    world.close()
done()
