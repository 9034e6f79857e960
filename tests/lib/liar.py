"""A server that lets in whatever it likes: before an honest one, with its log key, over the log of one room.

    liar = Liar(world)                  a server behind it: liar.server, whose address for everybody is the liar's
    liar.take(room)                     of a Room (hands.py): from here on the room's log is the liar's
    liar.let_in(entry, body, …)         appended, whatever it is, and signed for
    liar.leaves, liar.items             its log

Other requests go to the honest server, and so does what lies beside entries that it knows."""

import base64
import http.client
import http.server
import struct
import threading
import time
import urllib.parse

from hands import NO_REFS, NOTHING, H, decode, ed25519_public, ed25519_sign, encode, leaf_hash, sha256, tree_root
from world import Server, free_port


def inclusion(leaves, index):
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return inclusion(leaves[:split], index) + [tree_root(leaves[split:])]
    return inclusion(leaves[split:], index - split) + [tree_root(leaves[:split])]


def consistency(leaves, old, whole=True):
    """RFC 9162 §2.1.4.1."""
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return consistency(leaves[:split], old, whole) + [tree_root(leaves[split:])]
    return consistency(leaves[split:], old - split, False) + [tree_root(leaves[:split])]


class Liar:
    def __init__(self, world, name="server"):
        self.room, self.items, self.leaves, self.beside, self.lock = None, [], [], {}, threading.Lock()
        port = free_port()
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads, self.http.liar = True, self
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{port}"
        self.server = Server(world, name, ["--public-url", self.url])
        self.server.start()
        self.server.url = self.url

    def take(self, room):
        path = f"/v1/rooms/{room.id.hex()}"
        items = []
        while len(items) < len(room.leaves):
            items += decode(room.server.ask(f"{path}/entries?from={len(items)}&bodies=1"))[1]
        self.seed = (self.server.data / "log.key").read_bytes()[:32]
        self.name, self.id, self.items, self.leaves = room.name, room.id, items, [leaf_hash(item[0]) for item in items]
        self.room = path

    def let_in(self, entry, body, beside=None, refs=NO_REFS):
        with self.lock:
            self.beside[len(self.items)] = beside or NOTHING
            self.items.append([entry, decode(refs), body])
            self.leaves.append(leaf_hash(entry))

    def note(self):
        origin = f"{self.name}/room/{self.id.hex()}"
        text = f"{origin}\n{len(self.leaves)}\n{base64.b64encode(tree_root(self.leaves)).decode()}\n"
        now, public = int(time.time()), ed25519_public(self.seed)
        key_id = lambda kind: sha256(origin.encode() + b"\n" + kind + public)[:4]
        plain = key_id(b"\x01") + ed25519_sign(self.seed, text.encode())
        cosigned = key_id(b"\x04") + struct.pack(">Q", now) + ed25519_sign(self.seed, f"cosignature/v1\ntime {now}\n{text}".encode())
        return (text + "\n" + "".join(f"— {origin} {base64.b64encode(line).decode()}\n" for line in (plain, cosigned))).encode()

    def answer(self, method, path, query, body):
        """What the liar says about its room: bytes, or None to ask the honest server."""
        number = lambda name, otherwise=0: int(query.get(name, [otherwise])[0])
        with self.lock:
            if path == "/entries" and method == "POST":
                verdicts = []
                for entry, refs, clear, beside in decode(body):
                    if leaf_hash(entry) not in self.leaves:
                        self.beside[len(self.items)] = beside
                        self.items.append([entry, refs, clear])
                        self.leaves.append(leaf_hash(entry))
                    verdicts.append([self.leaves.index(leaf_hash(entry)), 0, "none"])
                return encode([verdicts, self.note()])
            if path == "/entries":
                return encode([number("from"), self.items[number("from"):], self.note()])
            if path == "/checkpoint":
                return self.note()
            if path == "/bodies":
                start = number("from")
                return encode([start, [item[2] for item in self.items[start:start + number("max", 256)]]])
            if path == "/inclusion":
                return encode(inclusion(self.leaves[:number("size")], number("index")))
            if path == "/consistency":
                return encode(consistency(self.leaves[:number("new")], number("old")))
            parts = path.split("/")
            if len(parts) > 3 and int(parts[2]) in self.beside:
                kem, links, wraps = self.beside[int(parts[2])]
                if parts[3] == "links":
                    return encode(links)
                leaves = [leaf_hash(one) for one in wraps]
                place = int(parts[4])
                return encode([wraps[place], len(wraps), inclusion(leaves, place)])
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do(self):
        liar, body = self.server.liar, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        said = None
        if liar.room and url.path.startswith(liar.room + "/"):
            said = liar.answer(self.command, url.path.removeprefix(liar.room), urllib.parse.parse_qs(url.query), body)
        if said is not None:
            return self.reply(200, "application/cbor", said)
        behind = http.client.HTTPConnection("127.0.0.1", liar.server.port, timeout=30)
        try:
            behind.request(self.command, self.path, body or (b"" if self.command in ("POST", "PUT") else None), dict(self.headers))
            answer = behind.getresponse()
            said = answer.read()
        except OSError:
            self.close_connection = True
            return None
        finally:
            behind.close()
        if liar.room and url.path == liar.room + "/kem" and answer.status == 200:
            known = {H("kem-key", key): key for beside in liar.beside.values() for key in beside[0]}
            said = encode([key or known.get(asked) for asked, key in zip(decode(body), decode(said))])
        return self.reply(answer.status, answer.headers.get("Content-Type", "application/cbor"), said)

    def reply(self, status, kind, said):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do
