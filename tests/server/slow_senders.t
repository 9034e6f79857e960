#!/usr/bin/env python3
"""Hundreds of connections that send a byte of a head now and then: honest clients beside them are served, the server's
memory is bounded, and in the end the slow ones are cut. bench/slow_loris.sh does it with 2,000."""

import pathlib
import sys
import time

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(tests / "lib"), str(tests.parent / "bench")]
from slow_loris import hold, rss_kib, run
from tap import done, is_, note, ok
from world import World

COUNT = 400
world = World()
server = world.server("server", "--rate-address", "0", "--rate-device", "0", "--head-timeout", "5")
ada = world.person("ada", server)
ada.must("room", "new", "acme")
held, times, failures, before, during = run(server.port, server.process.pid, COUNT, 2, clients=2)
note(f"{len(times)} answers, memory {before} KiB before and {during} KiB with them")
is_(held, COUNT, "so many slow connections are held")
ok(times and not failures, "whoever asks beside them is answered, every time", *failures[:5])
ok(during - before < COUNT * 64, "a slow connection costs less than 64 KiB", f"{before} KiB, then {during} KiB")

slow = hold(server.port, COUNT)
is_(ada.run("say", "acme", "hello").status, 0, "a client writes beside them")
is_(ada.messages(), ["hello"], "and reads")
until, open_still = time.monotonic() + 60, slow
while open_still and time.monotonic() < until:
    left = []
    for s in open_still:
        try:
            s.send(b"y")
            if s.recv(4096):
                left.append(s)
        except BlockingIOError:
            left.append(s)
        except OSError:
            pass
    open_still = left
    time.sleep(0.2)
is_(len(open_still), 0, "all of them are cut, whatever they go on sending")
ok(rss_kib(server.process.pid) - before < COUNT * 64, "and memory has not grown further")
is_(server.stop(), 0, "it stops")
done()
