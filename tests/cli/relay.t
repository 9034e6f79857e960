#!/usr/bin/env python3
"""A server at another address that gives an honest server's name, and hands on what is said: it gets no session there.

The same link, once with the server's address and once with the relay's: by the second one, whoever follows it would
sign the honest server's nonce for the relay."""

import base64
import pathlib
import sys
import urllib.error
import urllib.request

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(tests / "lib"), str(tests / "vectors")]
from plain_format import H
from proxy import Proxy, requests
from tap import done, is_, ok
from world import World, free_port

world = World()
# Ports of the client's own machine are one place; 127.0.0.2 stands for another machine.
port = free_port()
server = world.server("server", "--listen", f"0.0.0.0:{port}", "--public-url", f"http://127.0.0.2:{port}", port=port, host="127.0.0.2")
relay = Proxy(server.port)
ada, bob = world.person("ada", server), world.person("bob", server)
bob.must("room", "new", "own")
ada.must("room", "new", "acme")


def at_relay(link):
    """The link as the relay's owner passes it on."""
    text = link.split("#")[1]
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[:-4]
    text = base64.urlsafe_b64encode(content + H("link-check", relay.url, content)[:4])
    return f"{relay.url}/i#{text.decode().rstrip('=')}"


def sessions():
    return [path for method, path, _, _ in requests(relay) if method == "POST" and path == "/v1/session"]


link = ada.must("invite", "acme", "--uses", "2").out.strip()
result = bob.run("join", at_relay(link), "--room", "acme")
is_(result.status, 1, "a link of the relay is not followed", *result.why())
ok(f"{relay.url} says that it is {server.address}" in result.err, "and the reason told", result.err)
is_(sessions(), [], "nothing was signed for the relay")
result = world.home("eve", server).run("init", "--name", "eve", "--server", relay.url, "--kit", world.dir / "kit-eve")
is_(result.status, 1, "nor does a person begin there", *result.why())
is_(sessions(), [], "by its signature")
is_(bob.run("join", link, "--room", "acme").status, 0, "the same link of the server's own is")
for method, path, headers, _ in requests(relay):
    token = headers.get("Authorization")
    if not token or not token.startswith("Bearer "):
        continue
    try:
        urllib.request.urlopen(urllib.request.Request(f"{server.url}/v1/rooms", headers={"Authorization": token}), timeout=10)
        ok(False, "a token that the relay heard is good for nothing")
    except urllib.error.HTTPError:
        pass
done()
