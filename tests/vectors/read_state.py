"""FORMAT.md §10 to §12 by their examples: payloads, forgetting, files, kit, pairing, safety numbers, keystore."""

import hmac
import re
import struct

from examples import EX, ex, item
from plain_cbor import check, decode, encode, first
from plain_crypto import aes256gcm_open
from plain_format import (H, HKDF, device_id, extract, kit_secret, labelled, open_body, safety_number, sha256, signed,
                          unseal)
from plain_kem import xwing_decapsulate, xwing_public
from plain_ristretto import cpace_generator, cpace_key, cpace_share
from tap import is_, ok


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
    put = next(item(f"room.{i}.payload") for i in range(99) if decode(EX.get(f"room.{i}.payload", b"\x81\x00"))[0] == 16)
    path, size, mode, mtime, sha, manifest = put[3]
    is_((path, size, mode, mtime), ([b"drafts", b"hello.txt"], 11, 0o644, [1760000000, 500000000]), "a file")
    is_(sha, sha256(b"hello world"), "a file's SHA-256")
    ok(manifest[0] == 0 and all(check_chunk(chunk) for chunk in manifest[1]), "a manifest")
    is_(sum(chunk[1] for chunk in manifest[1]), size, "lengths add up")
    is_(manifest[1][0][0], sha, "a chunk's SHA-256")


def forgetting(room):
    """§7.2 and §10.1: which entries a done forget takes, and how the others open without any secret of before its cut."""
    name, ranges, cut = next(body[1:] for header, body, _ in room.entries if header[7] == 0 and body[0] == 15)
    ok(any(header[7] == 4 and body == [3, name] for header, body, _ in room.entries), "the forget is done")
    protected = {body[1] for header, body, _ in room.entries if header[7] == 1}
    gone = {index for begin, end in ranges for index in range(begin, end)} - protected
    sealed = [index for index, (header, _, _) in enumerate(room.entries) if header[7] in (2, 3) and header[8] < cut]
    kind, write_id, keys, seeds = item("payload.keys")
    is_((kind, write_id, seeds), (21, b"!" * 16, []), "keys")
    is_([index for index, _ in keys], [index for index in sealed if index not in gone], "of each entry that stays")
    ok(gone and gone < set(sealed), "and of none that goes")
    left = [decode(open_body(key, room.entries[index][0], room.entries[index][2])) for index, key in keys]
    is_([payload[0] for payload in left], [2, 2, 2, 1, 19], "by which three messages, a name and the chunking secret open")
    kind, write_id, keys, ((epoch, seed),) = item("payload.own_keys")
    is_((kind, write_id, keys, epoch), (21, b"!" * 16, [], 0), "keys in a person's own room")
    is_(H("kem-key", xwing_public(seed)), item("ana.genesis.body")[7], "give the KEM seed of its epoch")


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
