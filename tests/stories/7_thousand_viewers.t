#!/usr/bin/env python3
"""Story 7: in a room of 1,000 viewers with an open invite, somebody revokes a device every hour: how many bytes that costs
whom, and who is told what.

All who do something here run `privity`. The crowd came in by the same link and the same requests, but by core's tasks in one
process (tests/tools/viewers.c), since a thousand homes take a quarter of an hour to make. Bytes are all that passes on the
wire, heads of requests and sessions too; without them they are counted in 7_thousand_viewers_counted.t."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy
from tap import done, is_, note, ok
from world import LONG, ROOT, World

VIEWERS, HOURS, HOMES = 1000, 24 if LONG else 2, 60 if LONG else 4
WRAP, KEM_KEY, KEM_HASH = 1168 + 3, 1216 + 3, 32 + 2
BESIDE_MAX = 16 * 1024  # of one command, beside wraps and public keys
FOLLOW_MAX, FOLLOW_REQUESTS_MAX = 8 * 1024, 4

world = World()
server = world.server("server", "--rate-address", "0", "--rate-device", "0")
proxy = Proxy(server.port)


def cost(who, home, *args, is_told=True):
    """What a command came to, and what it sent, fetched and asked."""
    before = [(len(sent), len(received)) for sent, received in zip(proxy.sent, proxy.received)]
    result = home.run(*args)
    before += [(0, 0)] * (len(proxy.sent) - len(before))
    sent = [bytes(all_of[n:]) for all_of, (n, _) in zip(proxy.sent, before)]
    down = sum(len(all_of) - n for all_of, (_, n) in zip(proxy.received, before))
    up, asked = sum(map(len, sent)), sum(bytes_.count(b" HTTP/1.1\r\n") for bytes_ in sent)
    if is_told:
        note(f"{who:28} {up:8} bytes up, {down:8} down, in {asked} requests")
    ok(not result.status, f"{who}: {args[0]}", *result.why())
    return result, up, down, asked


def members(home):
    return home.must("members", "acme", "--json").json()["members"]


def tell_of_carol(result, what, name):
    ok(f"carol {what}" in result.out + result.err, name, *result.why())


# ---- the room

ada = world.person("ada", proxy)
ada.must("room", "new", "acme")
link = ada.must("invite", "acme", "--role", "viewer", "--uses", "5000").out.strip()
crowd = subprocess.run([str(ROOT / "build/native/tests/tools/viewers"), str(server.port), str(VIEWERS - HOMES)], input=link,
                       capture_output=True, text=True, errors="replace", check=False, timeout=600)
is_(crowd.returncode, 0, f"{VIEWERS - HOMES} persons join by an open invite", crowd.stderr)
bob, carol, *more = homes = [world.person(name, proxy) for name in ["bob", "carol", *(f"viewer-{i}" for i in range(HOMES - 2))]]
for home in homes:
    joined = home.run("join", link, "--room", "acme")
    is_(joined.status, 0, f"and {home.name}, by privity", *joined.why())
texts = []


def say(home, text):
    result, *_ = cost(f"{home.name} writes", home, "say", "acme", text)
    texts.append(text)
    return result


say(ada, "welcome")
say(bob, "thanks")
is_([m["role"] for m in members(ada)].count("viewer"), VIEWERS, "the owner sees a thousand viewers")
is_(len(members(carol)), VIEWERS + 1, "and so does a viewer")

for hour in range(1, HOURS + 1):
    note(f"hour {hour}")
    phone = carol.pair(f"phone-{hour}")
    is_(phone.messages(), texts, "Carol adds a phone, which reads all")
    tell_of_carol(say(ada, f"to Carol's phone {hour}"), "added a device", "the owner is told before the next message is sent")
    for home in (bob, *more, phone):
        home.must("refresh")

    # ---- it is lost
    count = VIEWERS + hour
    _, up, down, _ = cost("who revokes", carol, "device", "revoke", f"phone-{hour}")
    asked = count if hour == 1 else 1
    ok(count * WRAP * 9 // 10 < up < count * (WRAP + KEM_HASH * (hour == 1)) + BESIDE_MAX, "who revokes sends a wrap for each, and little more")
    ok(down < asked * KEM_KEY + BESIDE_MAX, "and fetches the public keys that are not here yet, and little more")
    ok(carol.devices()[f"phone-{hour}"]["revoked"], "the phone is listed as revoked")

    # ---- who is told what
    for home in (bob, *more):
        _, up, down, requests = cost("each other viewer", home, "refresh", is_told=home is bob)
        ok(up + down < FOLLOW_MAX and requests <= FOLLOW_REQUESTS_MAX, "another viewer follows by a few kilobytes")
    tell_of_carol(bob.must("status"), "made new keys, as after removing a device", "Bob's status tells him")
    tell_of_carol(say(bob, f"Bob, hour {hour}"), "made new keys, as after removing a device", "and the next message, before it is sent")
    ok("carol" not in bob.must("status").out, "then he knows")
    ok("invite" not in bob.must("read", "acme").err, "the invite was not his, and he is told nothing of it")

    _, up, down, requests = cost("the owner follows", ada, "refresh")
    ok(up + down < FOLLOW_MAX and requests <= FOLLOW_REQUESTS_MAX, "so does the owner")
    tell_of_carol(ada.must("status"), "removed a device", "the owner's status tells her")
    said = say(ada, f"Ada, hour {hour}")
    tell_of_carol(said, "removed a device", "and the next message")
    ok("1 open invite of yours ended" in said.err and "privity invite acme" in said.err, "and that her invite ended, and what makes a new one", *said.why())
    said = say(ada, f"Ada again, hour {hour}")
    is_(said.err, "", "once")

    say(carol, f"Carol, hour {hour}")
    for args in (("read", "acme"), ("say", "acme", "it is me"), ("refresh",)):
        refused = phone.run(*args)
        ok(refused.status == 3 and "this device was revoked by another one of yours" in refused.err, f"the phone is told: {args[0]}", *refused.why())
    here = [m["text"] for m in phone.must("read", "acme", "--limit", "0", "--offline", "--json").json()["messages"]]
    is_(here, texts[:len(here)], "it keeps what it read")
    ok(here and here[-1] == f"to Carol's phone {hour}", "and has nothing of what came after")

    # ---- the link that may have been copied
    late = world.person(f"late-{hour}", proxy)
    refused = late.run("join", link, "--room", "acme")
    ok(refused.status == 3 and "this link is revoked" in refused.err, "who found the old link is told that it ended", *refused.why())
    result, up, down, _ = cost("the owner, with a new link", ada, "invite", "acme", "--role", "viewer", "--uses", "5000")
    ok(up < BESIDE_MAX and down < BESIDE_MAX, "the owner makes a new one by a few kilobytes")
    link = result.out.strip()
    is_(late.run("join", link, "--room", "acme").status, 0, "by which one joins")
    is_(late.messages(), texts, "and reads all")
    is_(len(members(ada)), VIEWERS + 1 + hour, "as the owner sees")
    for home in (ada, carol, bob, *more):
        is_(home.messages(), texts, f"{home.name} reads all, in order")

for home in (ada, bob, carol):
    is_(home.run("verify", "acme").status, 0, f"{home.name}: the room verifies")
done()
