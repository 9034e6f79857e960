#!/usr/bin/env python3
"""11 of the twelve, a flood: a member writes without end, by three programs and by hand, to keep a removal out."""

import pathlib
import sys
import threading
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, Hands, bundle, encode
from tap import done, is_, note, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
hands = Hands(bob)
written, by_hand, over = [], [], threading.Event()


def flood(number):
    while 3 not in written and not over.is_set():
        written.append(bob.run("say", "acme", f"{number}.{len(written)}").status)


def flood_by_hand():
    """Changes of the roster, each of which moves the room on: bars of devices that are nowhere."""
    for i in range(200):
        if over.is_set():
            return
        try:
            room = hands.look()
        except urllib.error.HTTPError as refused:
            by_hand.append((refused.code, "read"))
            return
        body = encode([8, [bytes([i]) * 32], 0, None])
        status, why = hands.send(room, [bundle(hands.entry(room, ROSTER, body, epoch=max(room.epochs)), body)])
        by_hand.append((status, why[0]))
        if status == 403:
            return


writers = [threading.Thread(target=flood, args=(i,)) for i in range(3)] + [threading.Thread(target=flood_by_hand)]
for writer in writers:
    writer.start()
while written.count(0) < 5 or len(by_hand) < 3:
    writers[0].join(0.05)
removed = ada.run("remove", "acme", "bob")
is_(removed.status, 0, "a removal gets through while the removed writes without end", *removed.why())
until = time.monotonic() + 90
for writer in writers:
    writer.join(max(0, until - time.monotonic()))
alive = [writer for writer in writers if writer.is_alive()]
over.set()
ok(not alive and 3 in written, "the flood ends by it", written[-5:], by_hand[-5:])
note(f"{len(written)} messages, {len(by_hand)} changes by hand")
ok(any(status == 200 for status, _ in by_hand), "some of what he did by hand was let in")
is_(by_hand[-1][0], 403, "until he was no member")
is_([m["name"] for m in ada.must("members", "acme", "--json").json()["members"]], ["ada"], "Bob is out")
is_(ada.run("say", "acme", "quiet at last").status, 0, "Ada writes")
ok("quiet at last" not in bob.run("read", "acme", "--offline").out + bob.run("read", "acme").out, "and Bob does not read it")
is_(ada.run("verify", "acme").status, 0, "the room verifies")
done()
