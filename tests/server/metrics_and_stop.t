#!/usr/bin/env python3
"""What privityd tells those who watch over it: /metrics, read as strictly as Prometheus' text format is written; the
service manager's socket; and how it stops, when asked once, asked twice, and under load."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import ROOT, World

PATIENCE = 60
world = World()


def get(server, path):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    return head.decode(), body.decode()


# --- the service manager

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(str(world.dir / "notify"))
manager.settimeout(PATIENCE)
os.environ["NOTIFY_SOCKET"] = world.env["NOTIFY_SOCKET"] = str(world.dir / "notify")
server = world.server("watched", "--rate-address", "0", "--rate-device", "0")
is_(manager.recv(100), b"READY=1", "the service manager hears that it listens")

# --- metrics

ada, bob = world.room_of_two(server)
ada.must("say", "acme", "hello")
(world.dir / "file").write_bytes(b"x" * 5000)
ada.must("put", "acme", world.dir / "file")
bob.must("get", "acme", "file", "-o", world.dir / "got")
head, text = get(server, "/metrics")
ok(re.search(r"^Content-Type: text/plain; version=0\.0\.4", head, re.M | re.I), "the type of Prometheus' text format", head)
ok(text.endswith("\n") and "\n\n" not in text and "\r" not in text, "lines end as they should")
HELP = re.compile(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\]+)")
TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*) (\d+)")
values, types, wrong = {}, {}, []
lines = text.splitlines()
for i in range(0, len(lines), 3):
    found = [pattern.fullmatch(line) for pattern, line in zip((HELP, TYPE, SAMPLE), lines[i:i + 3])]
    if len(lines) - i < 3 or not all(found) or len({m[1] for m in found}) != 1:
        wrong.append("\n".join(lines[i:i + 3]))
        continue
    name = found[0][1]
    if name in values:
        wrong.append(f"{name} comes twice")
    values[name], types[name] = int(found[2][2]), found[1][2]
    if not name.startswith("privityd_") or (types[name] == "counter") != name.endswith("_total"):
        wrong.append(f"{name} is misnamed for a {types[name]}")
    if values[name] >= 1 << 63:
        wrong.append(f"{name} is {values[name]}: it went below zero")
is_(wrong, [], "each metric is a HELP, a TYPE and a sample without labels, of one name that is its own")
ok(len(values) >= 20, f"there are {len(values)}")
for name in ("requests_ok_total", "appends_total", "entries_total", "commits_total", "releases_total", "blobs_in_bytes_total",
             "blobs_out_bytes_total", "sessions_total", "connections"):
    ok(values.get(f"privityd_{name}", 0) > 0, f"{name} has counted")
for name in ("rooms_damaged", "store_errors_total", "queue", "streams", "requests_failed_total"):
    is_(values.get(f"privityd_{name}"), 0, f"{name} is nothing")
shorn = re.sub(r"privityd_\w+|^# (HELP|TYPE)", "", text, flags=re.M)
ok(not re.search(r"[0-9a-f]{16}|acme|ada|bob", shorn), "none tells of a room, a person or a device")
later = {m[1]: int(m[2]) for m in map(SAMPLE.fullmatch, get(server, "/metrics")[1].splitlines()) if m}
is_([n for n in values if types[n] == "counter" and later[n] < values[n]], [], "no counter falls")
ok(later["privityd_requests_ok_total"] > values["privityd_requests_ok_total"], "and one rises")

# --- stopping

load = [ROOT / "build/native/tests/tools/append_load", str(server.port), "connections=16", "rooms=2", "seconds=60"]
writers = subprocess.Popen(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
until = time.monotonic() + PATIENCE
while int(re.search(r"^privityd_appends_total (\d+)", get(server, "/metrics")[1], re.M)[1]) < 100 and time.monotonic() < until:
    time.sleep(0.1)
is_(server.stop(), 0, "under load it stops when asked")
is_(manager.recv(100), b"STOPPING=1", "and tells the service manager")
writers.wait(PATIENCE)
server.start()
is_(manager.recv(100), b"READY=1", "it starts again")
for home in (ada, bob):
    is_(home.run("verify", "acme").status, 0, "and the rooms verify")

with socket.create_connection(("127.0.0.1", server.port)) as half:
    half.sendall(b"POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    get(server, "/healthz")
    time.sleep(0.2)
    server.process.terminate()
    is_(manager.recv(100), b"STOPPING=1", "asked to stop, it waits for a request under way")
    until = time.monotonic() + PATIENCE
    while server.process.poll() is None and time.monotonic() < until:
        server.process.terminate()
        time.sleep(0.05)
    is_(server.process.wait(PATIENCE), 0, "asked twice, it stops")
ok("stopping without waiting" in server.log.read_text(), "without waiting, and says so")
done()
