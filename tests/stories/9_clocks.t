#!/usr/bin/env python3
"""Story 9: one member's clock is two days ahead, another's two days behind; an invite for one day is made on each. Both
links are good for a day, by the server's clock, and both members write."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import DAY_MS, World

world = World()
server = world.server()
ada = world.person("Ada", server)
ada.must("room", "new", "acme")
ada.must("say", "acme", "before the clocks went wrong")
bob = world.person("Bob", server)
bob.must("join", ada.must("invite", "acme", "--role", "owner").out.strip(), "--room", "acme")

ada.clock_ms, bob.clock_ms = 2 * DAY_MS, -2 * DAY_MS
links = {}
for home in (ada, bob):
    made = home.run("invite", "acme", "--expires", "1d", "--uses", "9", "--json")
    is_(made.status, 0, f"{home.name} makes an invite for a day", *made.why())
    links[home.name] = made.json()["link"]


def newcomer(name, link):
    home = world.home(name, server)
    return home, home.run("join", link, "--as", name, "--kit", home.kit, "--room", "acme")


for of, link in links.items():
    home, joined = newcomer(f"At once by {of}", link)
    is_(joined.status, 0, f"by {of}'s link one joins at once", *joined.why())
    is_(home.run("say", "acme", f"by {of}'s link").status, 0, "and writes")

# --- both write

said = bob.run("say", "acme", "Bob, two days behind")
is_(said.status, 0, "Bob, whose clock is behind, writes", *said.why())
waits = ada.run("say", "acme", "Ada, two days ahead")
is_(waits.status, 5, "what Ada writes waits: by her clock, the server's word is two days old", *waits.why())
ok("2 days ahead" in waits.err and "--accept-clock" in waits.err, "she is told why, and what to do", waits.err)
accepted = ada.run("status", "--accept-clock")
is_(accepted.status, 0, "she says that her clock is wrong", *accepted.why())
ok(abs(ada.must("status", "--json").json()["clock_accepted"] - 2 * DAY_MS) < 600000, "status shows by how much")
sent = ada.run("refresh")
is_(sent.status, 0, "and it is sent", *sent.why())
is_(ada.run("say", "acme", "Ada again").status, 0, "like what she writes then")
want = ["before the clocks went wrong", "by Ada's link", "by Bob's link", "Bob, two days behind", "Ada, two days ahead", "Ada again"]
for home in (ada, bob):
    is_(home.messages(), want, f"{home.name} reads all")
    is_(home.run("verify", "acme").status, 0, "and it verifies")
times = {m["text"]: m["time"] for m in bob.must("read", "acme", "--limit", "0", "--json").json()["messages"]}
ok(abs(times["Ada again"] - times["by Ada's link"]) < 600000, "Ada's words bear the corrected time", str(times))

# --- a day is a day of the server's

world.pass_days(23 / 24)
for of, link in links.items():
    home, joined = newcomer(f"Late by {of}", link)
    is_(joined.status, 0, f"after 23 hours {of}'s link is good", *joined.why())
world.pass_days(2 / 24)
for of, link in links.items():
    home, joined = newcomer(f"Too late by {of}", link)
    is_(joined.status, 3, f"after 25 it is not", *joined.why())
    ok("expired" in joined.err or "ended" in joined.err, "and says so", joined.err)

# --- the clock is set right

ada.clock_ms = 0
is_(ada.run("say", "acme", "on time").status, 0, "Ada's clock is set right; she writes")
ok(ada.must("status", "--json").json()["clock_accepted"] < 3600000, "and nothing is corrected any more")
said = ada.must("say", "acme", "on time again", "--json")
times = [m["time"] for m in bob.must("read", "acme", "--limit", "1", "--json").json()["messages"]]
ok(abs(times[0] - said.json().get("time", times[0])) < 600000, "her words bear the right time")
is_([m["text"] for m in bob.must("read", "acme", "--limit", "2", "--json").json()["messages"]], ["on time", "on time again"], "Bob reads them")
done()
