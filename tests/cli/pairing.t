#!/usr/bin/env python3
"""Adding a device by a short code with the real programs: the phone reads all history and writes; wrong codes add nothing."""

import json
import sys

sys.path.insert(0, "tests/lib")
import tap
from proxy import Proxy
from world import World

world = World()
server = world.server()
ada = world.person("ada", server)
bob = world.person("bob", server)
for room in ("acme", "hooli"):
    ada.must("room", "new", room)
    ada.must("say", room, f"before the phone in {room}")
    bob.must("join", ada.must("invite", room).out.strip(), "--room", room)
    bob.must("say", room, f"Bob in {room}")


def texts(home, room):
    return sorted(m["text"] for m in home.must("read", room, "--limit", "0", "--json").json()["messages"])


def adding(home, *args):
    """`device add`, and the code that it shows."""
    process = home.start("device", "add", *args)
    return process, process.stdout.readline().decode().strip()


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


def joined(name, code, *args):
    home = world.home(name, server)
    return home, home.run("device", "join", "--name", name, "--server", server.url, *args, stdin=code.encode() + b"\n")


# ---- as meant
process, code = adding(ada)
tap.ok(len(code) == 14 and code.replace("-", "").isdigit(), "twelve digits are shown", code)
phone, r = joined("phone", code.replace("-", " "))
tap.is_(r.status, 0, "the code is typed on the phone", *r.why())
tap.ok("acts for ada" in r.out.lower(), "which now acts for Ada", r.out)
status, out, err = finish(process)
tap.is_(status, 0, "and the laptop is done", out, err)
tap.ok("Added phone" in err and "typed the code" in err, "having added it", err)
for room in ("acme", "hooli"):
    tap.is_(texts(phone, room), texts(ada, room), f"it reads all of {room}")
phone.must("say", "acme", "from the phone")
ada.must("read", "acme")
tap.ok("from the phone" in texts(bob, "acme"), "and writes, which Bob reads")
names = {d["name"]: d for d in ada.must("devices", "--json").json()["devices"] if not d["paper"]}
tap.ok("phone" in names and not names["phone"]["revoked"] and names["phone"]["added_by"], "it is listed by its name", str(names))
tap.is_(phone.must("whoami", "--json").json()["id"], ada.must("whoami", "--json").json()["id"], "both are one person")
again, r = joined("again", code)
tap.ok(r.status == 3 and not (again.path / "keystore").exists(), "a code that was used adds no other", *r.why())
tap.is_(len([d for d in ada.must("devices", "--json").json()["devices"] if not d["paper"]]), 2, "there are two devices")

# ---- the phone adds another, as JSON
process, first = adding(phone, "--json")
tablet, r = joined("tablet", json.loads(first)["code"], "--json")
tap.is_(r.status, 0, "a phone adds a tablet", *r.why())
status, out, err = finish(process)
added = json.loads(out)
tap.ok(status == 0 and added["name"] == "tablet" and added["id"] == r.json()["device"] and all(x["done"] for x in added["rooms"]),
       "and says so", out, err)
tap.is_(texts(tablet, "hooli"), texts(ada, "hooli"), "which reads all history too")

# ---- what goes wrong
process, code = adding(ada)
wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
watch, r = joined("watch", wrong)
tap.is_(r.status, 2, "a mistyped digit is noticed before anything is sent", *r.why())
tap.ok("digit" in r.err, "and told", r.err)
tap.is_(joined("watch", code[:9])[1].status, 2, "so is a missing group")


tap.ok("still waits" in r.err, "and that the other device still waits", r.err)


def other(code, place=4):
    """Another code, its check digit right; of the same mailbox, if the place that differs is not in its number."""
    digits = code.replace("-", "")
    digits = digits[:place] + str((int(digits[place]) + 1) % 10) + digits[place + 1:11]
    p = 10
    for digit in digits:
        p = ((p + int(digit)) % 10 or 10) * 2 % 11
    return digits + str((11 - p) % 10)


watch, r = joined("watch", other(code, 2))
tap.ok(r.status == 3 and "still waits" in r.err, "a code of a mailbox that nobody has is refused, and the same said", *r.why())
said = process.stderr.readline().decode()
tap.ok("still waiting: no device has used the code" in said, "the device that waits says so, and that nobody came", said)
watch, r = joined("watch", other(code))
tap.is_(r.status, 3, "a guessed code is refused", *r.why())
tap.ok("codes of the two devices differ" in r.err, "in words that say what to do", r.err)
status, out, err = finish(process)
tap.is_(status, 3, "the other device hears of it", out, err)
tap.ok(not (watch.path / "keystore").exists(), "nothing of it stays")
watch, r = joined("watch", code)
tap.is_(r.status, 3, "and the right code is void now", *r.why())
tap.is_(len([d for d in ada.must("devices", "--json").json()["devices"] if not d["paper"]]), 3, "nobody was added")
tap.is_(joined("watch", "0000-0000-0000")[1].status in (2, 3), True, "nor by any code that was never shown")

# ---- a home that is there
process, code = adding(ada)
r = bob.run("device", "join", "--name", "laptop", "--server", server.url, stdin=code.encode())
tap.is_(r.status, 1, "Bob's laptop does not become Ada's", *r.why())
tap.ok("holds a device already, bob, which acts for bob" in r.err and bob.must("whoami").status == 0, "and stays what it is", r.err)
r = phone.run("device", "join", "--name", "phone", "--server", server.url)
tap.is_(r.status, 1, "nor is Ada's phone added once more", *r.why())
tap.ok("holds a device already, phone, which acts for ada" in r.err and "nothing was changed" in r.err,
       "which is told before it is asked for a code", r.err)
left = world.home("left", server)
r = left.run("device", "join", "--name", "left", "--server", server.url, stdin=code.encode() + b"\n")
tap.is_(r.status, 0, "the code is good still", *r.why())
tap.is_(finish(process)[0], 0, "for another device")
tap.is_(ada.run("device", "add", "extra").status, 2, "device add takes no words")
tap.is_(world.home("none", server).run("device", "join", "--server", server.url).status, 2, "device join wants a name")

# ---- who typed the code is named, whatever comes between
proxy = Proxy(server.port)
eve = world.person("eve", proxy)


def to_the_wrong_slot(sink, data):
    """The fourth message comes nowhere, as when the ten minutes ended just before it."""
    if data.startswith(b"PUT /v1/pairings/"):
        data = data.replace(b"/old/2", b"/old/9", 1)
    sink.sendall(data)


def cut_appends(sink, data):
    if data.startswith(b"POST") and b"/entries" in data.split(b"\r\n")[0]:
        raise OSError
    sink.sendall(data)


def devices_of(home):
    return {d["id"] for d in home.must("devices", "--json").json()["devices"]}


before = devices_of(eve)
proxy.ask = to_the_wrong_slot
process, code = adding(eve)
late = world.home("late", server)
waiting = late.start("device", "join", "--name", "late", "--server", server.url, stdin=-1)
waiting.stdin.write(code.encode() + b"\n")
waiting.stdin.close()
status, out, err = finish(process)
proxy.ask = None
waiting.kill()
waiting.wait()
added = devices_of(eve) - before
tap.is_(len(added), 1, "a device is in that could not be told so")
hex16 = added.pop()[:16]
tap.ok(status == 3 and f"late ({hex16}) was added" in err and f"device revoke {hex16}" in err and "no device was added" not in err,
       "which the one that added it says, and which one it is", out, err)
process, code = adding(eve)
r = late.run("device", "join", "--name", "late", "--server", server.url, stdin=code.encode() + b"\n")
tap.is_((r.status, finish(process)[0]), (0, 0), "and by another code it goes on", *r.why())
before = devices_of(eve)
process, code = adding(eve)
proxy.ask = cut_appends
r = world.home("lost", server).run("device", "join", "--name", "lost", "--server", server.url, stdin=code.encode() + b"\n")
status, out, err = finish(process)
proxy.ask = None
tap.is_(r.status, 3, "where the server is gone in the middle, nothing is added yet", *r.why())
eve.must("refresh")
hex16 = (devices_of(eve) - before).pop()[:16]
tap.ok(status == 5 and f"lost ({hex16}) is not added yet" in err, "and what will come in is named", out, err)

server.stop()
r = ada.run("device", "add")
tap.ok(r.status == 1 and server.url in r.err, "without the server there is no adding, and nothing that would be sent later", *r.why())
tap.done()
