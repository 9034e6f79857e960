#!/usr/bin/env python3
"""A proxy between client and server that is slow, trickles, cuts in the middle of any answer, changes types, or refuses
by problem details of every kind; and TLS where none is spoken: each command ends in time, with a line and the right exit
status, and nothing that was kept is lost or doubled.

tests/cli/offline.t has servers that are away or something else altogether."""

import os
import pathlib
import random
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy
from tap import done, is_, note, ok
from world import LONG, World, free_port

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob = world.room_of_two(server)
file = world.dir / "file"
file.write_bytes(rng.randbytes(900_000))
ada.must("put", "acme", file)
ada.must("say", "acme", "before")
got = world.dir / "got"
got.mkdir()
said = ["before"]
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def commands(what, writes, reads, get, seconds=40):
    """A write, a read and a get; the statuses that are right for each."""
    text = f"said to {what} {len(said)}"
    for name, args, right in (("say", ("say", "acme", text), writes), ("read", ("read", "acme", "--limit", "0"), reads),
                              ("get", ("get", "acme", "file", "-o", got), get)):
        began = time.monotonic()
        result = (ada if name == "say" else bob).run(*args, timeout=seconds)
        trouble = None
        if result.status not in right:
            trouble = f"exit {result.status}, not one of {right}"
        elif result.status and not result.err.startswith("privity: "):
            trouble = "no line that says why"
        elif OBEYED.search(result.out + result.err):
            trouble = "something that a terminal obeys"
        elif name == "say" and result.status == 5 and "will be sent" not in result.err:
            trouble = "does not say that it is kept"
        if trouble:
            ok(False, f"{what}: {name} after {time.monotonic() - began:.1f} s", trouble, *result.why())
        if name == "say" and (result.status in (0, 5) or "stays in the outbox" in result.err):
            said.append(text)
        if name == "get" and result.status == 0:
            trouble = None if (got / "file").read_bytes() == file.read_bytes() else "another file"
            (got / "file").unlink()
        if name == "get" and list(got.iterdir()):
            trouble = f"left {list(got.iterdir())}"
            for left in got.iterdir():
                left.unlink()
        ok(not trouble, f"{what}: {name}", trouble or "")


def problem(status, code, detail, kind="application/problem+json"):
    body = f'{{"status":{status},"title":"x","detail":"{detail}","code":"{code}"}}'.encode()
    return b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (status, kind.encode(), len(body), body)


def instead(answer):
    def put(sink, _):
        sink.sendall(answer)
        sink.shutdown(socket.SHUT_RDWR)
    return put


# --- refusals that are no refusals of the member: what was written waits

for status, code in ((500, "io"), (500, "corrupt"), (503, "busy"), (507, "full"), (507, "quota"), (429, "rate"), (500, "out-of-memory")):
    proxy.answer = instead(problem(status, code, "no \\u001b[2J\\u202e today"))
    commands(f"{status} {code}", (5,), (0, 1), (1,))
for status, code in ((500, "bad-signature"), (409, "fork"), (200, "ok"), (418, "nonsense")):
    proxy.answer = instead(problem(status, code, "a lie"))
    commands(f"{status} {code}", (1, 3, 5), (0, 1, 3), (1, 3))

# --- wrong types, wrong forms

for what, answer in (("text/plain", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"),
                     ("no type", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
                     ("204", b"HTTP/1.1 204 No\r\n\r\n"), ("empty", b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nContent-Length: 0\r\n\r\n"),
                     ("500 in HTML", b"HTTP/1.1 500 X\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
                     ("problem cut", problem(500, "io", "x")[:-20]),
                     ("401 for ever", problem(401, "unauthenticated", "no")),
                     ("endless head", b"HTTP/1.1 200 OK\r\n" + b"X-Y: zzzzzzzzzzzzzzzzzzzzzz\r\n" * 30000),
                     ("length lie", b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nContent-Length: 99999999999999\r\n\r\nxx"),
                     ("informational", b"HTTP/1.1 100 Continue\r\n\r\n" * 50)):
    proxy.answer = instead(answer)
    commands(what, (3, 5), (0, 1, 3), (1, 3))

# --- cut in the middle, at any place

for i in range(20 if LONG else 4):
    left = [rng.choice((1, 30, 200, 700, 2000, 20_000, 100_000))]

    def cut(sink, data):
        left[0] -= len(data)
        if left[0] > 0:
            return sink.sendall(data)
        sink.sendall(data[:max(0, len(data) + left[0])])
        sink.shutdown(socket.SHUT_RDWR)
    proxy.answer = cut
    commands(f"cut {i}", (0, 5), (0,), (0, 1))

# --- slow: seconds for an answer, and a trickle


def late(sink, data):
    time.sleep(10 if LONG else 4)
    sink.sendall(data)


def trickle(sink, data):
    for i in range(0, len(data), 40):
        sink.sendall(data[i:i + 40])
        time.sleep(0.05)


for what, answer in (("late", late), ("a trickle", trickle)):
    proxy.answer = answer
    began = time.monotonic()
    result = bob.run("read", "acme", timeout=30)
    ok(result.status == 0 and time.monotonic() - began < 8, f"{what}: read does not wait for it", *result.why())
    text = f"said to {what}"
    result = ada.run("say", "acme", text, timeout=120)
    ok(result.status in (0, 5), f"{what}: say ends", *result.why())
    if result.status in (0, 5):
        said.append(text)

# --- a body without end


def endless(sink, _):
    sink.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    for _ in range(4096):
        sink.sendall(piece)  # until the client hangs up


proxy.answer = endless
result = bob.run("verify", "acme", timeout=120)
ok(result.status == 1 and "larger than any right one" in result.err, "endless bodies are not kept", *result.why())

# --- trailers, which libcurl keeps all of

proxy.answer = instead(b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" +
                       b"X-Y: zzzzzzzzzzzzzzzzzzzzzz\r\n" * 10000 + b"\r\n")
result = world.home("trailers", server).run("init", "--name", "x", "--server", proxy.url, "--kit", world.dir / "kit-trailers")
ok(result.status == 1 and "larger than any right one" in result.err, "endless trailers are not kept", *result.why())

# --- TLS asked of a server without, and a port where nobody speaks HTTP

proxy.answer = None
secret = world.home("tls", server)
began = time.monotonic()
result = secret.run("init", "--name", "x", "--server", proxy.url.replace("http:", "https:"), "--kit", world.dir / "kit-tls", timeout=60)
ok(result.status == 1 and "https:" in result.err, "TLS where there is none: says which address", *result.why())
silent = socket.create_server(("127.0.0.1", 0))
result = secret.run("init", "--name", "x", "--server", f"https://127.0.0.1:{silent.getsockname()[1]}", "--kit", world.dir / "kit-tls", timeout=90)
ok(result.status == 1 and result.err.startswith("privity: "), "a port that says nothing", *result.why())
ok(time.monotonic() - began < 80, "ends in time")
ok(not (secret.path / "version").exists() and not (world.dir / "kit-tls").exists(), "and nothing was made")

# --- all is well again

is_(ada.run("refresh").status, 0, "then all is sent")
texts = [m for m in bob.messages() if m == "before" or m.startswith("said to")]
is_(sorted(texts), sorted(said), "each message is there once")
is_([h.run("verify", "acme").status for h in (ada, bob)], [0, 0], "and the room verifies")
done()
