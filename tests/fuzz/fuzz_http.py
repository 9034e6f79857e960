#!/usr/bin/env python3
"""Structured HTTP against the sanitized server, over real sockets, for as many seconds as given.

    fuzz_http.py [SECONDS=60]

Requests that real clients sent are taken apart and spoiled in one to four places: method, path, query, headers, framing,
body; then sent whole, in pieces, several at once, or cut off. The server must never answer 5xx to one of them, never
grow past its bound, never give a sanitizer cause to speak; afterwards the room verifies. PRIVITY_SEED repeats a run's
dice, though not the timing of its threads. `./dev fuzz http SECONDS` builds and runs it."""

import os
import pathlib
import random
import socket
import sys
import time
from collections import Counter

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(tests / "lib"))
from proxy import Proxy, requests
from world import ROOT, World, bail, free_port

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60
MEMORY_KIB = 1024 * 1024  # with what AddressSanitizer keeps
seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
rng = random.Random(seed)
sanitized = ROOT / "build/address-undefined/bin/privityd"
if not sanitized.exists():
    bail(f"{sanitized} is not built")
world = World(server_bin=sanitized)
world.env["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=1:quarantine_size_mb=16"
front = free_port()
server = world.server("server", "--rate-address", "0", "--rate-device", "0", "--head-timeout", "5", "--public-url",
                      f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob = world.room_of_two(server)
(world.dir / "file").write_bytes(rng.randbytes(300_000))


def use():
    """What real clients send, with tokens that are good now."""
    ada.run("say", "acme", f"hello {rng.random()}")
    ada.run("put", "acme", world.dir / "file", "--force")
    bob.run("refresh")
    bob.run("verify", "acme")
    ada.run("invite", "acme")
    return [(m, p, dict(h), b) for m, p, h, b in requests(proxy) if not p.startswith("/v1/events")][-200:]


WORDS = ["", "0", "-1", "1", "18446744073709551616", "9007199254740993", "%00", "..", "%2e%2e%2f", "f" * 64, "a" * 3000, "\xff\xfe", "bytes=0-",
         "bytes=5-2", "bytes=0-1,3-4", "chunked", "identity", "gzip", "100-continue", "close", "upgrade", "h2c", "Bearer ", "'", '"', "\t"]
NAMES = ["Authorization", "Range", "Content-Length", "Transfer-Encoding", "Expect", "Connection", "Content-Type", "Accept", "Host",
         "If-None-Match", "Privity-Registration", "X-Forwarded-For", "Forwarded", "Content-Encoding", "Upgrade", "TE", "Trailer", "Cookie"]


def spoil_method(r):
    r["method"] = rng.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G" * 300, ""])


def spoil_path(r):
    parts = r["path"].split("/")
    at = rng.randrange(len(parts))
    what = rng.randrange(4)
    if what == 0:
        parts[at] = rng.choice(WORDS)
    elif what == 1:
        del parts[at]
    elif what == 2:
        parts.insert(at, rng.choice(WORDS + parts))
    else:
        parts[at] = parts[at][:rng.randrange(len(parts[at]) + 1)]
    r["path"] = "/".join(parts)


def spoil_query(r):
    names = ["from", "max", "size", "index", "old", "new", "bodies", "x"]
    r["path"] = r["path"].split("?")[0] + "?" + "&".join(
        f"{rng.choice(names)}{rng.choice(['=', '=', ''])}{rng.choice(WORDS)}" for _ in range(rng.choice((1, 2, 40))))


def spoil_header(r):
    name = rng.choice(NAMES)
    value = rng.choice(WORDS + list(r["headers"].values())) + rng.choice(["", "", rng.choice(WORDS)])
    r["extra"].append((rng.choice([name, name.upper(), name + " ", " " + name, ""]), value))


def drop_header(r):
    if r["headers"]:
        del r["headers"][rng.choice(list(r["headers"]))]


def many_headers(r):
    r["extra"] += [(f"X-{i}", "y" * rng.choice((0, 10, 1000))) for i in range(rng.choice((10, 100, 2000)))]


def spoil_line(r):
    r["version"] = rng.choice(["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.1 ", "", "HTTP/1.99999", "\0"])
    r["end"] = rng.choice(["\r\n", "\n", "\r", "\r\r\n", "\r\n "])


def spoil_body(r):
    body = r["body"] or b"\x80"
    at = rng.randrange(len(body))
    r["body"] = rng.choice([
        body[:at], body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1:], body + rng.randbytes(9), body + body,
        body[:at] + bytes([body[at] & 0xE0 | 27]) + b"\xff" * 8 + body[at + 1:], b"\x9f" + body + b"\xff", b"\x81" * 5000,
        body[:at] + rng.randbytes(rng.choice((1, 30))) + body[at:], b"\x9a\xff\xff\xff\xff" + b"\x80" * 100, b""])


def spoil_framing(r):
    r["framing"] = rng.choice(["none", "short", "long", "huge", "chunked", "bad chunks", "both", "twice", "negative"])


SPOIL = (spoil_method, spoil_path, spoil_query, spoil_header, spoil_header, drop_header, many_headers, spoil_line, spoil_body, spoil_body,
         spoil_body, spoil_framing, spoil_framing)


def chunks(body, bad):
    out, at = b"", 0
    while at < len(body):
        n = rng.choice((1, 7, 1000, 60_000))
        piece = body[at:at + n]
        size = rng.choice(["ffffffffffffffff", "-1", "", "zz", f"{len(piece) + 1:x}"]) if bad and rng.random() < 0.3 else f"{len(piece):x}"
        out += size.encode() + rng.choice([b"", b"", b";x=y"]) + b"\r\n" + piece + b"\r\n"
        at += n
    return out + b"0\r\n" + rng.choice([b"", b"X: y\r\n"]) + b"\r\n"


def encode(r):
    body, lines, framing = r["body"], [], r["framing"]
    lengths = {"none": [], "short": [len(body) // 2], "long": [len(body) + 5], "huge": [1 << 40], "both": [len(body)], "twice": [len(body), len(body) + 1],
               "negative": [-1], "chunked": [], "bad chunks": []}.get(framing, [len(body)] if body else [])
    lines += [("Content-Length", str(n)) for n in lengths]
    if framing in ("chunked", "bad chunks", "both"):
        lines.append(("Transfer-Encoding", "chunked"))
        body = chunks(body, framing == "bad chunks")
    head = f"{r['method']} {r['path']} {r['version']}{r['end']}"
    for name, value in list(r["headers"].items()) + r["extra"] + lines:
        head += f"{name}: {value}{r['end']}"
    return (head + r["end"]).encode("utf-8", "surrogateescape") + body


def make(sample):
    method, path, headers, body = sample
    headers = {k: v for k, v in headers.items() if k not in ("Content-Length", "Expect", "Transfer-Encoding")}
    r = {"method": method, "path": path, "headers": headers, "extra": [], "version": "HTTP/1.1", "end": "\r\n", "body": body, "framing": "right"}
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        rng.choice(SPOIL)(r)
    return encode(r)


statuses = Counter()


def send(data):
    """Whatever comes back, as (statuses, text)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.settimeout(0.04 if rng.random() < 0.997 else 6)
        try:
            way = rng.random()
            if way < 0.2:
                cut = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((1, 3))))
                for a, b in zip([0] + cut, cut + [len(data)]):
                    s.sendall(data[a:b])
                    time.sleep(0.002)
            elif way < 0.3:
                s.sendall(data[:rng.randrange(len(data) + 1)])
            else:
                s.sendall(data)
            if rng.random() < 0.8:
                s.shutdown(socket.SHUT_WR)
            if rng.random() < 0.1:
                return b""
            got = b""
            while len(got) < 1 << 20:
                piece = s.recv(65536)
                if not piece:
                    break
                got += piece
            return got
        except OSError:
            return b""


def rss_kib():
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def fail(why, data=b""):
    if data:
        crash = ROOT / "build/fuzz" / f"http-{seed}"
        crash.parent.mkdir(parents=True, exist_ok=True)
        crash.write_bytes(data)
        why += f"\nthe last request is in {crash.relative_to(ROOT)}"
    print(f"fuzz_http: {why}\nPRIVITY_SEED={seed}\n{server.log.read_text(errors='replace')[-3000:]}", file=sys.stderr)
    sys.exit(1)


began, count, most, samples, renewed = time.monotonic(), 0, 0, [], 0.0
print(f"fuzz_http: seed {seed}, {SECONDS:.0f} s", flush=True)
while time.monotonic() < began + SECONDS:
    if not samples or time.monotonic() > renewed + 60:
        samples, renewed = use() or samples, time.monotonic()
        most = max(most, rss_kib())
        print(f"fuzz_http: {count} requests, {most} KiB at most, {dict(sorted(statuses.items()))}", flush=True)
    data = b"".join(make(rng.choice(samples)) for _ in range(rng.choice((1, 1, 1, 2, 5))))
    answer = send(data)
    count += 1
    for line in answer.split(b"HTTP/1.1 ")[1:]:
        status = int(line[:3]) if line[:3].isdigit() else 0
        statuses[status] += 1
        if status >= 500 and status not in (501, 503, 505):
            fail(f"status {status}: {line[:400]!r}", data)
    if server.process.poll() is not None:
        fail(f"the server has ended ({server.process.returncode})", data)
    if count % 200 == 0:
        most = max(most, rss_kib())
    if most > MEMORY_KIB:
        fail(f"the server has grown to {most} KiB", data)
for home in (ada, bob):
    done = home.run("verify", "acme")
    if done.status:
        fail(f"the room does not verify: {done.err}")
status, text = server.stop(), server.log.read_text(errors="replace")
if status or "ERROR: " in text or "runtime error" in text:
    fail(f"the server stopped with {status}, or a sanitizer spoke")
print(f"fuzz_http: clean: {count} requests in {(time.monotonic() - began) / 60:.1f} minutes, memory {most} KiB at most, "
      f"{dict(sorted(statuses.items()))}")
