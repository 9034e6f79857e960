#!/usr/bin/env python3
"""A server whose records of sessions were damaged, or that refuses all: a device's kept session is given up once, and only
what the server says to a new one is believed. No message is lost, a true removal is told, and nobody is asked for ever."""

import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy, requests
from tap import done, is_, ok
from world import World, free_port

world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob = world.room_of_two(server)
dan = world.person("dan", server)
dan.must("room", "new", "elsewhere")
file = world.dir / "file"
file.write_bytes(b"what a file holds " * 1000)
ada.must("put", "acme", file)
said = []


def strike(how):
    """With the server down: every session's row becomes another."""
    server.stop()
    db = sqlite3.connect(server.data / "meta.db")
    how(db)
    db.commit()
    db.close()
    server.start()


def another_device(db):
    """Whole rows of a stranger's device: nothing in them tells that they are wrong."""
    rooms = [no for (no,) in db.execute("SELECT no FROM rooms WHERE no IN (SELECT room FROM members GROUP BY room HAVING count(*) > 3)")]
    marks = ",".join("?" * len(rooms))
    row = db.execute(f"SELECT device, sign_pk, kem_hash FROM sessions WHERE device NOT IN"
                     f" (SELECT device FROM members WHERE room IN ({marks})) LIMIT 1", rooms).fetchone()
    if not rooms or not row:
        raise SystemExit("no stranger's session to put in place of the others")
    db.execute("UPDATE sessions SET device = ?, sign_pk = ?, kem_hash = ?", row)


def bit_of(column):
    def flip(db):
        for token, value in db.execute(f"SELECT token, {column} FROM sessions").fetchall():
            db.execute(f"UPDATE sessions SET {column} = ? WHERE token = ?", (bytes([value[0] ^ 1]) + value[1:], token))
    return flip


def asked():
    """Sign-ins and requests since the last call."""
    now = requests(proxy)
    new = now[asked.seen:]
    asked.seen = len(now)
    return sum(path == "/v1/session" for _, path, _, _ in new), len(new)


asked.seen = 0


def commands(text):
    return {"read": ("read", "acme"), "say": ("say", "acme", text), "get": ("get", "acme", "file", "-o", world.dir / "got", "--force"),
            "put": ("put", "acme", file), "verify": ("verify", "acme"), "refresh": ("refresh",),
            "invite": ("invite", "acme"), "members": ("members", "acme")}


# --- damage that one new session mends

for what, how in (("another device's", another_device), ("a flipped device", bit_of("device")), ("a flipped key", bit_of("sign_pk"))):
    for name, args in commands(what).items():
        strike(how)
        asked()
        result = ada.run(*args)
        logins, _ = asked()
        ok(result.status == 0 and logins == 1, f"{what}: {name} ends well, having signed in once", f"{logins} times", *result.why())
    said.append(what)
is_(bob.messages(), said, "what was said is there, once")

strike(another_device)
crowd = [ada.start("say", "acme", f"crowd {i}") for i in range(5)]
ends = [(p.communicate(timeout=120), p.returncode) for p in crowd]
ok(all(status == 0 for _, status in ends), "five commands at once", *(f"exit {status}: {err!r}" for (_, err), status in ends))
is_(sorted(bob.messages()[len(said):]), [f"crowd {i}" for i in range(5)], "and each said what it had to say")

# --- a server that refuses whatever is asked

head = b"HTTP/1.1 403 X\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s"
body = b'{"status":403,"title":"x","detail":"go away","code":"denied"}'
signing_in = (b"\x82\x58\x20", b"\x82\x78\x2b") # a nonce, a token


def refuse(sink, data):
    start = data.find(b"\r\n\r\n") + 4
    sink.sendall(data if data[start:start + 3] in signing_in else head % (len(body), body))


proxy.answer = refuse
kept = False
for name in ("read", "say", "get", "verify", "refresh"):
    asked()
    result = bob.run(*commands("kept")[name], timeout=60)
    logins, count = asked()
    kept = kept or (name == "say" and result.status in (0, 5))
    ok(result.status in (0, 1, 3, 5) and logins <= 1 and count < 40, f"403 to everything: {name} ends", f"{logins} sign-ins, {count} requests", *result.why())
proxy.answer = None
is_(bob.run("refresh").status, 0, "when it is sane again, all goes on")
is_("kept" in ada.messages(), kept, "what was said meanwhile is sent if it was kept, and only then", *ada.messages())

# --- a true removal

strike(another_device)
ada.must("remove", "acme", "bob")
asked()
result = bob.run("say", "acme", "too late")
logins, _ = asked()
ok(result.status == 3 and "you were removed" in result.err, "who is removed is told so", *result.why())
ok(logins <= 1, "after signing in once at the most", str(logins))
ok("too late" not in ada.messages(), "and says nothing more")
done()
