#!/usr/bin/env python3
"""1 of the twelve: a removed member comes back with old invite links that have uses left, of her own making, of the one who
removed her, and of a third; as herself, as somebody new, and by a half that the server gave out before the removal."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Holding, Proxy
from tap import done, is_, ok
from world import World, free_port

world = World()
port = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{port}")
proxy = Proxy(server.port, port)
server.url = proxy.url
ada, bob = world.room_of_two(server, role="owner")
carol = world.person("carol", server)
carol.must("join", ada.must("invite", "acme", "--role", "owner").out.strip(), "--room", "acme")
ada.must("say", "acme", "before")
links = {home.name: home.must("invite", "acme", "--uses", "9", "--role", "owner").out.strip() for home in (ada, bob, carol)}
for of in links:  # each was used once: they work
    friend = world.home(f"friend of {of}", server)
    friend.must("join", links[of], "--as", f"friend of {of}", "--kit", friend.kit, "--room", "acme")

# One more is on her way in by Bob's link, as the removal comes: the server gave her the half, her join is signed and sent.
early = world.person("early", server)
held = Holding(proxy, b"/entries HTTP")
joining = early.start("join", links["bob"], "--room", "acme")
ok(held.wait(), "a friend of Carol's is joining, and her join is held up")
removed = ada.run("remove", "acme", "carol")
is_(removed.status, 0, "Ada removes Carol", *removed.why())
held.release()
_, err = joining.communicate(timeout=60)
ok(joining.returncode not in (0, 5), "the join that comes after the removal is not accepted", err.decode())
told = bob.run("say", "acme", "after")
ok("1 open invite of yours ended" in told.err, "Bob, whose link ended by it, is told", told.err)
ok("invite" not in bob.must("read", "acme").err, "once")

members = {m["id"] for m in ada.must("members", "acme", "--json").json()["members"]}
for of, link in links.items():
    again = carol.run("join", link, "--room", "again")
    is_(again.status, 3, f"Carol does not come back by {of}'s link", *again.why())
    new = world.home(f"new by {of}", server)
    tried = new.run("join", link, "--as", "somebody new", "--kit", new.kit, "--room", "acme")
    is_(tried.status, 3, "nor as somebody new", *tried.why())
    twin = early.run("join", link, "--room", f"by-{of}")
    is_(twin.status, 3, "nor does the friend who was on her way", *twin.why())
is_({m["id"] for m in ada.must("members", "acme", "--json").json()["members"]}, members, "the members are who they were")
ok("carol" not in {m["name"] for m in ada.must("members", "acme", "--json").json()["members"]}, "without Carol")
for home in (carol, early):
    seen = home.run("read", "acme").out + home.run("read", "acme", "--offline").out
    ok("after" not in seen, f"{home.name} reads nothing of what came after", seen)
    ok(home.run("say", "acme", "let me in").status != 0, "and writes nothing")
is_(bob.messages(), ["before", "after"], "which is all that was said")

# A link of afterwards works, and only that: she is not barred from being asked again.
back = carol.run("join", ada.must("invite", "acme").out.strip(), "--room", "asked")
is_(back.status, 0, "by a new link she may come back", *back.why())
is_(carol.messages("asked"), ["before", "after"], "and then reads")
is_([home.run("verify", room).status for home, room in ((ada, "acme"), (bob, "acme"), (carol, "asked"))], [0] * 3, "and it verifies")
done()
