#!/usr/bin/env python3
"""A second client, written from FORMAT.md and API.md alone: python3 second_client.py SERVER KIT-SHEET [ANOTHER'S-KIT-SHEET]

By a recovery kit it reads everything that its person can read: it signs in as the paper device, fetches and checks the
logs of all rooms, unwraps their secrets, and prints, sorted, a line for each message, name and file:

    ROOM-KIND message TEXT | name NAME | file PATH SHA-256 | successor ROOM

Given another's kit too, it is for that one that the server gives out the rooms of clients, and all of their wraps; what
of them opens does so by the first kit alone."""

import sys
import urllib.error
import urllib.request

from plain_cbor import Bad, check, decode, encode
from plain_crypto import aes256gcm_open, ed25519_public, ed25519_sign
from plain_format import (H, HKDF, ZERO, consistent, device_id, entry_key, epoch_kem_seed, follow, kit_secret, labelled, leaf_hash,
                          link_parts, open_body, read_note, record_devices, root_by_inclusion, safety_number, sha256, signed,
                          tree_root, unwrap)
from plain_kem import xwing_public


class Server:
    def __init__(self, url):
        self.url, self.token = url, None
        version, self.name, self.log_key = decode(self.ask("/v1/server"))[:3]
        check(version == 1, "the server's version")

    def ask(self, path, body=None, headers=()):
        request = urllib.request.Request(self.url + path, body, dict(headers))
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/cbor")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def sign_in(self, seed, device):
        nonce, _ = decode(self.ask("/v1/session/nonce", b""))
        signature = ed25519_sign(seed, labelled("session", self.name, nonce))
        self.token, _ = decode(self.ask("/v1/session", encode([nonce, device, signature])))


class Room:
    """A room's log, checked entry by entry; what its secrets open."""

    def __init__(self, server, room):
        self.server, self.id, self.path = server, room, f"/v1/rooms/{room.hex()}"
        self.entries, self.leaves = [], []           # (header, body), hashes
        self.keys, self.heads = {}, {}               # author: public key; (n, leaf)
        self.epochs = {}                             # epoch: (index, secret_hash, wraps_root)
        self.wraps = []                              # (index, epoch, recipient) of wraps to whoever asks
        self.name = self.log_key = self.kind = None
        self.founder, self.founders_devices = None, {}
        self.forgets, self.deleted, self.signed = {}, [], set()  # forget: ranges; forgets that are done; indexes that signs name
        note = self.fetch()
        size, root, _ = read_note(note.decode(), self.name, self.id, self.log_key)
        check(size == len(self.leaves) and root == tree_root(self.leaves), "the signed tree")
        self.check_proofs(size, root)

    def check_proofs(self, size, root):
        """What a client that holds less than everything would ask for."""
        note = self.server.ask(f"{self.path}/checkpoint").decode()
        check(read_note(note, self.name, self.id, self.log_key)[:2] == (size, root), "the checkpoint alone")
        for index in (0, size // 2, size - 1):
            proof = decode(self.server.ask(f"{self.path}/inclusion?index={index}&size={size}"))
            check(root_by_inclusion(self.leaves[index], index, size, proof) == root, "an inclusion proof")
        for old in range(1, size):
            proof = decode(self.server.ask(f"{self.path}/consistency?old={old}&new={size}"))
            check(consistent(old, size, proof, tree_root(self.leaves[:old]), root), "a consistency proof")
        bodies = decode(self.server.ask(f"{self.path}/bodies?from=0&max=256"))[1]
        check(bodies == [body for _, body in self.entries], "the bodies alone")

    def fetch(self):
        note = None
        while True:
            at, items, newer, *_ = decode(self.server.ask(f"{self.path}/entries?from={len(self.entries)}&bodies=1"))
            check(at == len(self.entries), "from")
            note = newer or note
            if not items:
                return note
            for entry, refs, body in items:
                self.take(entry, refs if refs is None else encode(refs), body)

    def take(self, entry, refs, body):
        index, (header, signature) = len(self.entries), decode(entry)
        check(len(header) == 12 and header[0] == 1, "a header")
        if index == 0:
            check(H("room", entry) == self.id and header[1] == ZERO, "room id")
        else:
            check(header[1] == self.id, "room")
        check(header[5] == [header[5][0], tree_root(self.leaves[:header[5][0]])], "seen")
        check(body is not None or header[7] in (2, 3), "a clear body")
        check(body is None or header[10] == H("body", body), "body_hash")
        check(refs is None and body is None or header[9] == H("refs", decode(refs)), "refs_hash")
        if header[7] in (0, 1, 4):
            self.learn(index, header, decode(body))
        author = {H("log-key", self.log_key): self.log_key, **self.keys}[header[2]]
        check(signed(author, signature, "entry", header), "signature")
        n, prev = self.heads.get(header[2], (0, ZERO))
        check(header[3] > n and header[4] == prev, "n, prev (this test makes no stale chains)")
        self.leaves.append(leaf_hash(entry))
        self.heads[header[2]] = header[3], self.leaves[-1]
        self.entries.append((header, body))

    def learn(self, index, header, body):
        if header[7] == 1:
            self.signed.add(body[1])
            if body[4]:
                self.keys.update(record_devices(body[4][0]))
            return
        if header[7] == 4:
            self.deleted += [body[1]] if body[0] == 3 else []
            return
        kind = body[0]
        if kind == 0:
            self.kind, self.name, self.log_key = body[2], body[4], body[5]
            self.epochs[0] = index, body[6]
            if self.kind == 0:
                self.keys.update({device_id(cert[0]): cert[0][1] for cert in body[9]})
                self.wraps += [(index, 0, i, device) for i, device in enumerate(sorted(self.keys))]
            else:
                self.founder, self.founders_devices = H("room", body[9][0][0]), record_devices(body[9][0])
                self.keys.update(self.founders_devices)
                self.wraps.append((index, 0, 0, self.founder))
        elif kind == 3:
            self.keys.update(record_devices(body[2][0]))
            self.wraps.append((index, header[8], 0, H("room", body[2][0][0])))
        elif kind == 7:
            self.keys.update({device_id(cert[0]): cert[0][1] for cert in body[1]})
            if self.kind == 0:
                self.wraps.append((index, header[8], 0, device_id(body[1][0][0])))
        elif kind == 9:
            self.epochs[body[1]] = index, body[2]
            self.wraps.append((index, body[1], None, None))
        elif kind == 15:
            self.forgets[body[1]] = body[2]

    def secrets(self, recipient, seeds):
        """The secret of each epoch that has a wrap for us, to whichever of our keys the room listed then."""
        found = {}
        for index, epoch, place, whose in self.wraps:
            if whose not in (None, recipient):
                continue
            for i in [place] if place is not None else range(16):
                try:
                    wrap, count, proof = decode(self.server.ask(f"{self.path}/entries/{index}/wraps/{i}"))
                except urllib.error.HTTPError:
                    break
                check(i < count and root_by_inclusion(leaf_hash(wrap), i, count, proof) == self.wraps_root(index), "a wrap's place")
                room = ZERO if index == 0 else self.id
                opened = (unwrap(seed, wrap, room, epoch, self.epochs[epoch][1], recipient) for seed in seeds if wrap)
                secret = next(filter(None, opened), None)
                if secret:
                    check(H("epoch-secret", secret) == self.epochs[epoch][1], "secret_hash")
                    found[epoch] = secret
                    break
        return found

    def wraps_root(self, index):
        body = decode(self.entries[index][1])
        return body[{0: 8, 3: 3, 7: 2, 9: 5}[body[0]]]

    def forgotten(self):
        """Indexes whose bodies are gone for good (§7.2)."""
        gone = {index for name in self.deleted for begin, end in self.forgets[name] for index in range(begin, end)}
        return gone - self.signed

    def payloads(self, secrets):
        """In the log's order, of all that opens: by its epoch's secret, or by a K that a `keys` gives."""
        gone, found, kept = self.forgotten(), {}, {}
        sealed = {i: entry for i, entry in enumerate(self.entries) if entry[0][7] in (2, 3) and i not in gone}
        for index, (header, body) in sealed.items():
            check(body is not None, "a body that nobody forgot")
            if header[8] in secrets:
                found[index] = decode(open_body(entry_key(secrets[header[8]], header, body), header, body))
                if found[index][0] == 21:
                    kept.update(found[index][2])
        for index, key in kept.items():
            if index in sealed and index not in found and H("commit", key) == sealed[index][0][11]:
                found[index] = decode(open_body(key, *sealed[index]))
        return [found[index] for index in sorted(found)]

    def successor(self, secrets, person, seeds):
        """Where this room goes on, for a member; None where it does in itself (the founder of these tests' rooms owns them)."""
        try:
            found = decode(self.server.ask(f"{self.path}/successor"))
        except urllib.error.HTTPError as problem:
            check(problem.code == 404, "a room without a successor")
            return None
        check(found[1] in self.founders_devices, "an owner's device")
        if person == self.founder:
            return None  # and needs none
        link = follow(found, self.id, self.founder, self.founders_devices[found[1]], self.leaves, secrets, person,
                      {H("kem-key", xwing_public(seed)): seed for seed in seeds})
        return link_parts(link)[1][3] if link else None

    def content(self, file):
        manifest, data = file[5], b""
        check(manifest[0] == 0, "a manifest without pages")
        for sha, length, blob, offset, key in manifest[1]:
            end = offset + length + 16
            part = self.server.ask(f"{self.path}/blobs/{blob.hex()}", headers={"Range": f"bytes={offset}-{end - 1}"}.items())
            plain = aes256gcm_open(key, bytes(12), part)
            check(plain is not None and len(plain) == length and sha256(plain) == sha, "a chunk")
            data += plain
        check(len(data) == file[1], "a file's size")
        return data


def lines(room, secrets):
    kind = ("person", "client")[room.kind]
    verified = {}
    for payload in room.payloads(secrets):
        if payload[0] == 1:
            yield f"{kind} name {payload[2]}"
        elif payload[0] == 2:
            yield f"{kind} message {payload[2]}"
        elif payload[0] == 16:
            yield f"{kind} file {b'/'.join(payload[3][0]).decode()} {sha256(room.content(payload[3])).hex()}"
        elif payload[0] == 33 and room.kind == 0:
            verified[payload[2]] = payload[3]
    for person, what in verified.items():
        if what:
            yield f"person verified {safety_number(room.id, person)} {('compared', 'number', 'code')[what[0]]} {len(what[2])}"


def sign_in_by(url, sheet):
    """A server that knows the kit's paper device, that device, and the seed of what is sealed for it."""
    text = open(sheet, encoding="utf-8").read()
    kit = kit_secret(text[text.index("\nCode:") + 6:])
    sign_seed, kem_seed = HKDF(kit, "paper/sign"), HKDF(kit, "paper/kem")
    device = [1, ed25519_public(sign_seed), H("kem-key", xwing_public(kem_seed))]
    server = Server(url)
    server.sign_in(sign_seed, device)
    return server, device, kem_seed


def rooms_of(server):
    return [Room(server, room) for room, _ in decode(server.ask("/v1/rooms"))]


def main(url, sheet, anothers=None):
    server, device, kem_seed = sign_in_by(url, sheet)
    rooms = rooms_of(server)
    if anothers:
        rooms = [room for room in rooms if room.kind == 0] + [room for room in rooms_of(sign_in_by(url, anothers)[0]) if room.kind == 1]
    person = next(room for room in rooms if room.kind == 0)
    own = person.secrets(device_id(device), [kem_seed])
    found = list(lines(person, own))
    seeds = [epoch_kem_seed(secret) for secret in own.values()]
    for room in rooms:
        if room.kind == 1:
            secrets = room.secrets(person.id, seeds)
            found += lines(room, secrets)
            successor = room.successor(secrets, person.id, seeds)
            found += [f"client successor {successor.hex()}"] if successor else []
    print("\n".join(sorted(found)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Bad as why:
        sys.exit(f"second_client: does not verify: {why}")
