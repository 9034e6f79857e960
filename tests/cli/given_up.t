#!/usr/bin/env python3
"""A file was uploaded, and its device went away before it could say so: after a week the server has the bytes no more. The
file is given up in so many words, and what waited with it arrives."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from proxy import Proxy
from tap import done, is_, ok
from world import World, free_port

world = World()
front = free_port()
server = world.server("server", "--public-url", f"http://127.0.0.1:{front}")
proxy = Proxy(server.port, front)
server.url = proxy.url
ada, bob = world.room_of_two(server)


def cut_appends(connection, data):
    head = data.split(b"\r\n")[0]
    if head.startswith(b"POST") and b"/entries" in head:
        raise OSError("cut off")
    connection.sendall(data)


late, small = world.dir / "late\x1b[2J.bin", world.dir / "small.txt"
late.write_bytes(os.urandom(700000))
small.write_text("small\n")
proxy.ask = cut_appends
put = bob.run("put", "acme", late)
is_(put.status, 5, "a put that is cut off behind its upload is kept", *put.why())
proxy.ask = None
is_(bob.run("put", "acme", small, "--offline").status, 5, "another file waits with its bytes")
is_(bob.run("say", "acme", "see both", "--offline").status, 5, "and words")
world.pass_days(9)
server.stop()
swept = subprocess.run([str(world.server_bin), "--data", str(server.data), "admin", "gc"], env=world.with_clock(world.env),
                       capture_output=True, text=True, check=False)
ok(swept.returncode == 0 and not swept.stdout.startswith("0 "), "the server keeps the upload no longer", swept.stdout)
server.start()
came = bob.run("refresh")
is_(came.status, 1, "Bob comes back after that", *came.why())
ok(".bin was not sent and is given up" in came.err and "put it again" in came.err, "and is told", came.err)
ok("\x1b" not in came.err, "harmlessly", came.err)
is_(came.err.count("given up"), 1, "once, for the one file", came.err)
is_(bob.must("status", "--json").json()["rooms"][0]["unsent"], 0, "nothing waits any more")
is_(ada.messages(), ["see both"], "his words are there")
ada.must("get", "acme", "small.txt", "-o", world.dir / "out")
is_((world.dir / "out/small.txt").read_text(), "small\n", "so is the file whose bytes waited here")
again = bob.run("put", "acme", late)
is_(again.status, 0, "the other is put again", *again.why())
is_(len(ada.files()["files"]), 2, "and arrives")
is_(bob.run("verify", "acme").status, 0, "all verifies")
done()
