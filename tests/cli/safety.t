#!/usr/bin/env python3
"""Safety numbers with the real programs: both see the same, another's is refused, all of one's devices know who was
verified, nobody else does; and whose devices changed is told before the next message leaves, once."""

import os
import pty
import shutil
import subprocess
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
carla = world.person("carla", server)
carla.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
ids = {home: home.must("whoami", "--json").json()["id"] for home in (ada, bob, carla)}


def number(home, other, *args):
    return home.fetched("safety", "acme", other, *args).out.strip()


def member(home, name, room="acme"):
    return next(m for m in home.fetched("members", room, "--json").json()["members"] if m["name"] == name)


def said(home, text, *args):
    """What a `say` told of changed devices: its lines, and its JSON."""
    r = home.must("say", "acme", text, "--json", *args)
    return [line for line in r.err.splitlines() if "device" in line or "keys" in line], r.json()["changed_devices"]


def status(home):
    return home.fetched("status", "--json").json()["rooms"][0]["changed_devices"]


def terminal(home, *args, colour=True, answer=b""):
    """Exit status and what is seen on a terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(str(home.world.bin / "privity"), ["privity", *args], dict(home.env, TERM="xterm" if colour else "dumb"))
    seen = b""
    try:
        while data := os.read(fd, 65536):
            seen += data
            if answer and seen.rstrip().endswith(b":"):
                os.write(fd, answer)
                answer = b""
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode().replace("\r\n", "\n")


# ---- the number
said(ada, "hello")
here, there = number(ada, "bob"), number(bob, "ada")
tap.is_(here, there, "both see the same number")
tap.ok(len(here) == 71 and here.replace(" ", "").isdigit(), "sixty digits in twelve groups", here)
tap.ok(len({here, number(ada, "carla"), number(bob, "carla")}) == 3, "each pair has its own")
tap.is_(ada.must("safety", "acme", ids[bob][:12], "--json").json()["number"], here, "also by the begin of an id, as JSON")
code = number(bob, "ada", "--qr")
tap.is_(code, f"PRIVITY:SAFETY:1:{ids[bob]}:{ids[ada]}".upper(), "the code names who shows it, and who is to scan it")

# ---- what is refused
wrong = here[:-1] + str((int(here[-1]) + 1) % 10)
for given, want, words, what in (
        (number(bob, "carla"), 4, "not the number", "the number of another pair"),
        (number(ada, "carla"), 4, "not the number", "the number of Ada and somebody else"),
        (wrong, 4, "group 12", "a digit misheard"),
        (number(carla, "ada", "--qr"), 4, "not the code", "somebody else's code"),
        (number(bob, "carla", "--qr"), 4, "not the code", "Bob's code for somebody else"),
        (number(ada, "bob", "--qr"), 2, "scan the one", "one's own code"),
        (here[:-1], 2, "digits are missing", "a digit less"),
        (here + " 1", 2, "too long", "a digit more"),
        ("twelve", 2, "neither", "words"),
        ("", 2, "missing", "nothing"),
        (code.replace(":1:", ":2:"), 1, "newer", "a newer version's code")):
    r = ada.run("safety", "acme", "bob", "--verify", given)
    tap.ok(r.status == want and words in r.err and r.err.count("\n") == 1, f"refused with {want}: {what}", *r.why())
tap.is_(member(ada, "bob")["verified"], None, "and nothing is recorded")
for args, want, what in ((("ada",), 2, "oneself"), (("dora",), 1, "somebody who is not here"), (("bob", "--withdraw"), 1, "withdrawing what was not noted"),
                         (("bob", "--compared", "--withdraw"), 2, "two things at once")):
    tap.is_(ada.run("safety", "acme", *args).status, want, f"refused: {what}")

# ---- verified
r = ada.run("safety", "acme", "bob", "--verify", "-", stdin="\n".join(here.split()) + "\n")
tap.is_(r.status, 0, "the right one, in lines on standard input", *r.why())
mine, mine_name = next((d["id"], d["name"]) for d in ada.must("devices", "--json").json()["devices"] if d["current"])
verified = member(ada, "bob")["verified"]
tap.ok(verified and verified["how"] == "number" and verified["by"] == mine and verified["by_name"] == mine_name and not verified["pending"] and
       (verified["added"], verified["removed"]) == (0, 0), "members shows by which device and how", verified)
status_, seen = terminal(ada, "members", "acme")
tap.ok(status_ == 0 and "editor  verified 20" in seen and f"by {mine_name}" in seen, "in words too", seen)
tap.ok(member(bob, "ada")["verified"] is None and member(carla, "bob")["verified"] is None, "which others do not see")

ada.clock_ms = 5 * 3600 * 1000  # this device's clock is wrong, and the time is a checkpoint's
ada.must("safety", "acme", "carla", "--compared")
ada.clock_ms = 0
tap.ok(abs(member(ada, "carla")["verified"]["time"] - verified["time"]) < 3600 * 1000, "when: by a checkpoint, not by the device's clock")
tap.is_(member(ada, "carla")["verified"]["how"], "compared", "compared by oneself")

tablet = ada.pair("tablet")
tap.is_(member(tablet, "bob")["verified"], verified, "Ada's second device knows it")
tablet.must("safety", "acme", "bob", "--verify", code)
verified = member(ada, "bob")["verified"]
tap.ok(verified["how"] == "code" and verified["by_name"] == "tablet", "and notes another one, by a code, which the first learns", verified)

# ---- on a terminal
status_, seen = terminal(bob, "safety", "acme", "ada")
tap.ok(status_ == 0 and here.split()[0] in seen and "Not verified" in seen and "--compared" in seen, "what to do is said", seen)
status_, seen = terminal(bob, "safety", "acme", "ada", "--verify", "-", answer=here.replace(" ", ".").encode() + b"\n")
tap.ok(status_ == 0 and "twelve groups" in seen and "verified 20" in seen, "the number is asked for", seen)
bob.must("safety", "acme", "ada", "--withdraw")
tap.is_(member(bob, "ada")["verified"], None, "and withdrawn")


def picture(seen, colour):
    """The code that a terminal showed, as an image; a module is four dots wide."""
    lines = [line for line in seen.split("\n") if (line.startswith("\033[30;107m") if colour else set(line) <= set(" ▀▄█") and line)]
    rows = []
    for line in lines:
        cells = line.removeprefix("\033[30;107m").removesuffix("\033[0m")
        rows.append([cell in "▀█" for cell in cells])
        rows.append([cell in "▄█" for cell in cells])
    if not colour and not any(rows[-1]):
        rows.pop()
    dark = [[drawn == colour for drawn in row] for row in rows]
    quiet = [[False] * (len(dark[0]) + 8)] * 4
    dark = quiet + [[False] * 4 + row + [False] * 4 for row in dark] + quiet
    path = world.dir / "code.pbm"
    scale = 4
    with open(path, "w") as file:
        print("P1", len(dark[0]) * scale, len(dark) * scale, file=file)
        for row in dark:
            for _ in range(scale):
                print(" ".join(str(int(module)) for module in row for _ in range(scale)), file=file)
    return path


if shutil.which("zbarimg"):
    for colour in (True, False):
        status_, seen = terminal(bob, "safety", "acme", "ada", "--qr", colour=colour)
        tap.is_(status_, 0, f"a code is drawn on a terminal {'in black on white' if colour else 'without colours'}", seen)
        r = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture(seen, colour)], capture_output=True, check=False)
        tap.is_(r.stdout.decode().strip(), code, "and a camera reads it")
        tap.ok(max(map(len, seen.replace("\033[30;107m", "").replace("\033[0m", "").split("\n"))) <= 80 and seen.count("\n") <= 26, "it fits a usual terminal")
else:
    tap.note("no zbarimg here: no code was read back")

# ---- changed devices
phone = bob.pair("phone")
listed = status(ada)
tap.is_(listed, [], "what was not fetched is not known")
ada.must("read", "acme")
listed = status(ada)
tap.ok(len(listed) == 1 and listed[0]["id"] == ids[bob] and listed[0]["added"] == 1 and listed[0]["verified"], "then status lists it", listed)
lines, changed = said(ada, "a secret")
tap.ok(len(lines) == 1 and "CAREFUL" in lines[0] and "bob" in lines[0] and "added a device" in lines[0] and "privity safety acme" in lines[0],
       "the next message says so before it leaves, loudly, since he is verified", *lines)
tap.ok(len(changed) == 1 and changed[0]["id"] == ids[bob] and changed[0]["added"] == 1 and changed[0]["verified"] and not changed[0]["all_new"], "also as JSON", changed)
tap.is_(said(ada, "another"), ([], []), "once")
tap.is_(said(tablet, "from the tablet")[1][0]["id"], ids[bob], "her other device tells it by itself")
tap.is_(said(tablet, "and again"), ([], []), "once, too")
verified = member(ada, "bob")["verified"]
tap.is_((verified["added"], verified["removed"]), (1, 0), "members shows what changed since he was verified")
status_, seen = terminal(ada, "members", "acme")
tap.ok("by tablet; since then added a device" in seen, "in words too", seen)
tap.ok([c["id"] for c in status(ada)] == [ids[bob]], "status repeats it")
tap.ok("whom you verified" in ada.fetched("status").out, "in words")
number(ada, "bob")
tap.is_(status(ada), [], "until she looks at him")
tap.is_(number(ada, "bob"), here, "whose number is the same")
ada.must("safety", "acme", "bob", "--compared")
tap.is_(member(ada, "bob")["verified"]["added"], 0, "comparing again takes his devices as they are now")

ada.must("safety", "acme", "carla", "--withdraw")
carla_phone = carla.pair("carla-phone")
lines, changed = said(ada, "to all")
tap.ok(len(lines) == 1 and "CAREFUL" not in lines[0] and "carla added a device" in lines[0], "of who is not verified it is told quietly", *lines)
tap.is_(changed[0]["verified"], None, "and as JSON")
tap.is_(status(ada), [], "and not repeated")
carla.must("device", "revoke", "carla-phone")
(world.dir / "file.txt").write_text("x\n")
r = ada.must("put", "acme", world.dir / "file.txt", "--json")
tap.ok("carla removed a device" in r.err and r.json()["changed_devices"][0]["removed"] == 1, "put tells it, too", *r.why())

# all devices lost, and the kit found
again = world.home("again", server)
r = again.run("recover", "--name", "again", "--kit", bob.kit, "--revoke-others")
tap.is_(r.status, 0, "Bob recovers by his kit", *r.why())
lines, changed = said(ada, "who are you?")
tap.ok(len(lines) == 1 and "CAREFUL" in lines[0] and "replaced all devices, by a recovery kit" in lines[0], "which is told", *lines)
tap.ok(changed[0]["all_new"] and changed[0]["by_kit"], "as JSON", changed)
tap.is_(number(again, "ada"), here, "he is the same person, with the same number")

# what waits offline is told when it goes
carla_tablet = carla.pair("carla-tablet")
r = ada.run("say", "acme", "later", "--offline")
tap.ok(r.status == 5 and "carla" not in r.err, "written offline", *r.why())
r = ada.run("refresh")
tap.ok(r.status == 0 and "carla added a device" in r.err, "and told when it is sent", *r.why())
tap.ok("later" in bob.run("read", "acme", "--json").out or "later" in again.must("read", "acme", "--json").out, "which it is")

# ---- offline, revoked, and what the server learns
server.stop()
r = ada.run("safety", "acme", "carla", "--verify", number(ada, "carla", "--offline"), "--offline")
tap.is_(r.status, 5, "without a server it is kept", *r.why())
tap.ok(ada.run("members", "acme", "--json", "--offline").json()["members"] and
       next(m for m in ada.run("members", "acme", "--json", "--offline").json()["members"] if m["name"] == "carla")["verified"]["pending"], "and shows as not sent")
server.start()
ada.must("refresh")
tap.is_(member(tablet, "carla")["verified"]["pending"], False, "later all know it")
tablet.must("device", "revoke", mine)
tap.ok(member(tablet, "carla")["verified"]["by_revoked"], "what a revoked device noted is shown as such", member(tablet, "carla")["verified"])
status_, seen = terminal(tablet, "members", "acme")
tap.ok(f"by {mine_name}, revoked since" in seen, "in words too", seen)

server.stop()
traces = [here.encode(), here.replace(" ", "").encode(), code.encode(), code.lower().encode(), b"PRIVITY:SAFETY", b"verified"]
found = [(str(path.relative_to(world.dir)), trace) for base in (server.data, server.log, ada.path, bob.path) for path in ([base] if base.is_file() else base.rglob("*"))
         if path.is_file() for data in [path.read_bytes()] for trace in traces if trace in data]
tap.is_(found, [], "nothing of it is in the clear on the server, nor in homes")
tap.done()
