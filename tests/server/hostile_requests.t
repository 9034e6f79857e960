#!/usr/bin/env python3
"""What a real client sends, cut, grown, nested, in other encodings and with bits flipped, to every resource: an answer
of 4xx with problem details, never 5xx, never none, and the room as it was.

Runs against the sanitized server if that is built. PRIVITY_LONG=1 sends ten times as many; PRIVITY_SEED repeats a
run."""

import http.client
import json
import os
import pathlib
import random
import re
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy, requests
from tap import done, is_, note, ok
from world import LONG, ROOT, World, free_port

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)
sanitized = ROOT / "build/address-undefined/bin/privityd"
world = World(server_bin=sanitized if sanitized.exists() else None)
note(f"server: {world.server_bin.relative_to(ROOT)}")
world.env["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=1"
front = free_port()
server = world.server("server", "--rate-address", "0", "--rate-device", "0", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url

# --- what a real client sends

ada, bob = world.room_of_two(server)
eve = world.person("eve", server)
ada.must("say", "acme", "hello")
(world.dir / "file").write_bytes(rng.randbytes(400_000))
ada.must("put", "acme", world.dir / "file")
eve.must("join", ada.must("invite", "acme").out.strip(), "--room", "acme")
eve.must("say", "acme", "here")
ada.must("remove", "acme", "eve")
ada.must("say", "acme", "after a rekey")
bob.must("get", "acme", "file", "-o", world.dir / "got")
link = ada.must("invite", "acme").out.strip()
for home in (ada, bob):
    home.must("verify", "acme")
truth = [h.must("read", "acme", "--limit", "0", "--json").json() for h in (ada, bob)]
kinds = {}
for method, path, headers, body in requests(proxy):
    kind = method, re.sub(r"[0-9a-f]{32,64}", "{id}", path.split("?")[0])
    kind = kind[0], re.sub(r"/\d+", "/{n}", kind[1])
    if kind == ("GET", "/v1/events"):
        continue
    best = kinds.setdefault(kind, [])
    if len(best) < 6 or len(body) > 200 and rng.random() < 0.3:
        best.append((path, headers, body))
note("resources: " + ", ".join(f"{m} {p}" for m, p in sorted(kinds)))
bodied = {kind for kind in kinds if kind[0] in ("POST", "PUT")}
for wanted in (("POST", "/v1/session"), ("POST", "/v1/rooms"), ("POST", "/v1/rooms/{id}/entries"), ("PUT", "/v1/gates/{id}"),
               ("POST", "/v1/gates/{id}/release"), ("POST", "/v1/rooms/{id}/blobs/exist"), ("POST", "/v1/rooms/{id}/kem")):
    ok(wanted in bodied, f"{wanted[0]} {wanted[1]} was heard")

# --- how it is spoiled


def heads(body):
    """Offsets of what may be CBOR heads of more than a byte."""
    return [i for i in range(min(len(body), 4000)) if body[i] & 31 in (24, 25, 26)] or [0]


def cut(body):
    return body[:rng.randrange(len(body))]


def bit(body):
    at = rng.randrange(len(body)) if rng.random() < 0.5 else rng.randrange(min(len(body), 400))
    return body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1:]


def byte(body):
    at = rng.randrange(min(len(body), 2000))
    return body[:at] + bytes([rng.choice((0, 0xFF, 0x7F, 0x9F, 0xBF, 0xC0, 0xF6, 0xF7, 0xF9, 0xFB, 0x1B))]) + body[at + 1:]


def longer_head(body):
    at = rng.choice(heads(body))
    return body[:at] + bytes([(body[at] & 0xE0) | 27]) + rng.choice((b"\0" * 6, b"\0" * 4, b"\xff" * 4)) + body[at + 1:]


def huge_length(body):
    at = rng.choice(heads(body))
    return body[:at] + bytes([(body[at] & 0xE0) | 27]) + b"\x7f" + b"\xff" * 7 + body[at + 1:]


def trailing(body):
    return body + rng.randbytes(rng.choice((1, 100)))


def indefinite(body):
    return b"\x9f" + body + b"\xff"


def nested(_):
    return b"\x81" * rng.choice((9, 1000, 100_000)) + b"\x00"


def many(_):
    return b"\x9a\xff\xff\xff\xff" + b"\x80" * 1000


def noise(_):
    return rng.randbytes(rng.choice((1, 33, 1000, 60_000)))


def empty(_):
    return b""


def twice(body):
    return body + body


EMPTY_ARRAY = b"\x80"
SPOIL = (cut, bit, bit, byte, longer_head, huge_length, trailing, indefinite, nested, many, noise, empty, twice)
ROUNDS = 10 if LONG else 1
connection = None


def send(method, path, headers, body):
    """(status, content type, body), or None without an answer."""
    global connection
    for attempt in (0, 1):  # a kept connection may be closed rightly after an answer that came early
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request(method, path, body, {k: v for k, v in headers.items() if k not in ("Host", "Content-Length", "Expect")})
            answer = connection.getresponse()
            result = answer.status, answer.getheader("Content-Type", ""), answer.read()
            if answer.will_close:
                connection = None
            return result
        except (OSError, http.client.HTTPException) as error:
            connection = None
            if attempt:
                return None, type(error).__name__, b""


def wrong(kind, spoil, answer, original, body):
    status, content_type, text = answer
    if status is None:
        # Far over the limit the connection may end while we still write.
        return None if len(body) > 100_000 and spoil in (nested, noise) else "no answer"
    if status >= 500:
        return f"status {status}"
    if status < 400:
        if kind[1].endswith("/blobs/{id}") or body == original:
            return None  # a blob is any bytes
        if body == EMPTY_ARRAY and kind[1].endswith(("/exist", "/kem")):
            return None  # asks for nothing; noise of one byte may be it
        harmless = spoil in (bit, byte) and kind[1].endswith(("/exist", "/kem", "/release", "/nonce")) or kind[1].endswith("/nonce")
        return None if harmless else f"status {status}: taken"
    try:
        problem = json.loads(text)
    except ValueError:
        return f"status {status} without problem details: {text[:100]!r}"
    if not content_type.startswith("application/problem+json") or not {"status", "title", "detail", "code"} <= set(problem):
        return f"status {status}: {content_type} {problem}"
    return None


statuses = Counter()
for kind in sorted(bodied):
    bad = []
    tried = 0
    for path, headers, original in kinds[kind]:
        if not original and not kind[1].endswith("/nonce"):
            continue
        for spoil in SPOIL:
            for _ in range(ROUNDS):
                if spoil in (nested, many, empty, indefinite) and tried > 60 and not LONG:
                    continue
                body = spoil(original or EMPTY_ARRAY)
                answer = send(kind[0], path, headers, body)
                statuses[answer[0]] += 1
                tried += 1
                why = wrong(kind, spoil, answer, original, body)
                if why:
                    bad.append(f"{spoil.__name__}: {why}: {body[:60].hex()}")
    ok(tried and not bad, f"{kind[0]} {kind[1]}: {tried} spoiled bodies", *bad[:10])

# --- heads: paths, queries, headers

PATHS = ("/v1/rooms/" + "0" * 63, "/v1/rooms/" + "G" * 64 + "/entries", "/v1/rooms/" + "0" * 64 + "/entries?from=-1",
         "/v1/rooms//entries", "/v1/gates/" + "f" * 31, "/v1/gates/" + "a" * 33 + "/release", "/v1/" + "x" * 5000, "/%00", "/..",
         "/v1/rooms/" + "0" * 64 + "/entries/99999999999999999999999/wraps/0", "//v1/server", "/v1/server/", "/V1/server")
bad = []
for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW"):
    for path in PATHS:
        answer = send(method, path, {"Authorization": "Bearer x"}, b"" if method in ("POST", "PUT") else None)
        if answer[0] is None or not 400 <= answer[0] < 500:
            bad.append(f"{method} {path[:80]}: {answer[0]} {answer[1]}")
is_(bad, [], "paths and methods that are none are refused")
gets = [(kind, path, headers) for kind in kinds if kind[0] == "GET" for path, headers, _ in kinds[kind][:3]]
bad = []
for kind, path, headers in gets:
    base = path.split("?")[0]
    for query in ("from=", "from=x", "from=18446744073709551616", "from=9007199254740993", "from=1&from=2", "max=-1", "from=1e3", "from=%00",
                  "size=0&index=0", "size=99999&index=5", "index=5&size=2", "old=9&new=3", "old=0&new=99999", "bodies=7", "a" * 3000):
        answer = send("GET", f"{base}?{query}", headers, None)
        if answer[0] is None or answer[0] >= 500:
            bad.append(f"{base}?{query[:60]}: {answer[0]} {answer[2][:80]}")
    for token in ("", "Bearer", "Bearer " + "A" * 43, "Bearer " + "é" * 20, "Bearer " + "A" * 4000, "Basic QTpC", "Ticket " + "A" * 43):
        spoiled = {**headers, "Authorization": token.encode("utf-8").decode("latin-1")}
        answer = send("GET", path, spoiled, None)
        if answer[0] is None or answer[0] >= 500 or ("Authorization" in headers and answer[0] < 400):
            bad.append(f"{path} as {token[:30]}: {answer[0]}")
    for bytes_range in ("bytes=5-2", "bytes=-0", "bytes=99999999999999999999-", "bytes=0-1,3-4", "x", "bytes=9007199254740992-"):
        answer = send("GET", path, {**headers, "Range": bytes_range}, None)
        if answer[0] is None or answer[0] >= 500:
            bad.append(f"{path} {bytes_range}: {answer[0]}")
is_(bad, [], "queries, tokens and ranges that are none are refused")
note(f"statuses: {dict(sorted(statuses.items(), key=str))}")

# --- afterwards

ok(server.process.poll() is None, "the server runs on", server.log.read_text(errors="replace")[-1500:])
is_([h.must("read", "acme", "--limit", "0", "--json").json() for h in (ada, bob)], truth, "the room is what it was")
is_([h.run("verify", "acme").status for h in (ada, bob)], [0, 0], "and verifies")
is_(ada.run("say", "acme", "on we go").status, 0, "and goes on")
is_(server.stop(), 0, "the server stops gracefully, without a sanitizer's complaint")
ok("ERROR: " not in server.log.read_text(errors="replace") and "runtime error" not in server.log.read_text(errors="replace"), "nor one in its log", server.log.read_text(errors="replace")[-1500:])
done()
