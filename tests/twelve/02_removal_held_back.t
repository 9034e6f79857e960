#!/usr/bin/env python3
"""2 of the twelve: a removal is signed, the server holds it back, others write meanwhile. The removed member may read what
its writers sealed before they knew, and nothing after; and what crossed so is flagged, for old and new readers alike."""

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
ada, bob = world.room_of_two(server)
carol, dora = world.person("carol", server), world.person("dora", server)
for home in (carol, dora):
    home.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
for home in (ada, bob, carol, dora):
    home.must("say", "acme", f"{home.name} before")

held = Holding(proxy, b"/entries HTTP")
removing = ada.start("remove", "acme", "carol")
ok(held.wait(), "Ada's removal of Carol is on its way, and the server sits on it")
for home in (bob, dora, carol):
    said = home.run("say", "acme", f"{home.name} meanwhile")
    is_(said.status, 0, f"{home.name}, who knows nothing, writes", *said.why())
meanwhile = ["bob meanwhile", "dora meanwhile", "carol meanwhile"]
is_(carol.messages()[-3:], meanwhile, "Carol reads what was sealed before its writers knew")
photo = world.dir / "plan"
photo.write_text("the old plan\n")
dora.must("put", "acme", photo)
held.release()
removing.communicate(timeout=60)
is_(removing.returncode, 0, "then the removal is let in")

for home in (bob, dora, ada):
    said = home.run("say", "acme", f"{home.name} after")
    is_(said.status, 0, f"{home.name} writes on", *said.why())
after = carol.run("read", "acme", "--limit", "0")
is_(after.status, 3, "Carol is refused", *after.why())
kept = carol.must("read", "acme", "--limit", "0", "--offline").out
ok("meanwhile" in kept and "after" not in kept, "has what crossed with her removal, and nothing that was written after it", kept)

late = bob.pair("late")  # who reads it all at once
for home in (ada, bob, dora, late):
    flags = {m["text"]: m["crossed"] for m in home.must("read", "acme", "--limit", "0", "--json").json()["messages"]}
    is_([text for text, crossed in flags.items() if crossed], meanwhile, f"{home.name}: what crossed is flagged, and nothing else")
    is_(len(flags), 10, "of all that there is")
shown = bob.must("read", "acme", "--limit", "0").out
is_(shown.count("crossed a removal"), 3, "a person sees it, too", shown)
log = ada.must("log", "acme", "--json").json()["entries"]
removal = next(e["index"] for e in log if e["type"] == "remove" and e["verdict"] == "accepted")
crossed = [e["index"] for e in log if e["crossed"]]
is_([e["author_name"] for e in log if e["crossed"] and e["kind"] == "work"][-1:], ["dora"], "the log flags files, too")
ok(max(crossed) < removal and all(e["kind"] in ("talk", "work") for e in log if e["crossed"]), "sealed entries before the removal, no others")
is_([home.run("verify", "acme").status for home in (ada, bob, dora, late)], [0] * 4, "the room verifies for all who are in it")
done()
