#!/usr/bin/env python3
"""The log key lies in a process of its own: the server's memory never holds it; without it nothing is taken any more."""

import os
import pathlib
import signal
import sys
import time

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(tests / "lib"))
from tap import done, is_, note, ok
from world import World

world = World()
server = world.server("server")
ada = world.person("ada", server)
ada.must("room", "new", "acme")
ada.must("say", "acme", "hello")


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())


def children(pid):
    return [int(word) for task in os.listdir(f"/proc/{pid}/task")
            for word in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]


def is_gone(pid, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not os.path.exists(f"/proc/{pid}") or status_of(pid)["State"].startswith("Z"):
            return True
        time.sleep(0.02)
    return False


def memory_holds(pid, needle):
    """Is it anywhere in what the process can write to?"""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if "rw" not in rights or "[v" in line:
                continue
            at, end = (int(word, 16) for word in span.split("-"))
            tail = b""
            while at < end:
                try:
                    piece = os.pread(memory.fileno(), min(end - at, 1 << 20), at)
                except OSError:
                    break
                if not piece:
                    break
                if needle in tail + piece:
                    return True
                tail = piece[-len(needle):]
                at += len(piece)
    return False


pid = server.process.pid
signers = children(pid)
is_(len(signers), 1, "the server has one child")
signer = signers[0]
is_(status_of(signer)["Name"], "privityd-signer", "which says what it is")
is_(status_of(signer)["Threads"], "1", "and has one thread")
if os.geteuid() == 0:
    seed = (server.data / "log.key").read_bytes()[:32]
    ok(memory_holds(signer, seed), "its memory holds the key")
    ok(not memory_holds(pid, seed), "that of the server does not")
    is_(sorted({os.readlink(f"/proc/{signer}/fd/{fd}").split(":")[0] for fd in os.listdir(f"/proc/{signer}/fd") if int(fd) > 2}),
        ["socket"], "it has nothing open but the socket to the server")
else:
    note("memory and files of processes that hide them are seen by root alone")

os.kill(signer, signal.SIGTERM)
os.kill(signer, signal.SIGINT)
ada.must("say", "acme", "still")
ok(not is_gone(signer, 0.2), "it ends with the server, not by what is sent to both")

server.kill()
ok(is_gone(signer), "when the server is killed, it ends")
server.start()
is_(ada.messages(), ["hello", "still"], "and with the next start all is there")

signer = children(server.process.pid)[0]
os.kill(signer, signal.SIGKILL)
is_(server.process.wait(30), 1, "when it is killed, the server ends, with an error")
ok("the signer is gone" in server.log.read_text(), "and says so", server.log.read_text()[-500:])
world.processes.remove(server.process)
is_(ada.run("say", "acme", "waits").status, 5, "what is said meanwhile waits")
server.start()
ada.must("say", "acme", "after")
is_(ada.messages(), ["hello", "still", "waits", "after"], "and arrives once it is there again")
is_(server.stop(), 0, "it stops")
done()
