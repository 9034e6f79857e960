#!/usr/bin/env python3
"""11 of the twelve, quarrels: two owners remove each other at the same moment, in either order; three owners in league bring
one another back while the founder removes them."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from hands import ROSTER, H, Hands, bundle, decode, encode
from proxy import Holding, Proxy
from tap import done, is_, ok
from world import World, free_port

world = World()
port = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{port}")
proxy = Proxy(server.port, port)
server.url = proxy.url
ada, bob, carol, dora = (world.person(name, server) for name in ("ada", "bob", "carol", "dora"))


def room_with(name, *others):
    ada.must("room", "new", name)
    for home in others:
        home.must("join", ada.must("invite", name, "--role", "owner").out.strip(), "--room", name)
    for home in others:
        home.run("refresh")
    return bytes.fromhex(next(r["id"] for r in ada.must("rooms", "--json").json()["rooms"] if r["name"] == name))


def members(home, room):
    return sorted(m["name"] for m in home.must("members", room, "--json").json()["members"])


def removal_of(room, person):
    """As a member's own program would not make it: whatever the seniority."""
    joined = max(i for i, (h, b) in enumerate(room.entries) if h[7] == ROSTER and decode(b)[0] == 3
                 and H("room", decode(b)[2][0][0]) == person)
    return encode([5, [[person, joined]]])


# --- two owners, Bob for longer than Carol: whose removal stands first does not matter

duel = room_with("duel", bob, carol)
refused = carol.run("remove", "duel", "bob")
is_(refused.status, 3, "Carol's own program does not remove who is an owner for longer", *refused.why())
hands = Hands(carol)
room = hands.look(duel)
bob_id = bytes.fromhex(bob.must("whoami", "--json").json()["id"])
body = removal_of(room, bob_id)
entry = hands.entry(room, ROSTER, body, epoch=max(room.epochs))
held = Holding(proxy, b"/entries HTTP")
removing = bob.start("remove", "duel", "carol")
ok(held.wait(), "Bob's removal of Carol is on its way")
is_(hands.send(room, [bundle(entry, body)]), (200, [(1, "senior")]), "hers of him, by another program, comes first: it changes nothing")
held.release()
removing.communicate(timeout=60)
is_((removing.returncode, members(ada, "duel")), (0, ["ada", "bob"]), "his stands")

duel = room_with("duel-2", bob, carol)
room = hands.look(duel)
body = removal_of(room, bob_id)
entry = hands.entry(room, ROSTER, body, epoch=max(room.epochs))
is_(bob.run("remove", "duel-2", "carol").status, 0, "in another room Bob's comes first")
status, why = hands.send(room, [bundle(entry, body)])
is_((status, why[1]), (403, "not_member"), "and hers is refused, as she is no member any more")
is_(members(ada, "duel-2"), ["ada", "bob"], "the outcome is the same")
for name in ("duel", "duel-2"):
    is_(bob.run("say", name, "still here").status, 0, "Bob writes")
    is_(carol.run("read", name).status, 3, "and Carol is out")
    is_(ada.run("verify", name).status, 0, "and it verifies")

# --- three owners in league: out and in again by another's invite, so that a removal on its way should miss

room_with("league", bob, carol, dora)
held = Holding(proxy, b"/entries HTTP")
removing = ada.start("remove", "league", "bob")
ok(held.wait(), "Ada's removal of Bob is on its way, and the server sits on it")
bob.must("leave", "league")
link = carol.must("invite", "league", "--role", "owner", "--uses", "9").out.strip()
is_(bob.run("join", link, "--room", "dodged").status, 0, "Bob leaves and comes back by Carol's invite meanwhile")
held.release()
out, err = removing.communicate(timeout=60)
is_(removing.returncode, 0, "the removal counts all the same", out.decode(), err.decode())
is_(members(ada, "league"), ["ada", "carol", "dora"], "and he is out")

link = carol.must("invite", "league", "--role", "owner", "--uses", "9").out.strip()
is_(bob.run("join", link, "--room", "dodged-2").status, 0, "Carol brings him back once more")
is_(ada.run("remove", "league", "carol").status, 0, "Ada removes Carol")
link = dora.must("invite", "league", "--role", "owner", "--uses", "9").out.strip()
is_(carol.run("join", link, "--room", "dodged").status, 0, "whom Dora brings back: so it could go on")
everyone = ada.run("remove", "league", "bob", "carol", "dora", "--json")
is_(everyone.status, 0, "Ada removes all three by one entry", *everyone.why())
is_([(m["name"], m["state"]) for m in everyone.json()["members"]], [(name, "sent") for name in ("bob", "carol", "dora")], "as it says")
is_(members(ada, "league"), ["ada"], "and is alone")
ada.must("say", "league", "among myself")
for home, name in ((bob, "league"), (bob, "dodged"), (bob, "dodged-2"), (carol, "league"), (dora, "league")):
    home.run("refresh")
    seen = home.run("read", name).out + home.run("read", name, "--offline").out
    ok("among myself" not in seen, f"{home.name} reads none of it")
for home in (bob, carol, dora):
    ok(home.run("join", link, "--room", "once-more").status != 0, f"and no link brings {home.name} back")
    ok(home.run("invite", "league").status != 0, "nor can any make one")
is_(ada.run("verify", "league").status, 0, "the room verifies")
done()
