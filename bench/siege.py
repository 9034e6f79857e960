#!/usr/bin/env python3
"""Honest people on a server under siege. COUNT slow connections (slow heads, slow bodies, readers who hardly read,
event streams that never do) by 32 accounts, and wrk with 256 connections beside them; limits as they are by default,
loopback treated as any address. What the honest commands take alone, besieged and afterwards; the server's memory and
open files before, at most, and after.

    siege.py [COUNT=2000] [SECONDS=20]

Exit status 1 if an honest command failed, the memory passed its bound or was kept, or files were left open."""

import itertools
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/lib"))
from siege import Siege, addresses, files_of, make_accounts, metric, rss_kib, settles
from world import ROOT, World

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 20
ACCOUNTS = 32
WRK_CONNECTIONS = 256
OWN_KIB = 32 * 1024
MOST_KIB = 256 * 1024 + (COUNT + WRK_CONNECTIONS) * 64 + OWN_KIB  # large bodies and answers, connections, its own work
AS_ANY = ("--connections-address", "256", "--log-level", "warn")

world = World()
source = world.dir / "source.so"
subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", source, ROOT / "tests/tools/preload_source.c"], check=True)
bad = []


def make_person(name, server):
    home = world.person(name, server)
    home.must("room", "new", "acme")
    (world.dir / "large").write_bytes(os.urandom(3_000_000))
    home.must("put", "acme", world.dir / "large")
    return home


def use(home, seconds):
    """Honest commands one after the other: what each took, in ms."""
    times, until = {}, time.monotonic() + seconds
    small, got = world.dir / "small", world.dir / "got"
    got.mkdir(exist_ok=True)
    for n in itertools.count():
        if time.monotonic() > until:
            return times
        small.write_bytes(os.urandom(200_000))
        (got / "large").unlink(missing_ok=True)
        for words in (("say", "acme", f"message {n}"), ("read", "acme"), ("put", "acme", small), ("get", "acme", "large", "-o", got)):
            began = time.monotonic()
            did = home.run(*words)
            times.setdefault(words[0], []).append(1000 * (time.monotonic() - began))
            if did.status:
                bad.append(f"{words[0]}: {did.why()}")


def start_wrk(port, first, count, clients):
    env = dict(os.environ, LD_PRELOAD=str(source), SOURCE_FIRST=first, SOURCE_COUNT=str(count))
    if clients:
        env["SIEGE_FORWARDED"] = str(clients)
    return subprocess.Popen(["wrk", "-t", "2", "-c", str(WRK_CONNECTIONS), "-d", "3600", "--timeout", "20", "-s", "bench/siege.lua",
                             f"http://127.0.0.1:{port}"], env=env, stdout=subprocess.PIPE, text=True)


def stop_wrk(wrk):
    """Requests a second, and how many were not answered with 2xx or 3xx, of how many."""
    wrk.send_signal(signal.SIGINT)
    said = wrk.communicate(timeout=60)[0]
    rate = float((re.search(r"Requests/sec: +([\d.]+)", said) or ("", 0))[1])
    count = int((re.search(r"(\d+) requests in", said) or ("", 0))[1])
    return rate, int((re.search(r"Non-2xx or 3xx responses: (\d+)", said) or ("", 0))[1]), count


def watch(pid, most, stop):
    while not stop.wait(0.2):
        most[0] = max(most[0], rss_kib(pid))


def tell(name, alone, under, after):
    print(f"{name}, median and slowest in ms")
    for command in alone:
        row = [f"{statistics.median(times[command]):7.0f} {max(times[command]):7.0f}" for times in (alone, under, after)]
        print(f"  {command:4}  alone {row[0]}   besieged {row[1]}   afterwards {row[2]}   ({len(under[command])} times)")


def play(name, options, sources, wrk_first, wrk_count, clients=0):
    """One siege of a server of its own. `clients`: a proxy at 127.0.0.1 tells of so many."""
    number = len(world.servers)
    server = world.server(f"server{number}", *options)
    pid, home = server.process.pid, make_person(f"ada{number}", server)
    accounts = make_accounts(server.port, ACCOUNTS)
    settles(lambda: metric(server, "privityd_connections") == 1)
    files, before, alone = files_of(pid), rss_kib(pid), use(home, SECONDS / 3)
    turn = itertools.count()
    siege = Siege(server.port, accounts, COUNT, sources, headers=lambda _: f"X-Forwarded-For: 203.0.113.{next(turn) % 8}\r\n" if clients else "")
    most, stop = [before], threading.Event()
    watching = threading.Thread(target=watch, args=(pid, most, stop))
    watching.start()
    siege.begin()
    wrk = start_wrk(server.port, wrk_first, wrk_count, clients)
    settles(lambda: not siege.unanswered("reader"), seconds=SECONDS)
    under = use(home, SECONDS)
    held, connections = siege.held(), metric(server, "privityd_connections")
    rate, refused, asked = stop_wrk(wrk)
    siege.end()
    settled = settles(lambda: files_of(pid) <= files)
    after = use(home, SECONDS / 3)
    shrunk = settles(lambda: rss_kib(pid) - before <= OWN_KIB)
    stop.set()
    watching.join()
    tell(name, alone, under, after)
    print(f"  {held} slow connections, of which the server has {connections} with others; it refused {dict(siege.refused)}, ended {dict(siege.cut)}, "
          f"let {metric(server, 'privityd_connections_refused_total')} not in")
    print(f"  wrk: {rate:.0f} requests a second, {refused} of {asked} refused")
    print(f"  resident: {before} KiB before, {most[0]} KiB at most (target: below {MOST_KIB}), {rss_kib(pid)} KiB after; "
          f"files: {files} before, {files_of(pid)} after\n", flush=True)
    for good, what in ((settled, "files are left open"), (shrunk, "memory is kept"), (most[0] < MOST_KIB, "memory passes its bound")):
        if not good:
            bad.append(f"{name}: {what}")
    server.stop()


play("from 1,000 addresses", AS_ANY, addresses(1000), "127.2.0.1", 1000)
play("from one address each", AS_ANY, addresses(1), "127.2.0.1", 1)
play("behind a proxy", ("--trusted-proxy", "127.0.0.1", "--log-level", "warn"), [None], "127.0.0.1", 1, clients=5000)
for line in bad[:20]:
    print("target missed:", line)
sys.exit(1 if bad else 0)
