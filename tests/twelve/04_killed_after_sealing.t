#!/usr/bin/env python3
"""4 of the twelve: kill -9 after sealing, new keys meanwhile, then a restart: nothing is lost, nothing comes twice, and no
nonce, number or key is used for two texts."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import Hands, decode
from proxy import Holding, Proxy, requests
from tap import done, is_, note, ok
from world import World, free_port

world = World()
port = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{port}")
proxy = Proxy(server.port, port)
server.url = proxy.url
ada, bob = world.room_of_two(server)
carol = world.person("carol", server)
carol.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
bob.must("say", "acme", "before")
said = ["before"]


def is_right(what):
    for home in (ada, bob):
        is_(home.messages(), said, f"{what}: {home.name} reads each once")


def sealed_versions():
    """(room and author, n, nonce, commit, body) of every sealed entry that any device ever sent."""
    found = set()
    for method, path, _, body in requests(proxy):
        if method == "POST" and path.endswith("/entries") and body:
            for entry, _, sealed, _ in decode(body):
                header = decode(entry)[0]
                if header[7] in (2, 3):
                    found.add((header[1] + header[2], header[3], sealed[:24], header[11], sealed))
    return found


# Sealed, sent, and killed before an answer; the server has it, or never hears of it; keys change meanwhile.
for round_, arrives in enumerate((False, True, False)):
    held = Holding(proxy, b"/entries HTTP")
    text = f"killed {round_}"
    saying = ada.start("say", "acme", text)
    ok(held.wait(), f"round {round_}: what Ada wrote is sealed and sent")
    saying.kill()
    saying.communicate()
    if arrives:
        held.release()
    proxy.ask = None
    if round_ == 0:
        carol.must("leave", "acme")
        bob.must("say", "acme", "under new keys")
        said.append("under new keys")
    if round_ == 2:
        tablet = bob.pair("tablet")
        tablet.must("device", "revoke", "bob", "--keep", "tablet")
        bob = tablet
        bob.must("say", "acme", "under newer keys")
        said.append("under newer keys")
    back = ada.run("refresh")
    is_(back.status, 0, f"round {round_}: it starts again", *back.why())
    said.append(text)
    is_right(f"round {round_}")
ada.must("say", "acme", "and on")
said.append("and on")
is_right("in the end")

versions = sealed_versions()
note(f"{len(versions)} sealed versions were sent")
ok(len(versions) > len(said), "some were sealed anew")
for name, part in (("number", slice(0, 2)), ("nonce", slice(2, 3)), ("key", slice(3, 4))):
    is_(len({version[part] for version in versions}), len(versions), f"none has another's {name}")
room = Hands(ada).look()
is_(len({(h[2], h[3]) for h, _ in room.entries}), len(room.entries), "nor is a number twice in the log")
is_([home.run("verify", "acme").status for home in (ada, bob)], [0, 0], "and the room verifies")
done()
