#!/usr/bin/env python3
"""Nothing that people write, and no secret, is to be found where it should not be: not in the server's data, its log at
its most talkative, or the traffic; not in a device's home or temporary files; in no usual encoding, whole or in part.

tests/cli/canary.t looks for plain words; this looks for what is left of them in hex, base64, UTF-16 and escapes, and
for keys."""

import base64
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "vectors")]
from plain_format import H, kit_secret
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
page = world.dir / "page.pdf"
bob.must("recovery", "add-kit", "--kit", page)
ok(page.read_bytes().startswith(b"%PDF"), "a kit's page is drawn")
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



# --- kits: a code is written with two blanks between groups on a sheet, and with `-` on a page and in its square

NO_DIGITS = bytes(c for c in range(256) if not chr(c).isalnum() or c > 127)


def two_groups(groups):
    """Where two neighbours of them stand, in small letters or large, whatever parts them that is no digit."""
    pairs = [(a + b).encode() for a, b in zip(groups, groups[1:])]
    bare = ((place, data.upper().translate(None, NO_DIGITS)) for place, data in places.items())
    return [f"in {place}" for place, data in bare if any(pair in data for pair in pairs)]


def written(groups):
    return sorted({place for parted in ("  ", "-", " ", "") for place in findings(parted.join(groups[:4]))} | set(two_groups(groups)))


sheets = {kit.name: kit.read_bytes() for kit in kits}
if shutil.which("pdftotext"):
    sheets[page.name] = subprocess.run(["pdftotext", page, "-"], stdout=subprocess.PIPE, check=True).stdout
else:
    note("no pdftotext here, so the page's code is not looked for")
for name, sheet in sheets.items():
    groups = re.findall(r"\b[0-9A-Z]{6}\b", sheet.decode().split("Code:", 1)[1])
    is_(len(groups), 11, f"{name}: a code has its groups")
    is_(written(groups), [], "a kit's code is nowhere")
    is_(findings(kit_secret("-".join(groups))), [], "nor is its secret")
    places["the sheet"] = sheet
    found = written(groups)
    ok("as it is in the sheet" in found and "in the sheet" in found, "but where it was written, as it was written", str(found))
    places["the sheet"] = b", ".join(group.lower().encode() for group in groups)
    is_(written(groups), ["in the sheet"], "and would be found as somebody types it")
    del places["the sheet"]

# --- links, and what opens a session, a log or an account

payload = link.split("#")[1]
inner = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
half_a = inner[inner.index(b"\x58\x20") + 2:][:32]
is_(findings(half_a), [], "a link's half is nowhere, once it was shown")
is_(findings(payload[:60]), [], "nor is the link")
log_key = (server.data / "log.key").read_bytes()[:32]
is_(findings(log_key, lambda place: "log.key" not in place), [], "the server's log key is in its own file alone")
registration = code.read_text().strip().splitlines()[-1].split()[-1]
registrations = {registration}
tokens, tickets = (set(re.findall(pattern, heard[0].decode("latin-1"))) for pattern in
                   (r"Authorization: Bearer (\S+)", r"(?:Authorization: Ticket|Privity-Ticket:) (\S+)"))
passed = {"the traffic to the server", "the traffic from it"}


def kept(words):
    """Where such a word of 32 bytes lies, as it is sent or as these bytes, apart from the traffic that brings it."""
    return [found for word in sorted(words) for form in (word, raw_of(word))
            for found in findings(form, lambda place: place not in passed)]


def raw_of(word):
    return base64.urlsafe_b64decode(word + "=")


def hashed(label, words):
    """Is each of them, by its hash, in the server's store?"""
    hashes = [H(label, raw_of(word)) for word in words]
    return [any(place.startswith("the server's data") and h in data for place, data in places.items()) for h in hashes]


is_({len(raw_of(word)) for word in registrations | tokens | tickets}, {32}, "codes, tokens and tickets were sent")
is_(kept(registrations), [], "a registration code is kept by nobody")
is_(kept(tokens), [], "a session's token is kept by nobody")
is_(kept(tickets), [], "nor a link's ticket")
ok(tokens and all(hashed("token", tokens)), "by its hash the server has each token")
ok(tickets and all(hashed("ticket", tickets)), "and each ticket")

long_ids = re.findall(rb"[0-9a-f]{16,}", places["the server's log"])
is_(sorted(set(long_ids))[:3], [], "the server's log has no whole id")

# --- that this would find something

ok(findings("Authorization: Bearer"), "the traffic was heard")
for what, words in (("code", registrations), ("token", tokens), ("ticket", tickets)):
    places["a planted file"] = b"x" + raw_of(min(words)) + b"x"
    is_(kept(words), ["as it is in a planted file"], f"a planted {what} is found")
ok(b'"event":"request"' in places["the server's log"], "the log was talkative")
places["a planted file"] = b"x" + base64.b64encode(b"__" + WORDS["a message"].encode()) + b"x"
ok("in base64 in a planted file" in findings(WORDS["a message"]), "a planted word is found in base64")
places["a planted file"] = WORDS["a room's name"].encode("utf-16-le")
is_(findings(WORDS["a room's name"]), ["in UTF-16LE in a planted file"], "and in UTF-16")
ok((got / WORDS["a folder's name"] / small.name).read_text() == small.read_text(), "what get wrote is plain")
note(f"{len(places)} files and streams, {sum(map(len, places.values())) >> 20} MiB")
done()
