#!/usr/bin/env python3
"""Nothing that people write, and no secret, is to be found where it should not be: not in the server's data, its log at
its most talkative, or the traffic; not in a device's home or temporary files; in no usual encoding, whole or in part.

tests/cli/canary.t looks for plain words; this looks for what is left of them in hex, base64, UTF-16 and escapes, and
for keys."""

import base64
import os
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy
from tap import done, is_, note, ok
from world import PASSPHRASE, World, free_port

world = World()
front = free_port()
server = world.server("server", "--log-level", "debug", "--public-url", f"http://127.0.0.1:{front}", registration="invite")
proxy = Proxy(server.port, front)
server.url = proxy.url
code = world.dir / "code"
invited = world.spawn([world.server_bin, "--data", server.data, "--public-url", server.url, "admin", "invite"], stdout=open(code, "wb"))
ok(invited.wait(20) == 0, "a code to register by")
code.chmod(0o600)

WORDS = {
    "a person's name": "Ørsted-Quillfeather-Ada", "another's name": "Bob-Plumwinkle-Zebra", "a room's name": "zanzibar-merger-room",
    "a room's other name": "client-called-Xanadu", "a message": "the wombats strike at dawn in Reykjavík", "a message not sent": "unsent-quokka-message",
    "a file's name": "salary-of-the-narwhal.ods", "a folder's name": "folder-of-pangolins", "a file's content": "axolotl-content-line",
    "a large file's content": "okapi-in-a-chunk-of-its-own", "an attachment's name": "attached-capybara.txt", "a search": "wombats strike",
}
ada, bob = world.home("ada", server), world.home("bob", server)
kits = [world.dir / "kit-ada", world.dir / "kit-bob"]
ada.must("init", "--name", WORDS["a person's name"], "--server", server.url, "--kit", kits[0], "--registration-file", code)
room, other = WORDS["a room's name"], WORDS["a room's other name"]
ada.must("room", "new", room)
link = ada.must("invite", room, "--uses", "2").out.strip()
bob.run("init", "--name", WORDS["another's name"], "--server", server.url, "--kit", kits[1])
joined = bob.run("join", link, "--room", other)
is_(joined.status, 0, "a person joins", *joined.why())
ada.must("say", room, WORDS["a message"])
small, large = world.dir / WORDS["a file's name"], world.dir / "large"
small.write_text(WORDS["a file's content"] + "\n")
large.write_text((WORDS["a large file's content"] + "\n") * 40000)
attached = world.dir / WORDS["an attachment's name"]
attached.write_text(WORDS["a file's content"] * 10)
ada.must("put", room, small, large, "--to", WORDS["a folder's name"])
ada.must("say", room, "see", "--attach", attached)
bob.must("read", other)
bob.must("search", other, WORDS["a search"])
got = world.dir / "got"
got.mkdir()
bob.must("get", other, WORDS["a folder's name"], "-o", got)
bob.must("mv", other, f"{WORDS['a folder' + chr(39) + 's name']}/{small.name}", f"moved-{small.name}")
ada.must("role", room, WORDS["another's name"], "owner")
bob.must("verify", other)
following = ada.start("read", room, "--follow")
bob.must("say", other, WORDS["a message"] + " again")
ada.must("log", room)
# A further kit, tried, and recovered from.
kits.append(world.dir / "kit-later")
bob.must("recovery", "add-kit", "--kit", kits[2])
bob.must("recovery", "test", "--kit", kits[2])
bob.must("recovery", "add-kit", "--kit", world.dir / "page.pdf")
ok((world.dir / "page.pdf").read_bytes().startswith(b"%PDF"), "a kit's page is drawn")
is_([str(path) for path in world.tmp.rglob("*")], [], "no temporary file is left")
again = world.home("again", server)
is_(again.run("recover", "--name", "again", "--kit", kits[2]).status, 0, "a kit that was added makes a device")
again.must("read", other)
# What a killed command leaves, and what waits without a server.
dying = ada.start("put", room, large, "--to", "again")
try:
    dying.wait(0.05)
except Exception:
    dying.kill()
    dying.wait()
limits = pathlib.Path(f"/proc/{following.pid}/limits").read_text()
ok(re.search(r"^Max core file size +0 +0 ", limits, re.M), "a command leaves no core file", limits)
following.kill()
following.wait()
heard = (b"".join(map(bytes, proxy.sent)), b"".join(map(bytes, proxy.received)))
server.kill()
is_(ada.run("say", room, WORDS["a message not sent"]).status, 5, "a message waits on the device")
is_(ada.run("put", room, small, "--to", "waiting").status, 5, "a file too")

# --- where

places = {"the traffic to the server": heard[0], "the traffic from it": heard[1], "the server's log": server.log.read_bytes()}
for label, folder in (("the server's data", server.data), ("ada's home", ada.path), ("bob's home", bob.path), ("a recovered home", again.path), ("temporary files", world.tmp)):
    for path in sorted(folder.rglob("*")):
        name = os.fsencode(path.relative_to(folder))
        places[f"{label}, {path.relative_to(folder)}"] = name + b"\n" + (path.read_bytes() if path.is_file() else b"")


def forms(text):
    """The ways in which bytes may lie around; base64 in each of its three alignments, without its edges."""
    raw = text if isinstance(text, bytes) else text.encode()
    yield "as it is", raw
    yield "in hex", raw.hex().encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0:]
        yield "in base64", coded[:len(coded) - 4]
        yield "in base64url", coded[:len(coded) - 4].translate(bytes.maketrans(b"+/", b"-_"))
    if isinstance(text, str):
        yield "in UTF-16LE", text.encode("utf-16-le")
        yield "in UTF-16BE", text.encode("utf-16-be")
        yield "in UTF-32", text.encode("utf-32-le")
        yield "percent-encoded", urllib.parse.quote(text, safe="").encode()
        yield "backwards", raw[::-1]
    else:
        yield "as a list of numbers", ", ".join(map(str, raw)).encode()


def findings(text, keep=lambda place: True):
    found = []
    for form, needle in forms(text):
        for place, data in places.items():
            for haystack, wanted in ((data, needle), (data.lower(), needle.lower())):
                if wanted in haystack and keep(place):
                    found.append(f"{form} in {place}")
                    break
    return sorted(set(found))


for what, word in WORDS.items():
    is_(findings(word), [], f"{what} is nowhere")
    middle = word[len(word) // 4:len(word) // 4 + 12]
    is_(findings(middle), [], "nor is a part of it")
is_(findings(PASSPHRASE), [], "the passphrase is nowhere")
for kit in kits:
    lines = kit.read_text().split("Code:", 1)[1].split()
    groups = [word for line in lines for word in line.split("-") if re.fullmatch("[0-9A-Z]{6}", word)]
    ok(len(groups) == 11, "a kit's code has its groups")
    is_(findings("-".join(groups[:4])), [], "a kit's code is nowhere")
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    bits = "".join(f"{digits.index(c):05b}" for group in groups for c in group[:5])
    secret = int(bits[:256], 2).to_bytes(32, "big")
    is_(findings(secret), [], "nor is its secret")
payload = link.split("#")[1]
inner = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
half_a = inner[inner.index(b"\x58\x20") + 2:][:32]
is_(findings(half_a), [], "a link's half is nowhere, once it was shown")
is_(findings(payload[:60]), [], "nor is the link")
log_key = (server.data / "log.key").read_bytes()[:32]
is_(findings(log_key, lambda place: "log.key" not in place), [], "the server's log key is in its own file alone")
registration = code.read_text().strip().splitlines()[-1].split()[-1]
is_(findings(registration, lambda place: "traffic to" not in place), [], "a registration code is kept by nobody")
token = re.search(rb"Authorization: Bearer (\S+)", heard[0])[1].decode()
is_(findings(token, lambda place: "traffic" not in place), [], "a session's token is kept by nobody")

long_ids = re.findall(rb"[0-9a-f]{16,}", places["the server's log"])
is_(sorted(set(long_ids))[:3], [], "the server's log has no whole id")

# --- that this would find something

ok(findings("Authorization: Bearer"), "the traffic was heard")
ok(b'"event":"request"' in places["the server's log"], "the log was talkative")
places["a planted file"] = b"x" + base64.b64encode(b"__" + WORDS["a message"].encode()) + b"x"
ok("in base64 in a planted file" in findings(WORDS["a message"]), "a planted word is found in base64")
places["a planted file"] = WORDS["a room's name"].encode("utf-16-le")
is_(findings(WORDS["a room's name"]), ["in UTF-16LE in a planted file"], "and in UTF-16")
ok((got / WORDS["a folder's name"] / small.name).read_text() == small.read_text(), "what get wrote is plain")
note(f"{len(places)} files and streams, {sum(map(len, places.values())) >> 20} MiB")
done()
