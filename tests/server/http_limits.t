#!/usr/bin/env python3
"""What privityd bears from strangers' sockets: heads that are too long or too many, senders that are too slow, too many
connections of one address, and what proxies say of their clients, in truth or not."""

import json
import os
import pathlib
import select
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from siege import settles
from tap import done, is_, ok
from world import World

PATIENCE = 60  # seconds until a test gives up; nothing here asks for speed

world = World()


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def ask(server, lines, path="/healthz", sock=None):
    """The status of one request with these header lines, None without an answer."""
    with sock or connect(server) as connection:
        head = "".join(f"{line}\r\n" for line in ("Host: x", "Connection: close", *lines))
        connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass
    words = answer.split(b" ", 2)
    return int(words[1]) if len(words) > 2 and words[1].isdigit() else None


def ends(connection, feed=b""):
    """Does the other side close the connection while we drip into it?"""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if feed:
                connection.send(feed)
            if select.select([connection], [], [], 0.1)[0] and not connection.recv(4096):
                return True
        except OSError:
            return True
    return False


def metric(server, name):
    with connect(server) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith(name + " ")][0]


# --- heads

server = world.server("heads", "--rate-address", "0", "--head-timeout", "1")
is_(ask(server, [], "/" + "a" * 1023), 404, "a path of 1,024 bytes is read")
is_(ask(server, [], "/" + "a" * 1024), 414, "a longer one is not")
is_(ask(server, [], "/healthz?" + "a=b&" * 4000), 414, "nor a query without end")
is_(ask(server, [f"X-{i}: y" for i in range(62)]), 200, "64 headers are read")
is_(ask(server, [f"X-{i}: y" for i in range(63)]), 431, "one more is not")
is_(ask(server, [f"X: {'y' * 20000}"]), 431, "nor a long one")
with connect(server) as slow:
    slow.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    ok(ends(slow, b"y"), "who sends a head byte by byte is cut off")
with connect(server) as slow:
    ok(ends(slow), "so is who sends nothing")
with connect(server) as slow:
    slow.sendall(b"POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    ok(ends(slow, b"y"), "and who sends a body byte by byte")
until = time.monotonic() + PATIENCE
while (cut := metric(server, "privityd_connections_cut_total")) < 3 and time.monotonic() < until:
    time.sleep(0.1)
is_(cut, 3, "they are counted")
is_(ask(server, []), 200, "others are served")
is_(server.stop(), 0, "it stops")

# --- many connections of one address

server = world.server("many", "--rate-address", "0", "--connections-address", "3")
held = [connect(server) for _ in range(3)]
for connection in held:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    ok(b"200" in connection.recv(4096), "a connection is served")
is_(ask(server, []), None, "the fourth of one address is closed")
held.pop().close()
until = time.monotonic() + PATIENCE
while (status := ask(server, [])) is None and time.monotonic() < until:
    time.sleep(0.1)
is_(status, 200, "when one goes, another may come")
is_([c.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") or b"200" in c.recv(4096) for c in held], [True, True], "the others live on")
for connection in held:
    connection.close()
server.stop()
server = world.server("proxied", "--rate-address", "0", "--connections-address", "3", "--trusted-proxy", "127.0.0.0/8")
held = [connect(server) for _ in range(8)]
is_(ask(server, []), 200, "a trusted proxy may hold more")
for connection in held:
    connection.close()
server.stop()

# --- fewer files than connections

server = world.server("files", "--rate-address", "0", wrap=("bash", "-c", 'ulimit -n 2064; exec "$@"', "bash"))
said = [json.loads(line) for line in server.log.read_text().splitlines() if '"connections":' in line]
is_([line["connections"] for line in said], [520], "where 2,064 files may be open, 520 connections are taken, each with a file of its own")
held = [connect(server) for _ in range(600)]
ok(settles(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) >= 520), "they are")
for connection in held[:200]:
    connection.close()
is_(ask(server, []), 200, "who comes later waits until one goes")
ok(len(os.listdir(f"/proc/{server.process.pid}/fd")) < 1100, "and files are left")
for connection in held[200:]:
    connection.close()
is_(server.stop(), 0, "it stops")

# --- what is said of the client


def limited(server, lines_of):
    """Does the address limit, of one request a second, ever strike within a burst?"""
    return any(ask(server, lines_of(i)) == 429 for i in range(40))


def addresses(server):
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return {line["from"] for line in lines if line["event"] == "request"}


server = world.server("plain", "--rate-address", "1", "--log-level", "debug")
ok(limited(server, lambda i: [f"X-Forwarded-For: 203.0.113.{i}"]), "a stranger's word on who it is changes no limit")
is_(addresses(server), {"127.0.0.1"}, "nor what is logged")
server.stop()
server = world.server("other", "--rate-address", "1", "--trusted-proxy", "192.0.2.1", "--trusted-proxy", "10.0.0.0/8")
ok(limited(server, lambda i: [f"X-Forwarded-For: 203.0.113.{i}"]), "nor where other proxies are trusted")
server.stop()
server = world.server("trusted", "--rate-address", "1", "--trusted-proxy", "127.0.0.1", "--log-level", "debug")
ok(not limited(server, lambda i: [f"X-Forwarded-For: 203.0.113.{i}"]), "a trusted proxy's clients are limited one by one")
ok(limited(server, lambda i: ["X-Forwarded-For: 198.51.100.7"]), "each of them")
ok(limited(server, lambda i: [f"X-Forwarded-For: 192.0.2.{i}, 198.51.100.8"]), "by what the proxy added, not by what the client said")
ok(limited(server, lambda i: [f"X-Forwarded-For: 192.0.2.{i}", "X-Forwarded-For: 198.51.100.9"]), "also when that is a line of its own")
ok(limited(server, lambda i: [f"Forwarded: for=192.0.2.{i}"]), "by no other header")
ok(limited(server, lambda i: [f"X-Forwarded-For: {'192.0.2.7, ' * 700}192.0.2.{i}, 198.51.100.10"]), "and however much the client says")
ok(limited(server, lambda i: [f"X-Forwarded-For: 2001:db8:0:1:{i:x}::1"]), "addresses of one /64 are one")
is_(addresses(server) - {f"203.0.113.{i}" for i in range(40)},
    {"198.51.100.7", "198.51.100.8", "198.51.100.9", "198.51.100.10", "127.0.0.1", "2001:db8:0:1::/64"}, "so they are logged")
server.stop()
server = world.server("forwarded", "--rate-address", "1", "--trusted-proxy", "127.0.0.1", "--proxy-header", "forwarded")
ok(not limited(server, lambda i: [f"Forwarded: for=203.0.113.{i};proto=https", "X-Forwarded-For: 192.0.2.1"]), "Forwarded, where the operator says so")
ok(limited(server, lambda i: [f"X-Forwarded-For: 192.0.2.{i}"]), "is then the one that counts")
server.stop()
done()
