#!/usr/bin/env python3
"""A body whose length is in doubt is refused from its head: in chunks, in another coding, with two lengths. Otherwise a
blob of any size passes for the few bytes that were announced."""

import os
import pathlib
import socket
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
ada = world.person("ada", server)
ada.must("room", "new", "acme")
(world.dir / "file").write_bytes(os.urandom(100))
ada.must("put", "acme", world.dir / "file")
path, token = next((path, headers["Authorization"]) for method, path, headers, _ in requests(proxy) if method == "PUT" and "/blobs/" in path)
blobs = path.rsplit("/", 1)[0]


def status(head, body):
    """Of the answer; 0: closed without one, -1: none within two seconds."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(2)
        answer = b""
        try:
            connection.sendall(head.encode() + b"\r\n" + body)
        except OSError:
            pass
        try:
            while b"\r\n" not in answer:
                part = connection.recv(4096)
                if not part:
                    break
                answer += part
        except TimeoutError:
            return -1
        except OSError:
            pass
        return int(answer.split(b" ")[1]) if answer else 0


def put(*headers, body):
    return status(f"PUT {blobs}/{os.urandom(16).hex()} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n" + "".join(h + "\r\n" for h in headers), body)


def chunked(size, count):
    return (b"%x\r\n" % size + b"x" * size + b"\r\n") * count + b"0\r\n\r\n"


def stored():
    """Bytes of blobs: each has two names, and the heads of rooms lie beside them."""
    files = [f.stat() for f in (server.data / "blobs").rglob("*") if f.is_file() and not f.name.startswith("heads")]
    return sum({f.st_ino: f.st_size for f in files}.values())


before = stored()
is_(put("Content-Length: 5", body=b"xxxxx"), 201, "a blob with its length is taken")
for headers in (["Transfer-Encoding: chunked"], ["Content-Length: 10", "Transfer-Encoding: chunked"],
                ["Transfer-Encoding: chunked", "Content-Length: 10"], ["Content-Length: 10", "Transfer-Encoding: gzip, chunked"],
                ["Content-Length: 10", "Transfer-Encoding: other"]):
    is_(put(*headers, body=chunked(1000, 3)), 411, " and ".join(headers))
is_(put("Content-Length: 5", "Content-Length: 10", body=b"x" * 10), 411, "two lengths")
for method, resource in (("POST", "/v1/session/nonce"), ("GET", "/v1/server")):
    is_(status(f"{method} {resource} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n", chunked(1000, 3)), 411,
        f"{method} {resource} in chunks")
is_(put("Content-Length: 4456449", body=b"x"), 413, "a blob over the limit is refused by its head")
ok(put("Content-Length: 10", "Transfer-Encoding: chunked", body=chunked(1_000_000, 12)) in (0, 411), "twelve megabytes that announce ten bytes")
is_(stored() - before, 5, "nothing of all this is kept")
is_(ada.run("put", "acme", world.dir / "file", "--to", "folder").status, 0, "and the server goes on")
done()
