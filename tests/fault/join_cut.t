#!/usr/bin/env python3
"""`device join` killed at each request after its home was made, before the server has it or after: run again with another
code, it goes on with the keys that it made, and the person has one device more, once."""

import signal
import sys

sys.path.insert(0, "tests/lib")
import tap
from proxy import Proxy
from world import World

world = World()
server = world.server()
proxy = Proxy(server.port)
ada = world.person("ada", server)
ada.must("room", "new", "acme")
ada.must("say", "acme", "before")


class Blow:
    """Kills the process when a request with `what` in its first line comes; `after`: once the server has answered it."""

    def __init__(self, what, after):
        self.what, self.after, self.fallen, self.process = what, after, False, None
        proxy.ask, proxy.answer = self.ask, self.answer

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.fallen, proxy.ask, proxy.answer = True, None, None
        raise OSError("the connection ends with the process")

    def ask(self, sink, data):
        if self.what in data.split(b"\r\n")[0]:
            if not self.after:
                self.kill()
            self.what = b""
        sink.sendall(data)

    def answer(self, sink, data):
        if not self.what:
            self.kill()
        sink.sendall(data)


def end(adding, interrupt):
    """How `device add` ended; who no longer expects the other device interrupts it."""
    if interrupt:
        adding.send_signal(signal.SIGINT)
    _, err = adding.communicate(timeout=60)
    return adding.returncode, err.decode()


MOMENTS = [
    ("before it asks to be added", b"/new/2 ", False),
    ("once it has asked to be added", b"/new/2 ", True),
    ("while it waits to be added", b"/old/2 ", True),
    ("before it asks for its person's log", b"/entries?from=0", False),
    ("before it says its name", b"/entries ", False),
    ("once it has said its name", b"/entries ", True),
]


for number, (moment, request, after) in enumerate(MOMENTS):
    name = f"phone{number}"
    home = world.home(name, server)
    join = ("device", "join", "--name", name, "--server", proxy.url)
    adding = ada.start("device", "add")
    code = adding.stdout.readline()
    blow = Blow(request, after)
    code_file = world.dir / f"code-{name}"
    code_file.write_bytes(code)
    blow.process = home.start(*join, "--code-file", code_file)
    blow.process.communicate(timeout=60)
    tap.ok(blow.fallen, f"killed {moment}")
    end(adding, interrupt=number == 0)
    device = home.run("whoami", "--json")
    tap.is_(device.status, 0, "it has its keys", *device.why())
    adding = ada.start("device", "add")
    r = home.run(*join, stdin=adding.stdout.readline())
    status, err = end(adding, interrupt=r.status != 0)
    if r.status:
        tap.ok(r.status == 1 and f"holds a device already, {name}" in r.err, "run again, it says that all was done", *r.why())
    else:
        tap.is_(status, 0, "run again, both ends are done", err, *r.why())
    tap.is_(home.must("whoami", "--json").json()["device"], device.json()["device"], "with the same keys")
    tap.ok("before" in home.must("read", "acme").out, "it reads the room")
    tap.is_(home.run("say", "acme", name).status, 0, "and writes")
    home.must("refresh")
    ada.must("refresh")
    named = [d for d in ada.must("devices", "--json").json()["devices"] if d["id"] == device.json()["device"]]
    tap.ok(len(named) == 1 and named[0]["name"] == name and not named[0]["revoked"], "the person has it once, by its name", named)
tap.done()
