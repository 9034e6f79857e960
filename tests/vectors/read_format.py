#!/usr/bin/env python3
"""A second reader of Privity's formats, written from FORMAT.md alone with Python's standard library, run over the worked
examples: python3 tests/vectors/read_format.py docs/FORMAT-EXAMPLES.md

It knows no Argon2id, so it takes what comes out of that from the examples and checks the rest."""

import base64
import hmac
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from plain_cbor import Bad, check, decode, encode, first
from plain_crypto import aes256gcm_open, ed25519_public
from plain_format import (H, HKDF, ZERO, cert_holds, consistent, device_id, epoch_kem_seed, extract, kit_secret, labelled,
                          leaf_hash, padme, party_devices, read_note, record_devices, root_by_inclusion, safety_number, sha256, signed,
                          tree_root, unseal, unwrap)
from plain_kem import xwing_decapsulate, xwing_public
from plain_ristretto import cpace_generator, cpace_key, cpace_share
from tap import done, is_, ok


# ---- the examples

def read_examples(path):
    """Name to bytes (hex, text) or number, in the order of the file."""
    found = {}
    for kind, name, content in re.findall(r"^```(hex|text|number) (\S+)\n(.*?)\n```$", path.read_text(), re.M | re.S):
        assert name not in found, name
        if kind == "hex":
            found[name] = bytes.fromhex("".join(line.split("#")[0] for line in content.splitlines()))
        else:
            found[name] = int(content) if kind == "number" else content.encode()
    return found


EX = read_examples(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "docs/FORMAT-EXAMPLES.md"))
used = set()


def ex(name):
    used.add(name)
    return EX[name]


def item(name):
    """An example that is one CBOR item; deterministic, so it encodes to the same bytes."""
    value = decode(ex(name))
    ok(encode(value) == ex(name), f"{name} is deterministic")
    return value


# ---- §1

def encoding():
    is_(item("encoding.items"), [23, 1760000000000, -1, b"\x01\x02", "zwölf", [], True, None], "each kind of item")
    is_(H("example", 7, b"ab"), ex("encoding.hash"), "H")
    is_(extract(ex("encoding.secret")), ex("encoding.prk"), "HKDF-Extract")
    is_(HKDF(ex("encoding.secret"), "example", 7, b"ab"), ex("encoding.hkdf"), "HKDF")
    is_(ed25519_public(b"\x0c" * 32), ex("encoding.sign_pk"), "an Ed25519 key")
    ok(signed(ex("encoding.sign_pk"), ex("encoding.signature"), "example", 7, b"ab"), "Sign")
    is_(unseal(b"\x0d" * 32, ex("encoding.sealed"), b"\x0e" * 24, b"ad"), b"plain", "Seal")
    for bad in ("1817", "5f", "a0", "c100", "f7", "f90000", "0000", "62c328", "828100", "9b0000000000000001",
                "8" + "181" * 9 + "00"):
        try:
            decode(bytes.fromhex(bad if len(bad) % 2 == 0 else bad + "0"))
            ok(False, f"{bad} is refused")
        except (Bad, UnicodeDecodeError):
            ok(True, f"{bad} is refused")


# ---- §2

def people():
    for which in ("first", "paper"):
        name = f"ana.{which}"
        device = item(f"{name}.device")
        is_(device[1], ed25519_public(ex(f"{name}.sign_seed")), f"{name}: sign_pk")
        is_(device[2], H("kem-key", ex(f"{name}.kem_pk")), f"{name}: kem_hash")
        is_(device_id(device), ex(f"{name}.id"), f"{name}: id")
        is_(xwing_public(ex(f"{name}.kem_seed")), ex(f"{name}.kem_pk"), f"{name}: KEM key of the seed")
    is_(HKDF(ex("ana.kit"), "paper/sign"), ex("ana.paper.sign_seed"), "the paper device's sign seed")
    is_(HKDF(ex("ana.kit"), "paper/kem"), ex("ana.paper.kem_seed"), "the paper device's KEM seed")
    record = item("ana.record")
    is_(record, [ex("ana.genesis.entry"), ex("ana.genesis.body"), []], "the record's parts")
    body = item("ana.genesis.body")
    is_([ex("ana.cert.first"), ex("ana.cert.paper")], [encode(cert) for cert in body[9]], "the founders' certificates")
    cert = item("ana.cert.paper")
    is_(b"".join(encode(part) for part in (ZERO, body[1], cert[0], cert[1], cert[2])), ex("ana.cert.paper.signed"),
        "what a certificate signs")
    is_(list(record_devices(record)), [ex("ana.first.id"), ex("ana.paper.id")], "the record verifies; its devices")
    is_(H("room", ex("ana.genesis.entry")), ex("ana.person"), "person id")
    is_(H("epoch-secret", ex("ana.secret")), body[6], "secret_hash")
    beside = item("ana.genesis.beside")
    is_([H("kem-key", key) for key in beside[0]], [body[7], body[9][0][0][2], body[9][1][0][2]], "KEM keys beside")
    is_(tree_root([leaf_hash(wrap) for wrap in beside[2]]), body[8], "wraps_root")
    is_(beside[0][0], xwing_public(epoch_kem_seed(ex("ana.secret"))), "the epoch's KEM key")
    for (identity, seed), wrap in zip(sorted((ex(f"ana.{which}.id"), ex(f"ana.{which}.kem_seed"))
                                             for which in ("first", "paper")), beside[2], strict=True):
        is_(unwrap(seed, wrap, ZERO, 0, body[6], identity), ex("ana.secret"), "a device opens its wrap")
    ok(item("ana.genesis.entry")[0][0] == 1 and item("ana.cert.first")[1] is False, "version; no paper")


# ---- §3 to §6: the room's log

class Room:
    """What a reader learns on its way through the log."""

    def __init__(self):
        self.keys = {}      # author: public key
        self.heads = {}     # author: n, leaf
        self.leaves = []
        self.secrets = {0: ex("room.secret.0")}
        self.secret_hashes = {}
        self.members = {}   # person: KEM hash
        self.open = {}      # invite: KEM hash
        self.seeds = {}     # person or invite: KEM seed, which only they know
        self.invites = {}   # invite: body
        self.log_key = None
        self.name = None
        self.id = None


def learn(room, index, header, body):
    """Members, keys and epochs, as far as this log goes (§7 has the rules, which a reader of one log need not run)."""
    kind, beside = body[0], []
    if kind == 0:
        devices, person = party_devices(body[9])
        room.keys.update(devices)
        room.members[person] = body[9][3]
        room.name, room.log_key = body[4], body[5]
        room.secret_hashes[0] = body[6]
        beside = [body[7], body[9][3]]
        room.seeds[person] = epoch_kem_seed(ex("ana.secret"))
        check_wraps(room, index, [person], ZERO, 0)
    elif kind == 1:
        room.open[body[1]], room.invites[body[1]] = body[8], body
        beside = [body[8]]
        gate_key = HKDF(encode(ex("gate.a")) + encode(ex("gate.b")) + encode(b"") + encode(b""), "gate/key", body[1])
        room.seeds[body[1]] = HKDF(gate_key, "invite/kem")
        check_wraps(room, index, [body[1]], room.id, header[8])
    elif kind == 2:
        del room.open[body[1]]
    elif kind == 3:
        devices, person = party_devices(body[2])
        room.keys.update(devices)
        room.members[person] = body[2][3]
        room.ben = person
        ok(signed(room.invites[body[1]][7], body[4], "join", room.id, person, body[2][1], body[2][2], body[2][3], body[1]),
           f"room.{index}: join_sig")
        beside = [body[2][3]]
        room.seeds[person] = epoch_kem_seed(ex("ben.secret"))
        check_wraps(room, index, [person], room.id, header[8])
    elif kind == 5:
        for person, _ in body[1]:
            del room.members[person]
    elif kind == 6:
        room.members.clear()
    elif kind == 7:
        cert = body[1][0]
        ok(cert_holds(cert, room.keys[cert[2]], ex("ana.person"), b""), f"room.{index}: certificate")
        room.keys[device_id(cert[0])] = cert[0][1]
    elif kind == 8:
        room.members[ex("ana.person")] = body[3][1]
        room.seeds[ex("ana.person")] = epoch_kem_seed(ex("ana.secret.1"))
        beside = [body[3][1]]
    elif kind == 9:
        rekey(room, index, body)
        beside = [body[3]]
        check_wraps(room, index, sorted([*room.members, *room.open]), room.id, body[1])
    elif kind == 11:
        is_(H("policy", body[2]), ex("room.policy"), "a policy's name")
        is_(body[1], ZERO, "the first policy replaces nothing")
    elif kind == 12:
        is_(body[1], H("server", room.name, room.log_key), "the server value replaced")
        ok(signed(room.log_key, body[4], "server-change", room.id, body[1], body[2], body[3]), "server-change signature")
        room.name, room.log_key = body[2], body[3]
        room.keys[H("log-key", body[3])] = body[3]
    return beside


def check_wraps(room, index, recipients, wrap_room, epoch):
    """Each recipient, in this order, opens its wrap and finds the epoch's secret."""
    wraps = item(f"room.{index}.beside")[2]
    is_(len(wraps), len(recipients), f"room.{index}: a wrap for each recipient")
    for recipient, wrap in zip(recipients, wraps):
        secret = unwrap(room.seeds[recipient], wrap, wrap_room, epoch, room.secret_hashes[epoch], recipient)
        is_(secret, room.secrets[epoch], f"room.{index}: a wrap opens")


def rekey(room, index, body):
    _, epoch, secret_hash, kem_hash, recipients, _, links = body
    room.secret_hashes[epoch] = secret_hash
    room.secrets[epoch] = ex(f"room.secret.{epoch}")
    is_(H("epoch-secret", room.secrets[epoch]), secret_hash, f"room.{index}: secret_hash")
    is_(H("kem-key", xwing_public(epoch_kem_seed(room.secrets[epoch]))), kem_hash, f"room.{index}: the epoch's KEM key")
    want = sorted([[person, kem] for person, kem in {**room.members, **room.open}.items()])
    is_(H("recipients", want), recipients, f"room.{index}: recipients")
    sealed = item(f"room.{index}.beside")[1]
    for (old, name), link in zip(links, sealed):
        is_(H("link-sealed", link), name, f"room.{index}: link-sealed")
        key = HKDF(room.secrets[epoch], "link", room.id, epoch, secret_hash, old, room.secret_hashes[old])
        is_(unseal(key, link), room.secrets[old], f"room.{index}: the link opens to the older secret")
    is_(len(links), len(sealed), f"room.{index}: links")


def sealed_entry(room, index, header, body):
    nonce, sealed = body[:24], body[24:]
    key = HKDF(room.secrets[header[8]], "entry", header[1], header[8], header[2], header[3], nonce)
    is_(key, ex(f"room.{index}.key"), f"room.{index}: K")
    is_(H("commit", key), header[11], f"room.{index}: commit")
    padded = unseal(key, sealed, nonce, labelled("body-ad", header[:10]))
    payload, rest = first(padded or b"\x00\x01")
    ok(padded and not any(rest), f"room.{index}: the body opens, zeros behind the payload")
    size = len(padded) - len(rest)
    is_(len(padded), padme(size), f"room.{index}: Padmé")
    is_(padded[:size], ex(f"room.{index}.payload"), f"room.{index}: payload")
    ok(len(payload[1]) == 16, f"room.{index}: write id")


def check_beside(room, index, body, want):
    name = f"room.{index}.beside"
    if name not in EX:
        ok(not want, f"room.{index}: nothing beside")
        return
    keys, _, wraps = item(name)
    is_([H("kem-key", key) for key in keys], want, f"room.{index}: KEM keys beside")
    root = {0: 8, 1: 9, 3: 3, 7: 2, 9: 5}.get(body[0])
    if root and body[root] is not None:
        is_(tree_root([leaf_hash(wrap) for wrap in wraps]), body[root], f"room.{index}: wraps_root")


def sign_entry(room, index, header, body):
    document, at, purpose, stance, stranger = body
    is_(document, H("document", ex("document.salt"), ex("document.text")), f"room.{index}: document id")
    ok(at < index and purpose == 0 and stance == 0, f"room.{index}: index, purpose, stance")
    if stranger:
        record, invite, a_sig = stranger
        devices = record_devices(record)
        ok(header[2] in devices, f"room.{index}: the author is a device of the record")
        ok(signed(room.invites[invite][6], a_sig, "stranger-sign", room.id, invite, header[2], header[3], document),
           f"room.{index}: a_sig")
        room.keys.update(devices)


def read_entry(room, index):
    header, signature = item(f"room.{index}.entry")
    name = f"room.{index}"
    check(len(header) == 12 and header[0] == 1, "header")
    refs = ex(f"{name}.refs") if f"{name}.refs" in EX else encode([])
    body_bytes = ex(f"{name}.body")
    is_(header[1], room.id or ZERO, f"{name}: room")
    n, prev = room.heads.get(header[2], (0, ZERO))
    ok(header[3] > n and header[4] == prev, f"{name}: n and prev fit the author's head")
    is_(header[5], [index, tree_root(room.leaves)], f"{name}: seen")
    is_(header[9], H("refs", decode(refs)), f"{name}: refs_hash")
    is_(header[10], H("body", body_bytes), f"{name}: body_hash")
    wants = []
    if header[7] == 0:
        body = item(f"{name}.body")
        wants = learn(room, index, header, body)
        check_beside(room, index, body, wants)
    elif header[7] == 1:
        sign_entry(room, index, header, item(f"{name}.body"))
    elif header[7] == 4:
        item(f"{name}.body")
        room.keys[H("log-key", room.log_key)] = room.log_key
    else:
        item(f"{name}.payload")
        sealed_entry(room, index, header, body_bytes)
    if header[7] in (0, 1, 4):
        is_(header[11], ZERO, f"{name}: no commit")
    ok(signed(room.keys[header[2]], signature, "entry", header), f"{name}: signature")
    leaf = leaf_hash(ex(f"{name}.entry"))
    is_(leaf, ex(f"{name}.leaf"), f"{name}: leaf")
    room.heads[header[2]] = header[3], leaf
    room.leaves.append(leaf)
    if index == 0:
        room.id = H("room", ex(f"{name}.entry"))
        is_(room.id, ex("room.id"), "room id")


def log():
    room = Room()
    is_(H("epoch-secret", room.secrets[0]), item("room.0.body")[6], "secret_hash of epoch 0")
    is_(ed25519_public(ex("room.log_seed")), item("room.0.body")[5], "log key")
    is_(H("document", ex("document.salt"), ex("document.text")), ex("document.id"), "document id")
    index = 0
    while f"room.{index}.entry" in EX:
        read_entry(room, index)
        index += 1
    is_(sorted({item(f"room.{i}.body")[0] for i in range(index) if f"room.{i}.payload" not in EX and
                item(f"room.{i}.entry")[0][7] == 0}), list(range(16)), "every roster type occurs")
    return room


# ---- §3 a bundle; §8

def tree(room):
    entry, refs, body, beside = item("bundle")
    ok(leaf_hash(entry) in room.leaves and H("refs", refs) == decode(entry)[0][9] and
       H("body", body) == decode(entry)[0][10] and beside == [[], [], []], "a bundle")
    size, root = ex("tree.size"), ex("tree.root")
    is_(size, len(room.leaves), "tree size")
    is_(tree_root(room.leaves), root, "tree root")
    old = ex("tree.old_size")
    is_(tree_root(room.leaves[:old]), ex("tree.old_root"), "an older root")
    joined = ex("tree.consistency")
    proof = [joined[i:i + 32] for i in range(0, len(joined), 32)]
    ok(consistent(old, size, proof, ex("tree.old_root"), root), "consistency proof")
    is_(room.log_key, ex("tree.log_key"), "the log key in force")
    note = ex("tree.checkpoint").decode() + "\n"
    is_(read_note(note, room.name, room.id, room.log_key)[:2], (size, root), "checkpoint")
    lines = (ex("tree.proof").decode() + "\n").split("\n")
    is_(lines[0], "c2sp.org/tlog-proof@v1", "a proof's first line")
    index, end = int(lines[1].removeprefix("index ")), lines.index("")
    hashes = [base64.b64decode(line, validate=True) for line in lines[2:end]]
    is_(root_by_inclusion(room.leaves[index], index, size, hashes), root, "inclusion proof")
    is_("\n".join(lines[end + 1:]), note, "the checkpoint in the proof")


# ---- §9

def gates(room):
    a, b, gate_id = ex("gate.a"), ex("gate.b"), ex("gate.id")
    invite = next(body for body in room.invites.values() if body[1] == gate_id)
    is_(ed25519_public(HKDF(a, "gate/a-key", gate_id)), ex("gate.a_key"), "A-key")
    key = HKDF(encode(a) + encode(b) + encode(b"") + encode(b""), "gate/key", gate_id)
    is_(key, ex("gate.key"), "gate key")
    is_(ed25519_public(HKDF(key, "invite/join-key")), ex("gate.join_key"), "join key")
    is_([invite[6], invite[7]], [ex("gate.a_key"), ex("gate.join_key")], "the invite's keys")
    is_(HKDF(key, "invite/kem"), ex("gate.kem_seed"), "the invite's KEM seed")
    password = encode(a) + encode(b) + encode(ex("gate.password")) + encode(b"")
    is_(HKDF(password, "gate/key", gate_id), ex("gate.key_with_password"), "gate key with a password")

    gate, device, signature = item("gate.signed")
    is_([len(gate), gate[0], gate[1], gate[2], gate[4]], [11, 1, gate_id, room.id, ex("gate.a_key")], "a gate")
    is_(gate[5], H("half-b", b), "half_hash")
    is_(len(gate[7]), 8, "policy")
    ok(signed(room.keys[device], signature, "gate", gate), "gate signature")
    is_(gate[6:], [None, [None, 1760604800000, 2, None, [], 0, 0, []], None, [], []], "the rest of a gate")
    full = item("gate.full")
    is_(full[:6], gate[:6], "a fuller gate")
    is_(full[6], H("proof", ex("gate.proof")), "proof_hash")
    is_(full[7:], [[None, 1760604800000, 2, ZERO, [room.ben], 0, 86400000, [ex("ana.person")]], b"sealed", [], []],
        "the rest of it")

    for name, proof in (("release.request", None), ("release.request_with_proof", ex("gate.proof"))):
        request = item(name)
        request_id = H("request", request[3])
        is_([request[0], request[1], request[4]], [1, gate_id, proof], name)
        is_(request_id, ex("release.request_id"), f"{name}: request id")
        ok(signed(ex("gate.a_key"), request[5], "release", gate_id, request[2], request_id, proof), f"{name}: a_sig")
    kem_ct, sealed, ticket = item("release.answer")
    is_([len(kem_ct), len(sealed), len(ticket)], [1120, 48, 32], "release answer")
    seed = ex("release.kem_seed")
    is_(xwing_public(seed), item("release.request")[3], "the requester's KEM key")
    key = HKDF(xwing_decapsulate(seed, kem_ct), "half-b", gate_id, ex("release.request_id"))
    is_(unseal(key, sealed), b, "the answer opens to half B")
    read_link(room, ex("invite.link").decode())
    read_succession(room)


def read_succession(room):
    succession, device, signature = item("succession.signed")
    version, ended, successor, head, epoch, sealed = succession
    is_([version, ended, head, epoch], [1, room.id, [ex("tree.size"), ex("tree.root")], 0], "a succession")
    ok(signed(room.keys[device], signature, "succession", succession), "its signature")
    key = HKDF(ex("room.secret.0"), "succession", room.id, successor)
    content = decode(unseal(key, sealed[24:], nonce=sealed[:24]))
    is_((content[0], len(content[1])), (None, 1), "it opens, to one place")
    person, kem_hash, kem_ct, sealed_link = content[1][0]
    is_(person, room.ben, "Ben's")
    seed = epoch_kem_seed(ex("ben.secret"))
    is_(H("kem-key", xwing_public(seed)), kem_hash, "for the KEM key that the room lists for him")
    key = HKDF(xwing_decapsulate(seed, kem_ct), "succession-place", room.id, successor, person, kem_hash)
    is_(unseal(key, sealed_link), ex("succession.link"), "which opens to the link")


def read_link(room, text):
    url, _, fragment = text.partition("/i#")
    data = base64.b64decode(fragment + "=" * (-len(fragment) % 4), altchars=b"-_", validate=True)
    is_(base64.urlsafe_b64encode(data).rstrip(b"=").decode(), fragment, "link: no unused bits")
    link, checksum = first(data)
    is_(checksum, H("link-check", url, data[:-4])[:4], "link: checksum")
    is_(link[:5], [1, ex("gate.a"), ex("gate.id"), room.id, ex("ana.person")], "link: parts")
    size, root, *signatures = link[5]
    origin = f"{room.name}/room/{room.id.hex()}"
    lines = [origin, str(size), base64.b64encode(root).decode(), ""]
    lines += [f"\u2014 {origin} {base64.b64encode(s).decode()}" for s in signatures]
    is_("\n".join(lines), ex("tree.checkpoint").decode(), "link: checkpoint")


# ---- §10, §11

def check_chunk(chunk):
    sha, length, blob, offset, key = chunk
    return (len(sha), len(blob), len(key)) == (32, 16, 32) and length + offset >= 0


def payloads(room):
    is_(item("body.expired_membership"), [2, 1760000000000, [room.ben, 5]], "expired, of a membership")
    add = item("body.device_add_person_room")
    is_(add[:2], [7, [decode(ex("ana.cert.paper"))]], "device_add in a person room")
    is_(len(add[2]), 32, "its wraps_root")
    place = ["https://rooms.example", "acme"]
    head = [ex("tree.size"), ex("tree.root")]
    is_(item("payload.rooms")[2], [[room.id, place + [1], head], [room.id, place + [2], None]], "rooms")
    is_((item("payload.rooms")[0], len(item("payload.rooms")[1])), (32, 16), "their type and write id")
    message = item("payload.attachment")
    is_((message[0], len(message[1]), message[2:4]), (2, 16, ["", None]), "a message with an attachment")
    attached = message[4][0]
    is_(attached[:5], [[b"photo.jpg"], 5, 0o600, [1760000000, 0], None], "the attachment")
    is_((attached[5][0], attached[5][1][0][0], check_chunk(attached[5][1][0])), (0, sha256(b"photo"), True), "its chunk")
    blobs = item("payload.file_blobs")
    is_((blobs[0], len(blobs[1]), len(blobs[2]), len(blobs)), (20, 16, 16, 3), "file_blobs")
    keys = item("payload.keys")
    is_((keys[0], len(keys[1]), len(keys)), (21, 16, 4), "keys")
    is_(([index for index, _ in keys[2]], {len(k) for _, k in keys[2]}), ([4, 300], {32}), "of two entries")
    is_([(epoch, len(seed)) for epoch, seed in keys[3]], [(0, 32)], "and a seed")
    put = next(item(f"room.{i}.payload") for i in range(99) if decode(EX.get(f"room.{i}.payload", b"\x81\x00"))[0] == 16)
    path, size, mode, mtime, sha, manifest = put[3]
    is_((path, size, mode, mtime), ([b"drafts", b"hello.txt"], 11, 0o644, [1760000000, 500000000]), "a file")
    is_(sha, sha256(b"hello world"), "a file's SHA-256")
    ok(manifest[0] == 0 and all(check_chunk(chunk) for chunk in manifest[1]), "a manifest")
    is_(sum(chunk[1] for chunk in manifest[1]), size, "lengths add up")
    is_(manifest[1][0][0], sha, "a chunk's SHA-256")


def files():
    page, paged = item("file.page"), item("file.paged")
    reference = paged[5][1][0]
    is_(paged[5][0], 1, "a manifest of pages")
    is_(paged[:5], [[b"big.bin"], 1500, 0o600, [-1, 999999999], None], "the file of it")
    ok(check_chunk(reference[:5]) and len(paged[5][1]) == 1, "a page's reference")
    is_(reference[0], sha256(ex("file.page")), "a page's SHA-256")
    is_(reference[1], len(ex("file.page")), "a page's length")
    ok(all(check_chunk(chunk) for chunk in page), "a page's chunks")
    is_([sum(chunk[1] for chunk in page), reference[5]], [paged[1], paged[1]], "spans add up")
    is_(aes256gcm_open(b"\x22" * 32, bytes(12), ex("file.sealed_chunk")), b"hello world", "a sealed chunk")

    prk = extract(b"\x11" * 32)
    gear = []
    for i in range(64):
        block = hmac.digest(prk, labelled("file/gear", i) + b"\x01", "sha256")
        gear += struct.unpack(">4Q", block)
    is_(struct.pack(">2Q", *gear[:2]), ex("file.gear"), "gear")
    is_(encode_all(cut(content(77, 1500000), gear)), ex("file.cuts"), "cuts")


def encode_all(items):
    return b"".join(encode(part) for part in items)


def content(seed, length):
    blocks = (sha256(encode(seed) + encode(i)) for i in range((length + 31) // 32))
    return b"".join(blocks)[:length]


def cut(data, gear):
    lengths, start = [], 0
    while start < len(data):
        end, h = min(start + 4194304, len(data)), 0
        # A byte is shifted out after 64 more, so hashing may begin 64 bytes before the least length.
        at = min(start + 262144 - 64, end)
        while at < end:
            h = (h << 1) + gear[data[at]] & 0xFFFFFFFFFFFFFFFF
            at += 1
            length = at - start
            if length >= 262144 and h < (1 << 42 if length < 1048576 else 1 << 46):
                break
        lengths.append(at - start)
        start = at
    return lengths


# ---- §11.2, §12

def kit():
    is_(kit_secret(ex("kit.code").decode()), ex("ana.kit"), "kit: secret")
    sheet = ex("kit.sheet").decode()
    is_(re.sub(r"[\s-]", "", sheet[sheet.index("\nCode:") + 6:]), ex("kit.code").decode().replace("-", ""), "kit: sheet")


def keystore(room):
    magic, version, content_bytes, checksum = item("keystore.file")
    is_((magic, version), ("privity keystore", 1), "keystore: magic and version")
    is_(checksum, H("keystore-check", version, content_bytes), "keystore: checksum")
    is_(content_bytes, ex("keystore.content"), "keystore: content")
    salt, passes, memory, kem_pk, sealed_seed, sealed_secrets, rooms, mac = item("keystore.content")
    is_((len(salt), passes, memory, len(kem_pk), len(sealed_seed)), (16, 1, 64, 1216, 48), "keystore: sizes")
    secrets = unseal(HKDF(ex("keystore.seed"), "keystore/device"), sealed_secrets)
    is_(secrets, ex("keystore.secrets"), "keystore: secrets open by the seed")
    parts = item("keystore.secrets")
    is_(parts, [1, ex("ana.first.sign_seed"), ex("ana.first.kem_seed"), ex("ana.person"), "Ana", "https://rooms.example"],
        "keystore: secrets")
    is_([[entry[0], len(entry[1])] for entry in rooms], [[room.id, 1168]], "keystore: rooms")
    listed = H("keystore-rooms", kem_pk, *(part for entry in rooms for part in entry))
    is_(HKDF(parts[1], "keystore/mac", listed), mac, "keystore: mac")
    is_(kem_pk, xwing_public(ex("keystore.seed")), "keystore: KEM key of the seed")
    sealed = rooms[0][1]
    key = HKDF(xwing_decapsulate(ex("keystore.seed"), sealed[:1120]), "keystore/room", rooms[0][0])
    is_(unseal(key, sealed[1120:]), ex("keystore.database_key"), "keystore: a room's key opens by the seed")


def pairing():
    digits = ex("pairing.code").decode().replace("-", "")
    p = 10
    for digit in digits[:11]:
        p = ((p + int(digit)) % 10 or 10) * 2 % 11
    is_(int(digits[11]), (11 - p) % 10, "pairing: check digit")
    is_(int(digits[:4]), 42, "pairing: plate")
    version, sid, ya = item("pairing.message_1")
    is_((version, len(sid)), (1, 16), "pairing: message 1")
    channel = encode_all(["privity/1/pairing", "rooms.example", 42])
    generator = cpace_generator(digits[4:11].encode(), channel, sid)
    is_(cpace_share(ex("pairing.ya"), generator), ya, "pairing: Ya is the code's")
    yb, sealed = ex("pairing.message_2")[:32], ex("pairing.message_2")[32:]
    isk = cpace_key(ex("pairing.ya"), yb, sid, ya, yb)
    is_(isk, ex("pairing.isk"), "pairing: ISK")
    person, signer, note, called = decode(unseal(HKDF(isk, "pairing", 2), sealed))
    is_((person, signer, note, called), (ex("ana.person"), device_id(item("ana.first.device")), ex("tree.checkpoint") + b"\n", "Ana"),
        "pairing: message 2 opens")
    device, kem_pk, consent, name = decode(unseal(HKDF(isk, "pairing", 3), ex("pairing.message_3")))
    is_((H("kem-key", kem_pk), name), (device[2], "phone"), "pairing: message 3 opens")
    ok(signed(device[1], consent, "certificate", person, b"", device, False, signer), "pairing: consent")
    is_(decode(unseal(HKDF(isk, "pairing", 4), ex("pairing.message_4"))), [note], "pairing: message 4 opens")


def safety():
    is_(ex("safety.number").decode(), safety_number(ex("ben.person"), ex("ana.person")), "safety: the number")
    code = ex("safety.code").decode()
    is_(code, f"PRIVITY:SAFETY:1:{ex('ana.person').hex()}:{ex('ben.person').hex()}".upper(), "safety: the code")
    kind, write_id, person, (how, time, devices) = item("payload.verified")
    is_((kind, len(write_id), person, how), (33, 16, ex("ben.person"), 2), "safety: a verification")
    ok(time > 1760000000000 and len(devices) == 2 and devices[0] < devices[1], "safety: its time and devices")
    is_(item("payload.withdrawn")[2:], [ex("ben.person"), None], "safety: withdrawn")


# ---- §8.1

def root_before(index, size, proof):
    """The root of the leaves before `index`: the left siblings of its inclusion proof, folded."""
    left, last = [], size - 1
    for hash_ in proof:
        if index & 1 or index == last:
            left.append(hash_)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    if not left:
        return sha256(b"")
    root = left[0]
    for hash_ in left[1:]:
        root = sha256(b"\1" + hash_ + root)
    return root


def evidence_keys(name, made, room):
    """Name and key after the file's changes, each vouched for by the one before."""
    magic, version, (_, told), room_id, genesis, changes, _ = made
    ok((magic, version, room_id) == ("privity evidence", 1, room.id) and told, f"{name}: the frame")
    entry, body = genesis
    ok(H("room", entry) == room.id and decode(entry)[0][10] == H("body", body), f"{name}: the genesis is the room's")
    server, key = decode(body)[4:6]
    for entry, body in changes:
        header, (kind, replaces, new_server, new_key, sig) = decode(entry)[0], decode(body)
        ok(header[1] == room.id and header[10] == H("body", body) and kind == 12 and replaces == H("server", server, key) and
           signed(key, sig, "server-change", room.id, replaces, new_server, new_key), f"{name}: a change of server")
        server, key = new_server, new_key
    is_((server, key), (room.name, room.log_key), f"{name}: the log's name and key")


def evidence(room):
    open_note = lambda note: read_note(note.decode(), room.name, room.id, room.log_key)
    made = item("evidence.notes")
    evidence_keys("evidence.notes", made, room)
    kind, note, (whole, part), (leaf, proof) = made[6]
    (old, old_root, _), (size, root, _) = open_note(note), open_note(whole)
    ok(kind == 0 and part is None and root_by_inclusion(leaf, old, size, proof) == root, "evidence.notes: the path is in the tree")
    is_(root_before(old, size, proof), tree_root(room.leaves[:old]), "evidence.notes: and gives the root before it")
    ok(root_before(old, size, proof) != old_root, "evidence.notes: which is not the other checkpoint's")
    made = item("evidence.entry")
    evidence_keys("evidence.entry", made, room)
    kind, (whole, part), index, proof, entry, device, body, path = made[6]
    size, root, _ = open_note(whole)
    ok(kind == 1 and part is None and body is None and path is None, "evidence.entry: its parts")
    is_(root_by_inclusion(leaf_hash(entry), index, size, proof), root, "evidence.entry: it is in the tree")
    header, signature = decode(entry)
    is_(device_id(device), header[2], "evidence.entry: the device is its author")
    ok(not signed(device[1], signature, "entry", header), "evidence.entry: which did not sign it")
    made = item("evidence.shown")
    is_((made[:2], made[3:]), (["privity evidence", 1], [room.id, None, [], [2, "broken-chain", b"\1\2\3"]]), "evidence.shown")


encoding()
people()
room = log()
tree(room)
gates(room)
payloads(room)
files()
kit()
keystore(room)
pairing()
evidence(room)
safety()
is_(sorted(set(EX) - used), [], "every example was read")
done()
