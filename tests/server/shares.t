#!/usr/bin/env python3
"""Large bodies that are announced and do not come, and large answers that nobody reads, hold up those who sent for them
and nobody else: not with keys made for the purpose, and not on many connections."""

import os
import pathlib
import re
import socket
import sys
import time
import urllib.request

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(tests / "lib"), str(tests / "vectors")]
from plain_cbor import decode, encode
from plain_crypto import ed25519_public, ed25519_sign
from plain_format import labelled
from proxy import Proxy, requests
from second_client import Server as Plain
from tap import done, is_, ok
from world import World, free_port

world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob = world.room_of_two(server)
for i in range(130):
    ada.must("say", "acme", stdin=os.urandom(16000).hex(), timeout=60)
bob.must("refresh")
room = bob.must("rooms", "--json").json()["rooms"][0]["id"]
path = f"/v1/rooms/{room}/entries"
token = next(headers["Authorization"] for _, heard, headers, _ in reversed(requests(proxy)) if heard.startswith(path))


def stranger():
    """A token for a key that nobody knows."""
    plain, seed = Plain(f"http://127.0.0.1:{server.port}"), os.urandom(32)
    plain.sign_in(seed, [1, ed25519_public(seed), os.urandom(32)])
    return f"Bearer {plain.token}"


def begin(head):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.settimeout(0.3)
    connection.sendall(head.encode())
    return connection


def status(connection):
    """Of an answer that came; 0: none yet."""
    try:
        answer = connection.recv(64)
        return int(answer.split(b" ")[1]) if answer else 0
    except OSError:
        return 0


def let_go(connections):
    """Close them, and wait until the server has noticed."""
    for connection in connections:
        connection.close()
    for _ in range(200):
        text = urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10).read().decode()
        if int(re.search(r"^privityd_connections (\d+)", text, re.MULTILINE)[1]) < 8:
            return
        time.sleep(0.05)


def announce(whose):
    """Together more than the server takes in at once."""
    return [begin(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {whose()}\r\nContent-Length: {n}\r\n\r\n")
            for n in [25_000_000] * 11 + [1_000_000] * 20 + [20_000] * 30]


held = announce(stranger)
is_(bob.run("say", "acme", "through" * 4000, timeout=60).status, 0, "sixty keys of strangers with bodies to come keep nobody out")
late = begin(f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {stranger()}\r\nContent-Length: 25000000\r\n\r\n")
is_(status(late), 429, "of their own kind one more is put off")
let_go(held)
held = announce(lambda: token)
is_(ada.run("say", "acme", "also through" * 2000, timeout=60).status, 0, "nor does one member with as many bodies")
let_go(held)
reading = [begin(f"GET {path}?from=0&bodies=1 HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n") for _ in range(40)]
for connection in reading:
    connection.settimeout(30)  # each is answered, however busy the machine is
answers = [connection.recv(1024).decode("latin-1") for connection in reading]
lengths = [int(re.search(r"Content-Length: (\d+)", answer)[1]) for answer in answers]
is_({answer.split(" ")[1] for answer in answers}, {"200"}, "forty large answers to one member are made")
ok(max(lengths) > 3 << 20 and sum(lengths) < 48 << 20, "the later ones shorter, so that all are about a share", lengths)
is_(ada.run("read", "acme", "--limit", "1").status, 0, "while others read")
let_go(reading)
is_(bob.run("verify", "acme", timeout=60).status, 0, "and afterwards that member, too")
is_(server.stop(), 0, "the server stops")
done()
