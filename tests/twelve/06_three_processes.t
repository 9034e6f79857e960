#!/usr/bin/env python3
"""6 of the twelve: three processes of one device write at once, and one of them is killed in between. What was acknowledged
is there, once; the killed one's at most once; and the device goes on. PRIVITY_SEED repeats a run's instants."""

import os
import pathlib
import random
import subprocess
import sys
import time
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import Hands
from tap import done, is_, note, ok
from world import LONG, World

KILLS = 30 if LONG else 8
seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
world = World()
server = world.server()
ada, bob = world.room_of_two(server)
began = time.monotonic()
ada.must("say", "acme", "how long")
span = 2 * (time.monotonic() - began)
acknowledged, tried, odd, caught, round_ = ["how long"], ["how long"], [], 0, 0

while caught < KILLS and round_ < 8 * KILLS:
    round_ += 1
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    texts = [f"round {round_}, process {i}" for i in range(3)]
    processes = [ada.start("say", "acme", text, *(("--offline",) if i == 2 and round_ % 3 == 0 else ()), **quiet)
                 for i, text in enumerate(texts)]
    victim = rng.randrange(3)
    try:
        processes[victim].wait(rng.uniform(0, span))
        span *= 0.9
    except subprocess.TimeoutExpired:
        processes[victim].kill()
        span *= 1.02
    for i, process in enumerate(processes):
        status = process.wait(120)
        world.processes.remove(process)
        tried.append(texts[i])
        if status in (0, 5):
            acknowledged.append(texts[i])
        elif i == victim and status == -9:
            caught += 1
        else:
            odd.append((texts[i], status))
is_(caught, KILLS, "one of three was killed at work, again and again")
is_(odd, [], "the two others ended as ever")
back = ada.run("refresh")
is_(back.status, 0, "the device goes on", *back.why())
is_([r["unsent"] for r in ada.must("status", "--json").json()["rooms"]], [0], "and nothing waits")
for home in (ada, bob):
    got = Counter(home.messages())
    is_([text for text in acknowledged if got[text] != 1], [], f"{home.name}: all that was acknowledged is there once")
    is_([text for text in got if got[text] != 1 or text not in tried], [], "and nothing twice, or never said")
    is_(home.run("verify", "acme").status, 0, "the room verifies")
is_(ada.messages(), bob.messages(), "both read the same")
room = Hands(bob).look()
numbers = [(h[2], h[3]) for h, _ in room.entries]
is_(len(set(numbers)), len(numbers), "no number stands for two entries")
note(f"{round_} rounds, {len(acknowledged)} acknowledged, {len(ada.messages())} arrived")
done()
