#!/usr/bin/env python3
"""An `init` whose last step is lost on its way, to the server or back: all that was made stays, `status` says so, and
the next command that reaches the server registers, once. Without any answer of the server nothing is made."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy
from tap import done, is_, ok
from world import World, free_port

world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")


def init(name):
    return world.home(name, server), ("init", "--name", name, "--server", f"http://127.0.0.1:{front}", "--kit", world.dir / f"kit-{name}")


def expect(status, what, result, *patterns):
    ok(result.status == status, what, *result.why())
    for pattern in patterns:
        ok(re.search(pattern, result.err), f"{what}: /{pattern}/", result.err)
    return result


nobody, command = init("nobody")
expect(1, "init without a server", nobody.run(*command), "cannot be reached", "nothing was made")
ok(not nobody.path.exists() and not (world.dir / "kit-nobody").exists(), "makes nothing")

proxy = Proxy(server.port, front)


def lose_founding(sink, data):
    if data.startswith(b"POST /v1/rooms "):
        raise OSError("lost")
    sink.sendall(data)


def lose_answer(proxy_of):
    def ask(sink, data):
        if data.startswith(b"POST /v1/rooms "):  # before it goes out: the answer may come at once
            def cut(_sink, _data):
                proxy_of.answer = None
                raise OSError("lost")
            proxy_of.answer = cut
        sink.sendall(data)
    return ask


for name, ask in (("ada", lose_founding), ("bob", lose_answer(proxy))):
    person, command = init(name)
    proxy.ask = ask
    expect(5, f"{name}: init, the last step lost", person.run(*command), "what was made is kept", "next command that reaches the server registers")
    ok("Code:" in (world.dir / f"kit-{name}").read_text(), "the recovery kit is made")
    me = person.run("whoami", "--json").json()["id"]
    proxy.ask = lose_founding
    status = expect(0, "status", person.run("status", "--json")).json()
    is_((status["registered"], status["unsent"] > 0, status["id"]), (False, True, me), "says that the server does not know yet")
    ok("not registered there yet" in person.run("status").out, "in words, too")
    expect(1, "a room", person.run("room", "new", "acme"), "does not know you yet", "next command that reaches it registers")
    proxy.ask = None
    expect(0, "rooms, once the server is reached", person.run("rooms"))
    status = expect(0, "status", person.run("status", "--json")).json()
    is_((status["registered"], status["unsent"], status["id"]), (True, 0, me), "knows that it is done, for the same person")
    expect(0, "a room", person.run("room", "new", "acme"))
    expect(1, "init again", person.run(*command), "holds a person already")
    expect(0, "and it verifies", person.run("verify", "acme"))
done()
