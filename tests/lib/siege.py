"""Whoever holds a server's connections by being slow: hundreds or thousands, of KINDS, from any number of addresses.

    accounts = make_accounts(server.port, 8)    persons who are strangers to all others, each with a large room
    siege = Siege(server.port, accounts, 400, addresses(8))
    siege.begin()                               opens them; from now on a thread drips, and opens again what was ended
    siege.returns = False                       no more
    siege.end()                                 closes all
    siege.held(kind), siege.unanswered(kind)    how many are open, how many of these heard nothing yet
    siege.cut, siege.refused                    by kind: what the server ended, with no answer or with one of 4xx

    rss_kib(pid), files_of(pid)                 a server's memory and open files
    metric(server, name)                        what it counts
"""

import os
import resource
import socket
import subprocess
import threading
import time
import urllib.request
from collections import Counter

KINDS = ("head", "login", "body", "reader", "stream")
TICK_S = 1
READ_BYTES = 128  # a tick: so little that the kernel offers more room now and then, which looks like life
PAGE_BYTES = 4 << 20  # what one answer holds


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def files_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def metric(server, name):
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=60) as answer:
        return next(int(line.split()[1]) for line in answer.read().decode().splitlines() if line.startswith(name + " "))


def addresses(count, first=1):
    """127.0.1.1 and on: all of them are this machine's."""
    return [f"127.0.{1 + n // 250}.{1 + n % 250}" for n in range(first - 1, first - 1 + count)]


def make_accounts(port, count, room_bytes=PAGE_BYTES + (1 << 18)):
    out = subprocess.run(["build/native/tests/tools/siege_accounts", str(port), str(count), str(room_bytes)],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return [tuple(line.split()) for line in out.splitlines()]


class Slow:
    """One connection."""

    def __init__(self, kind, sock):
        self.kind, self.sock, self.answered, self.refused = kind, sock, False, False


class Siege:
    def __init__(self, port, accounts, count, sources, kinds=KINDS, headers=lambda source: ""):
        """`headers`: further lines of a head, of a connection from that source, each with its line's end."""
        self.port, self.count, self.headers = port, count, headers
        self.plan = [(kinds[n % len(kinds)], accounts[n // len(kinds) % len(accounts)], sources[n % len(sources)])
                     for n in range(count)]
        self.slow, self.returns, self.stop, self.thread = [], True, threading.Event(), None
        self.cut, self.refused = Counter(), Counter()
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def head(self, kind, token, room):
        session = f"Authorization: Bearer {token}\r\n"
        return {
            "head": "GET /v1/server HTTP/1.1\r\nHost: x\r\n",
            "login": "POST /v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n",
            "body": f"POST /v1/rooms/{room}/entries HTTP/1.1\r\nHost: x\r\n{session}Content-Length: 8000000\r\n",
            "reader": f"GET /v1/rooms/{room}/entries?from=0&bodies=1 HTTP/1.1\r\nHost: x\r\n{session}",
            "stream": f"GET /v1/events HTTP/1.1\r\nHost: x\r\n{session}",
        }[kind]

    def open(self, number):
        kind, (token, room), source = self.plan[number]
        sock = socket.socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(5)
            if source:
                sock.bind((source, 0))
            sock.connect(("127.0.0.1", self.port))
            end = "X-" if kind == "head" else "\r\n"
            sock.sendall((self.head(kind, token, room) + self.headers(source) + end).encode())
        except OSError:  # none is taken now
            self.cut[kind] += 1
            sock.close()
            return None
        sock.setblocking(False)
        return Slow(kind, sock)

    def lives(self, slow):
        """A byte more to send or a few to read; False once the server has ended it."""
        try:
            if slow.kind in ("head", "login", "body"):
                slow.sock.send(b"y")
            if slow.kind == "stream" and slow.answered:
                return True  # it never reads
            heard = slow.sock.recv(READ_BYTES)
            if not heard:
                return False
            slow.refused = not slow.answered and heard[9:10] == b"4"
            slow.answered = True
            return not slow.refused
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def drip(self):
        while not self.stop.wait(TICK_S):
            for number, slow in enumerate(self.slow):
                if self.stop.is_set():
                    return
                if slow and not self.lives(slow):
                    slow.sock.close()
                    (self.refused if slow.refused else self.cut)[slow.kind] += 1
                    slow = self.slow[number] = None
                if not slow and self.returns:
                    self.slow[number] = self.open(number)

    def begin(self):
        self.slow = [self.open(number) for number in range(self.count)]
        self.thread = threading.Thread(target=self.drip, daemon=True)
        self.thread.start()

    def held(self, *kinds):
        return sum(slow is not None and slow.kind in (kinds or KINDS) for slow in self.slow)

    def unanswered(self, kind):
        return sum(slow is not None and slow.kind == kind and not slow.answered for slow in self.slow)

    def end(self):
        self.stop.set()
        self.thread.join()
        for slow in self.slow:
            if slow:
                slow.sock.close()
        self.slow = []


def settles(good, seconds=60):
    """Whether it becomes true."""
    until = time.monotonic() + seconds
    while not good() and time.monotonic() < until:
        time.sleep(0.1)
    return good()
