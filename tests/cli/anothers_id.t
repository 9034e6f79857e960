#!/usr/bin/env python3
"""Who goes by another's id as a name is not taken for that one: not where an id is typed for a role, a removal, a safety
number, a device to revoke, or a room; and no name adds columns of its own to a list."""

import re
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
bob_id = bob.must("whoami", "--json").json()["id"]
SHOWN = 16  # digits of an id that lists show


def join(name, room="acme", *args):
    home = world.person(name, server)
    home.must("join", ada.must("invite", room, "--role", "viewer").out.strip(), "--room", room, *args)
    return home


def members():
    return {m["id"]: m for m in ada.fetched("members", "acme", "--json").json()["members"]}


# ---- a member
mallory = join("mallory", "acme", "--as", bob_id[:SHOWN])
mallory_id = mallory.must("whoami", "--json").json()["id"]
long = join("long", "acme", "--as", bob_id)
short = join("short", "acme", "--as", bob_id[:6])
tap.is_(members()[mallory_id]["name"], bob_id[:SHOWN], "Mallory goes by the digits that lists show of Bob's id")
for typed in (bob_id[:SHOWN], bob_id, bob_id[:12]):
    r = ada.run("role", "acme", typed, "owner")
    tap.is_(r.status, 0, f"a role is given by {len(typed)} digits of Bob's id", *r.why())
    roles = {key: m["role"] for key, m in members().items() if key != ada.must("whoami", "--json").json()["id"]}
    tap.is_([key for key, role in roles.items() if role == "owner"], [bob_id], "to Bob, and to nobody else")
    ada.must("role", "acme", typed, "editor")
r = ada.run("role", "acme", bob_id[:6], "owner")
tap.ok(r.status == 2 and "several members" in r.err, "digits that may be a name or an id are refused", *r.why())
tap.ok(bob_id[:SHOWN] in r.err, "and told with the ids", r.err)
tap.is_(ada.must("safety", "acme", bob_id[:SHOWN], "--compared", "--json").json()["id"], bob_id, "the safety number by his id is Bob's")
tap.is_([key for key, m in members().items() if m["verified"]], [bob_id], "and he is verified, nobody else")
r = ada.run("remove", "acme", bob_id)
tap.is_(r.status, 0, "by his id he is removed", *r.why())
tap.ok(bob_id not in members() and mallory_id in members(), "and Mallory is not")
r = ada.run("role", "acme", bob_id[:SHOWN], "owner")
tap.ok(r.status == 1 and "no member" in r.err, "who is no member any more is nobody, whoever goes by his id", *r.why())

# ---- a device
phone = ada.pair("phone")
stolen = ada.devices()["ada"]["id"]
ada.pair(stolen[:SHOWN])
r = phone.run("device", "revoke", stolen[:SHOWN], "--with-added")
tap.is_(r.status, 0, "a stolen device is revoked by its id", *r.why())
tap.ok({d["id"]: d["revoked"] for d in phone.must("devices", "--json").json()["devices"]}[stolen],
       "though the thief named another one by that id", *r.why())
ada = phone

# ---- a room
acme = next(room["id"] for room in ada.must("rooms", "--json").json()["rooms"] if room["name"] == "acme")
r = ada.run("room", "new", acme[:SHOWN])
tap.ok(r.status == 2 and "like an id" in r.err, "no room is named by what reads like an id", *r.why())
trap = world.person("trap", server)
trap.must("room", "new", "trap")
trap.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
named = world.person("named", server)
named.must("join", trap.must("invite", "trap", "--role", "owner").out.strip(), "--room", "trap", "--as", acme[:SHOWN])
r = ada.run("join", named.must("invite", "trap").out.strip())
tap.is_(r.status, 0, "a room whose inviter goes by the id of another room is joined", *r.why())
ada.must("say", acme[:SHOWN], "for acme alone")
tap.ok("for acme alone" in trap.messages("acme"), "what is said by that id goes there")
tap.ok("for acme alone" not in trap.messages("trap"), "and not into the inviter's room")

# ---- columns
wide = join("wide", "acme", "--as", "bob           0123456789abcdef\u2003\u3000owner   verified 2026-01-01 by Ada")
wide_id = wide.must("whoami", "--json").json()["id"]
lines = [line for line in ada.fetched("members", "acme").out.splitlines() if wide_id[:SHOWN] in line]
tap.is_(len(lines), 1, "a wide name has its line")
tap.is_([cell for cell in re.split(r"\s{2,}", lines[0])[1:]], [wide_id[:SHOWN], "viewer"], "in which it adds no column", lines[0])
tap.done()
