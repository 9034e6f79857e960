#!/usr/bin/env python3
"""9 of the twelve, a copied home: a device's directory is copied to a second machine, and both are used, in turns, at once
and offline. Nothing written on either is lost or comes twice, no number stands for two entries, and nobody is alarmed."""

import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import Hands
from tap import done, is_, note, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
carol = world.person("carol", server)
carol.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
ada.must("say", "acme", "before the copy")
twin = ada.copy("twin")
said = ["before the copy"]


def say(home, text, *args):
    result = home.run("say", "acme", text, *args)
    ok(result.status in (0, 5), f"{text}: sent, or kept", *result.why())
    said.append(text)


for i in range(3):
    for home in (ada, twin):
        say(home, f"{home.name} in turns {i}")


def burst(home):
    for i in range(3):
        say(home, f"{home.name} at once {i}")


threads = [threading.Thread(target=burst, args=(home,)) for home in (ada, twin)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()

# Both write offline under the same numbers; meanwhile the room's keys change.
for home in (ada, twin):
    say(home, f"{home.name} offline", "--offline")
bob.must("say", "acme", "Bob meanwhile")
said.append("Bob meanwhile")
carol.must("leave", "acme")
bob.must("refresh")
plan = world.dir / "plan"
plan.write_text("by the twin\n")
for home in (twin, ada, twin, ada):
    again = home.run("refresh")
    ok(again.status in (0, 5), f"{home.name} sends what waits", *again.why())
is_(twin.run("put", "acme", plan).status, 0, "the twin puts a file")
for home in (ada, twin, bob):
    home.must("refresh")
    texts = home.messages()
    is_(sorted(texts), sorted(said), f"{home.name}: all of it is there, once")
    is_([f["path"] for f in home.files()["files"]], ["plan"], "and the file")
    is_([r["unsent"] for r in home.must("status", "--json").json()["rooms"]], [0], "nothing waits")
    is_(home.run("verify", "acme").status, 0, "and it verifies")
    is_([r["alarms"] for r in home.must("status", "--json").json()["rooms"]], [[]], "without an alarm")

room = Hands(bob).look()
numbers = [(h[2], h[3]) for h, _ in room.entries]
nonces = [body[:24] for h, body in room.entries if h[7] in (2, 3)]
is_((len(set(numbers)), len(set(nonces))), (len(numbers), len(nonces)), "no number and no nonce stands twice in the log")
note(f"{len(said)} messages, {len(numbers)} entries")

# The roster, too: what one of them is asked to do, the other knows.
is_(twin.run("remove", "acme", "bob").status, 0, "the twin removes Bob")
is_([m["name"] for m in ada.must("members", "acme", "--json").json()["members"]], ["ada"], "the first home sees it")
is_(ada.run("say", "acme", "alone").status, 0, "and writes on")
is_(twin.messages()[-1], "alone", "as its twin reads")
done()
