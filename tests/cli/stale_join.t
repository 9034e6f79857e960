#!/usr/bin/env python3
"""A join that was signed and not sent, whose link ends meanwhile: it says so, a new link to the same room works, and
what was written in between is sent after it. Whatever is lost, the person's own room knew of the room before."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy, requests
from tap import done, is_, ok
from world import World, free_port

world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob, eve = (world.person(name, server) for name in ("ada", "bob", "eve"))
ada.must("room", "new", "acme")
to_room = rb"POST /v1/rooms/%s/entries" % ada.run("rooms", "--json").json()["rooms"][0]["id"].encode()
lost = to_room, rb"POST /v1/rooms "


def lose_appends(sink, data):
    if data.startswith(lost):
        raise OSError("lost")
    sink.sendall(data)


def expect(status, what, result, *patterns):
    ok(result.status == status, what, *result.why())
    if status:
        is_(len(result.err.splitlines()), 1, f"{what}: one line says why")
    for pattern in patterns:
        ok(re.search(pattern, result.err), f"{what}: /{pattern}/", result.err)


def state(home):
    result = home.run("rooms", "--json").json()["rooms"]
    return [(r["name"], r["state"]) for r in result]


def appends_to(home, begin):
    """Which rooms were sent entries since so many requests: the person's own or another."""
    own = home.run("whoami", "--json").json()["id"]
    paths = [path for method, path, *_ in requests(proxy)[begin:] if method == "POST" and path.endswith(("/rooms", "/entries"))]
    return ["own" if own in path else "other" for path in paths]


first = ada.must("invite", "acme").out.strip()
begin = len(requests(proxy))
proxy.ask = lose_appends
expect(5, "a join whose entry is lost on its way", bob.run("join", first, "--room", "acme"), "will be sent")
is_(appends_to(bob, begin)[:2], ["own", "other"], "his own room was told of it before")
expect(5, "what is written behind it", bob.run("say", "acme", "from the doorstep"), "will be sent")
proxy.ask = None
expect(0, "someone else uses the link up", eve.run("join", first, "--room", "acme"))
expect(0, "refresh", bob.run("refresh"))
ok("broken off" in bob.run("refresh").err, "says that the join was broken off")
expect(3, "the same link again", bob.run("join", first), "used up|spent|ask for a new link")
expect(3, "and once more", bob.run("join", first), "used up|spent|ask for a new link")
is_(state(bob), [("acme", "intended")], "the room is only intended")

second = ada.must("invite", "acme").out.strip()
proxy.ask = lose_appends
expect(5, "a new link, and the entry is lost again", bob.run("join", second), "will be sent")
proxy.ask = None
expect(0, "the new link again", bob.run("join", second))
is_(state(bob), [("acme", "joined")], "the room is joined, under the name it had")
expect(0, "refresh", bob.run("refresh"))
is_([r["unsent"] for r in bob.run("rooms", "--json").json()["rooms"]], [0], "nothing waits any more")
is_(ada.run("read", "acme", "--json").json()["messages"][0]["text"], "from the doorstep", "what was written before is read")
is_(sorted(m["name"] for m in ada.run("members", "acme", "--json").json()["members"]), ["ada", "bob", "eve"], "and he is in once")
expect(0, "the log", bob.run("verify", "acme"))

# A room that its maker's own room knows before it is there.
begin = len(requests(proxy))
proxy.ask = lose_appends
expect(5, "a room whose first entry is lost", eve.run("room", "new", "lost"), "will be sent")
proxy.ask = None
is_(appends_to(eve, begin)[:2], ["own", "other"], "her own room was told of it before")
ok(("lost", "intended") in state(eve), "it is intended", state(eve))
expect(0, "refresh", eve.run("refresh"))
ok(("lost", "joined") in state(eve), "and then there", state(eve))
lost, begin = rb"POST /v1/rooms/%s/entries" % eve.run("whoami", "--json").json()["id"].encode(), len(requests(proxy))
proxy.ask = lose_appends
expect(5, "a room that her own room cannot be told of", eve.run("room", "new", "untold"), "will be sent")
expect(5, "what is written in it", eve.run("say", "untold", "waits"), "will be sent")
proxy.ask = None
ok("other" not in appends_to(eve, begin), "is not sent, nor is the room made", appends_to(eve, begin))
begin = len(requests(proxy))
expect(0, "refresh", eve.run("refresh"))
is_(appends_to(eve, begin)[:2], ["own", "other"], "until it was told")
lost = to_room

# A link that is closed while the join waits, and no word before the next link.
zoe = world.person("zoe", server)
first = ada.must("invite", "acme", "--uses", "3").out.strip()
proxy.ask = lose_appends
expect(5, "another join whose entry is lost", zoe.run("join", first, "--room", "acme"))
proxy.ask = None
ada.must("remove", "acme", "eve")
second = ada.must("invite", "acme").out.strip()
expect(0, "the new link at once", zoe.run("join", second))
expect(0, "she writes", zoe.run("say", "acme", "here"))
ok("here" in ada.run("read", "acme").out, "and is read")

# Who was removed, and does not know, comes back by a new link.
third = ada.must("invite", "acme").out.strip()
expect(0, "one who was removed joins again", eve.run("join", third))
expect(0, "writes", eve.run("say", "acme", "back again"))
ok("back again" in ada.run("read", "acme").out, "and is read")
expect(0, "a link to a room where one is, does nothing", eve.run("join", third))
ada.must("remove", "acme", "eve")
expect(3, "removed, she writes", eve.run("say", "acme", "from outside"), "removed from this room")
expect(0, "and joins once more", eve.run("join", ada.must("invite", "acme").out.strip()))
ok("from outside" not in ada.run("read", "acme").out, "what was refused then is not sent now")
expect(0, "the log", eve.run("verify", "acme"))
done()
