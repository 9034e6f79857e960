"""The hands of a member who has left the path: by a recovery kit they sign whatever a test likes, and send it.

    hands = Hands(mallory)              by the kit of that home's person, at that home's server
    room = hands.look()                 the one client room as it stands: .id, .leaves, .heads, .entries
    entry, body = hands.words(room, "text")                    a sealed message, as an honest device would make it
    entry, body = hands.entry(room, kind, body, epoch=…), body  anything else
    status, answer = hands.send(room, [bundle(entry, body)])    what the server says

Built on the second client of tests/vectors, which knows Privity's formats from FORMAT.md alone."""

import base64
import json
import os
import pathlib
import sys
import time
import urllib.error

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "vectors"))
from plain_cbor import Bad, decode, encode
from plain_crypto import ed25519_public, ed25519_sign, xchacha_seal
from plain_format import H, HKDF, ZERO, device_id, epoch_kem_seed, kit_secret, labelled, leaf_hash, padme, sha256, tree_root, unseal
from plain_kem import xwing_decapsulate, xwing_encapsulate, xwing_public
from second_client import Room, Server

ROSTER, SIGN, TALK, WORK = range(4)
NO_REFS = encode([])
NOTHING = [[], [], []]


def bundle(entry, body, beside=None, refs=NO_REFS):
    return [entry, decode(refs), body, beside or NOTHING]


def gate_key(half_a, half_b, gate):
    """A gate's key, of a gate without password and shares."""
    return HKDF(encode(half_a) + encode(half_b) + encode(b"") + encode(b""), "gate/key", gate)


def wrap(secret, room, epoch, recipient, kem_pk):
    ciphertext, shared = xwing_encapsulate(kem_pk, os.urandom(32), os.urandom(32))
    key = HKDF(shared, "wrap", room, epoch, H("epoch-secret", secret), recipient, H("kem-key", kem_pk))
    return ciphertext + xchacha_seal(key, bytes(24), b"", secret)


class Look(Room):
    """A room as it stands, without the questions that a test of the second client asks beside; records that do not verify
    are passed over."""

    def check_proofs(self, *_):
        pass

    def learn(self, index, header, body):
        try:
            super().learn(index, header, body)
        except Bad:
            pass


class Hands:
    def __init__(self, home):
        text = home.kit.read_text()
        kit = kit_secret(text[text.index("\nCode:") + 6:])
        self.seed, self.kem_seed = HKDF(kit, "paper/sign"), HKDF(kit, "paper/kem")
        self.device = [1, ed25519_public(self.seed), H("kem-key", xwing_public(self.kem_seed))]
        self.id = device_id(self.device)
        self.server = Server(home.server.url)
        self.server.sign_in(self.seed, self.device)
        rooms = [Look(self.server, room) for room, _ in decode(self.server.ask("/v1/rooms"))]
        own = next(room for room in rooms if room.kind == 0)
        secrets = own.secrets(self.id, [self.kem_seed])
        self.person, self.person_seed = own.id, epoch_kem_seed(secrets[max(secrets)])
        self.room_id = next((room.id for room in rooms if room.kind == 1), None)

    def join_key(self, link):
        """The seed of an invite's join key: half A from the link, half B from the server, as anybody with the link gets it."""
        text = link.split("#")[1]
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[:-4]
        _, half_a, gate = decode(packed)[:3]
        seed = os.urandom(32)
        kem_pk = xwing_public(seed)
        version = decode(self.server.ask(f"/v1/gates/{gate.hex()}"))[0]
        request = H("request", kem_pk)
        signature = ed25519_sign(HKDF(half_a, "gate/a-key", gate), labelled("release", gate, version, request, None))
        answer = decode(self.server.ask(f"/v1/gates/{gate.hex()}/release", encode([1, gate, version, kem_pk, None, signature])))
        half_b = unseal(HKDF(xwing_decapsulate(seed, answer[0]), "half-b", gate, request), answer[1])
        key = gate_key(half_a, half_b, gate)
        return gate, HKDF(key, "invite/join-key")

    def look(self, room=None):
        for _ in range(20):
            try:
                room = Look(self.server, room or self.room_id)
                break
            except Bad:  # others write: its pages and its checkpoint were not of one moment
                continue
        room.secret_of = room.secrets(self.person, [self.person_seed])
        return room

    def header(self, room, kind, body, epoch=0, refs=NO_REFS, commit=ZERO, n=None, prev=None, seen=None, version=1):
        last = room.heads.get(self.id, (0, ZERO))
        size = len(room.leaves) if seen is None else seen
        return [version, room.id, self.id, last[0] + 1 if n is None else n, last[1] if prev is None else prev,
                [size, tree_root(room.leaves[:size])], int(time.time() * 1000), kind, epoch, H("refs", decode(refs)),
                H("body", body), commit]

    def sign(self, header):
        return encode([header, ed25519_sign(self.seed, labelled("entry", header))])

    def entry(self, room, kind, body, **fields):
        return self.sign(self.header(room, kind, body, **fields))

    def sealed(self, room, kind, payload, key=None, commit=None, **fields):
        """An entry and its body; with `key` or `commit` not those that members derive."""
        epoch = max(room.epochs)
        header, nonce = self.header(room, kind, b"", epoch=epoch, **fields), os.urandom(24)
        derived = HKDF(room.secret_of[epoch], "entry", header[1], header[8], header[2], header[3], nonce)
        key = key or derived
        plain = encode(payload)
        plain += bytes(padme(len(plain)) - len(plain))
        body = nonce + xchacha_seal(key, nonce, labelled("body-ad", header[:10]), plain)
        header[10], header[11] = H("body", body), commit or H("commit", key)
        return self.sign(header), body

    def words(self, room, text, **fields):
        return self.sealed(room, TALK, [2, os.urandom(16), text, None, []], **fields)

    def send(self, room, bundles):
        """Status, and the server's answer: verdicts, or a problem's code and reason."""
        try:
            answer = decode(self.server.ask(f"/v1/rooms/{room.id.hex()}/entries", encode(bundles)))
        except urllib.error.HTTPError as refused:
            problem = json.loads(refused.read())
            return refused.code, (problem["code"], problem.get("reason"))
        return 200, [(verdict, reason) for _, verdict, reason in answer[0]]


def follow(hands, room, entry, body, kind=TALK):
    """`room` as it will be with this entry of the hands in it, for one more behind it."""
    header = decode(entry)[0]
    room.leaves.append(leaf_hash(entry))
    room.heads[hands.id] = header[3], room.leaves[-1]
    room.entries.append((header, body))
