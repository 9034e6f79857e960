#!/usr/bin/env python3
"""Hundreds of connections that are slow with heads, with bodies, with reading what they asked for, or never read their
event streams, from many addresses and from one: whoever else comes is served, the server's memory is bounded, who is
late is cut, and all of it comes back in the end. bench/siege.sh does it with 2,000, and with wrk beside them."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from siege import Siege, addresses, files_of, make_accounts, metric, rss_kib, settles
from tap import done, is_, note, ok
from world import World

COUNT = 600
ACCOUNTS = 8
EACH_KIB = 64             # what a connection may cost
HELD_KIB = 256 * 1024     # what all large bodies and answers may
OWN_KIB = 32 * 1024       # what the server's own work may
world = World()
server = world.server("server", "--connections-address", "256", "--head-timeout", "2", "--log-level", "warn")
pid = server.process.pid
ada = world.person("ada", server)
ada.must("room", "new", "acme")
content = os.urandom(200_000)
(world.dir / "large").write_bytes(content)
ada.must("put", "acme", world.dir / "large")
accounts = make_accounts(server.port, ACCOUNTS)
settles(lambda: metric(server, "privityd_connections") == 1)
files, before, most = files_of(pid), rss_kib(pid), 0


def use(number):
    """What honest people do; the commands that failed."""
    global most
    got = world.dir / f"got{number}"
    (world.dir / f"small{number}").write_bytes(os.urandom(40_000))
    failed = []
    for words in (("say", "acme", f"message {number}"), ("read", "acme"), ("put", "acme", world.dir / f"small{number}"),
                  ("get", "acme", "large", "-o", got)):
        if words[0] == "get":
            got.mkdir()
        if (did := ada.run(*words)).status:
            failed += did.why()
        most = max(most, rss_kib(pid))
    if (got / "large").read_bytes() != content:
        failed.append("another file came")
    return failed


siege = Siege(server.port, accounts, COUNT, addresses(8))
siege.begin()
one = addresses(1, first=9) * 300
crowd = Siege(server.port, accounts, 300, one, kinds=("head",))
crowd.begin()
settles(lambda: not siege.unanswered("reader"))
failed = [line for number in range(3) for line in use(number)]
ok(not failed, "whoever asks beside them is answered, every time", *failed[:8])
is_(ada.messages(), [f"message {n}" for n in range(3)], "what was written is there, once")
note(f"memory {before} KiB before, {most} KiB with {siege.held()} and {crowd.held()} connections; refused {dict(siege.refused)}, cut {dict(siege.cut)}")
ok(siege.held("reader") > COUNT // 10 and siege.held("stream") > COUNT // 10, "they are held meanwhile", siege.held())
ok(most - before < HELD_KIB + OWN_KIB + (COUNT + 256) * EACH_KIB,
   "their memory has a bound: a slow connection costs less than 64 KiB, large bodies and answers 256 MiB together", f"{before} KiB, then {most} KiB")

siege.returns = crowd.returns = False
ok(settles(lambda: siege.held("head", "login") + crowd.held() == 0), "who sends too slowly is cut, whatever they go on sending")
siege.end()
crowd.end()
ok(settles(lambda: files_of(pid) - metric(server, "privityd_streams") <= files), "in the end all their files are closed, when their next beat is due at the latest",
   f"{files} before, {files_of(pid)} now")
ok(not (failed := use(3)), "others are served as before", *failed)
ok(settles(lambda: rss_kib(pid) - before <= OWN_KIB), "and the memory is given back", f"{before} KiB before, {rss_kib(pid)} KiB now")
is_(server.stop(), 0, "it stops")
done()
