#!/usr/bin/env python3
"""Alarms: what is told, kept and repeated; acknowledging; and what a stranger learns from the evidence, offline."""

import os
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
server.url = f"http://127.0.0.1:{front}"
proxy = Proxy(server.port, front)
ada, bob = world.room_of_two(server)
ada.must("room", "new", "other")
ada.must("say", "acme", "one")
bob.must("read", "acme")
stranger = world.home("stranger")  # never has a home


def alarms(home, room="acme"):
    rooms = {r["name"]: r for r in home.must("status", "--offline", "--json").json()["rooms"]}
    return rooms[room]["alarms"]


def check(path, *args):
    return stranger.run("check", path, *args, env={"PRIVITY_HOME": str(world.dir / "nowhere")})


# --- two histories of one length

server.keep("fork")
server.bring("fork")
ada.must("say", "acme", "left")
server.bring("fork")
bob.must("say", "acme", "right")
told = ada.run("read", "acme")
is_(told.status, 4, "the other history is refused", *told.why())
path = re.search(r"evidence was saved in (/\S+)", told.err)[1]
is_(len(re.findall(r"\. [A-Z]", told.err)), 1, "in two sentences", told.err)
ok("privity check" in told.err and "compared with its members" in told.err, "which say what to do", told.err)
is_(os.stat(path).st_mode & 0o777, 0o600, "the evidence is nobody else's")

found = check(path, "--json")
is_(found.status, 0, "a stranger checks it, without a home", *found.why())
said = found.json()
is_((said["finding"], [c["role"] for c in said["convicts"]], said["convicts"][0]["name"]), ("two_histories", ["server"], f"127.0.0.1:{front}"),
    "and learns whose key signed both")
is_(said["first"]["size"] == said["second"]["size"] and said["first"]["root"] != said["second"]["root"], True, "two roots of one size")
words = check(path)
ok(words.status == 0 and "two histories" in words.out and said["convicts"][0]["log_key"] in words.out and
   "Whose key that is this file cannot say" in words.out, "and reads the same in words", *words.why())
ok(not (world.dir / "nowhere").exists(), "and no home was made")

# --- the same when it is longer: a proof is asked for. Not answered, the alarm stands, and the evidence says what it lacks

for text in ("more", "and more"):
    bob.must("say", "acme", text)


def unasked(sink, data):
    if b"/inclusion?" in data:
        raise OSError
    sink.sendall(data)


proxy.ask = unasked
told = ada.run("read", "acme")
proxy.ask = None
is_(told.status, 4, "the alarm is raised whether or not the proof is given", *told.why())
bare = re.search(r"evidence was saved in (/\S+)", told.err)[1]
said = check(bare, "--json").json()
is_((said["finding"], said["convicts"]), ("open", []), "and the evidence claims no more than it has")
ok("Convicts nobody yet" in check(bare).out, "in words, too")

told = ada.run("read", "acme")
is_(told.status, 4, "a longer one is refused too", *told.why())
longer = re.search(r"evidence was saved in (/\S+)", told.err)[1]
said = check(longer, "--json").json()
is_(said["finding"], "two_histories", "and shown not to continue what was signed before")
ok(said["second"]["size"] > said["first"]["size"], "though it is longer")

# --- what is not signed

told_before = len(alarms(ada))


def unsigned(sink, data):
    at = data.find(b"\xe2\x80\x94 ")  # a note's first signature line
    if at >= 0:
        end = data.index(b"\n", at)
        data = data[:end - 10] + (b"A" if data[end - 10:end - 9] != b"A" else b"B") + data[end - 9:]
    sink.sendall(data)


carol_room = ada.must("room", "new", "third")
bob_link = ada.must("invite", "third").out.strip()
bob.must("join", bob_link, "--room", "third")
proxy.answer = unsigned
told = ada.run("read", "third")
proxy.answer = None
is_(told.status, 4, "a note that the log's key did not sign", *told.why())
said = check(re.search(r"evidence was saved in (/\S+)", told.err)[1], "--json").json()
is_((said["finding"], said["convicts"]), ("shown", []), "is kept, and convicts nobody")
is_(ada.run("read", "third").status, 0, "and once the right one is there, all goes on")
is_(len(alarms(ada, "third")), 1, "but what was found stays told")
is_(len(alarms(ada)), told_before, "of that room alone")

# --- damage

whole = pathlib.Path(path).read_bytes()
changed = world.dir / "changed"
wrong = []
for at in range(0, len(whole), 7):
    data = bytearray(whole)
    data[at] ^= 1 << at % 8
    changed.write_bytes(data)
    done_ = check(changed, "--json")
    same = done_.status == 0 and {**done_.json(), "told": "", "told_time": 0} == {**check(path, "--json").json(), "told": "", "told_time": 0} \
        if done_.status == 0 else False
    if done_.status not in (1, 4) and not same:
        wrong.append((at, done_.status))
is_(wrong, [], "no changed byte makes it say something else")
for n in (0, 1, 20, len(whole) // 2, len(whole) - 1):
    changed.write_bytes(whole[:n])
    done_ = check(changed)
    is_((done_.status, done_.out, done_.err.count("\n")), (4, "", 1), f"cut to {n} bytes it does not hold")
changed.write_bytes(whole + b"\0")
is_(check(changed).status, 4, "nor with a byte more")
is_(check(world.dir / "absent").status, 1, "a file that is not there")
is_(stranger.run("check").status, 2, "no file at all")
piped = stranger.run("check", "-", "--json", stdin=whole)
is_((piped.status, piped.json()["finding"]), (0, "two_histories"), "a file on standard input")

# --- kept, repeated, acknowledged

first = alarms(ada)
is_([a["evidence"] for a in first], [path, bare, longer], "status has each alarm, with its evidence")
ada.run("read", "acme")
ada.run("say", "acme", "waits")
is_([a["id"] for a in alarms(ada)], [a["id"] for a in first], "the same alarm is kept once")
is_(len(list((ada.path / "evidence").iterdir())), 4, "and its file too")
shown = ada.must("status").out
is_(shown.count("ALARM"), 4, "status shows them in words", shown)
is_(ada.must("status").out.count("ALARM"), 4, "each time")
os.unlink(path)
server.bring("fork")
bob_said = ada.run("read", "acme")
is_(bob_said.status, 4, "an older state is refused")
is_(ada.run("status", "--offline", "--acknowledge", "0000").status, 1, "an alarm that is not there")
is_(ada.run("status", "--offline", "--acknowledge", first[0]["id"][:3]).status, 1, "too short a begin of one")
ack = ada.must("status", "--offline", "--acknowledge", first[0]["id"][:12])
ok(first[0]["id"] in ack.out and "acknowledged" in ack.out, "one is acknowledged", ack.out)
is_([bool(a["acknowledged"]) for a in alarms(ada)][:2], [True, False], "and is marked so")
ada.must("status", "--offline", "--acknowledge", "all")
shown = ada.must("status", "--offline").out
is_(shown.count("ALARM"), 0, "then status is quiet", shown)
is_(all(a["acknowledged"] for a in alarms(ada)), True, "and still has them for programs")
refused = ada.run("read", "acme")
is_(refused.status, 4, "the room goes on refusing that log")
ok("evidence was saved in" in refused.err, "and says so")
is_(ada.must("status", "--offline").out.count("ALARM"), 1, "which is an alarm again")
is_([ada.run("say", "other", "goes on").status, ada.run("read", "other").status], [0, 0], "other rooms go on")
is_(ada.must("read", "acme", "--offline", "--json").json()["messages"][-2]["text"], "left", "what the device holds stays readable")
files = [path for path in ada.path.rglob("*") if path.is_file()]
ok(any(path.parent.name == "evidence" for path in files), "evidence lies in the home")
plain = [(path.name, word) for path in files for word in (b"acme", b"and more", b"goes on") if word in path.read_bytes()]
is_(plain, [], "and nothing there tells a room's name or a word of what was said")
done()
