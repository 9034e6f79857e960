"""Privity's formats as FORMAT.md gives them: what an independent reader needs, with Python's standard library alone."""

import base64
import hashlib
import hmac
import re
import struct

from plain_cbor import check, decode, encode, first
from plain_crypto import ed25519_verify, xchacha_open
from plain_kem import xwing_decapsulate, xwing_public

ZERO = bytes(32)


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- §1

def labelled(what, *parts):
    return encode("privity/1/" + what) + b"".join(encode(part) for part in parts)


def H(what, *parts):
    return sha256(labelled(what, *parts))


def extract(secret):
    return hmac.digest(ZERO, secret, "sha256")


def HKDF(secret, what, *parts):
    return hmac.digest(extract(secret), labelled(what, *parts) + b"\x01", "sha256")


def signed(key, signature, what, *parts):
    return ed25519_verify(key, labelled(what, *parts), signature)


def unseal(key, sealed, nonce=bytes(24), ad=b""):
    return xchacha_open(key, nonce, ad, sealed)


# ---- §5, wraps

def unwrap(seed, wrap, room, epoch, secret_hash, recipient):
    """S out of a wrap, by the recipient's KEM seed (§5)."""
    kem_hash = H("kem-key", xwing_public(seed))
    key = HKDF(xwing_decapsulate(seed, wrap[:1120]), "wrap", room, epoch, secret_hash, recipient, kem_hash)
    return unseal(key, wrap[1120:])


def epoch_kem_seed(secret):
    return HKDF(secret, "epoch-kem")


# ---- §2

def device_id(device):
    check(len(device) == 3 and device[0] == 1, "device")
    return H("device", device)


def cert_holds(cert, signer_key, person, nonce):
    device, paper, signer, sig, consent = cert
    parts = (person, nonce, device, paper, signer)
    return signed(signer_key, sig, "certificate", *parts) and signed(device[1], consent, "certificate", *parts)


def record_devices(record):
    """A record's devices by id; checks everything that makes it verify."""
    entry_bytes, body_bytes, certs = record
    header, sig = decode(entry_bytes)
    body = decode(body_bytes)
    check(body[0] == 0 and body[2] == 0 and header[1] == ZERO and header[3] == 1, "a person room's genesis")
    check(header[10] == H("body", body_bytes), "body hash")
    founders = body[9]
    first_id, first_key = device_id(founders[0][0]), founders[0][0][1]
    check(header[2] == first_id and signed(first_key, sig, "entry", header), "genesis signature")
    check(founders[0][2] == first_id and founders[0][3] == founders[0][4], "the first device signs for itself")
    check((founders[0][1], founders[1][1]) == (False, True), "one paper device")
    for cert in founders:
        check(cert[2] == first_id and cert_holds(cert, first_key, ZERO, body[1]), "founder's certificate")
    devices = {device_id(cert[0]): cert[0][1] for cert in founders}
    for cert in certs:
        check(cert[2] in devices and cert_holds(cert, devices[cert[2]], H("room", entry_bytes), b""), "certificate")
        devices[device_id(cert[0])] = cert[0][1]
    return devices


# ---- §8's tree

def leaf_hash(data):
    return sha256(b"\x00" + data)


def node(left, right):
    return sha256(b"\x01" + left + right)


def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def root_by_inclusion(leaf, index, size, proof):
    """RFC 9162 §2.1.3.2; None where the proof has a wrong length."""
    fn, sn, result = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            result = node(step, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node(result, step)
        fn, sn = fn >> 1, sn >> 1
    return result if sn == 0 else None


def consistent(old_size, new_size, proof, old_root, new_root):
    """RFC 9162 §2.1.4.2 for 0 < old_size < new_size."""
    if old_size & old_size - 1 == 0:
        proof = [old_root] + proof
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for step in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(step, fr), node(step, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


# ---- §4

def padme(length):
    if length <= 1:
        return length
    e = length.bit_length() - 1
    step = 1 << e - e.bit_length()
    return (length + step - 1) // step * step


def open_body(key, header, body):
    """The payload of a sealed body, as encoded, by its K."""
    check(H("commit", key) == header[11], "commit")
    padded = unseal(key, body[24:], body[:24], labelled("body-ad", header[:10]))
    check(padded is not None, "a sealed body")
    _, rest = first(padded)
    size = len(padded) - len(rest)
    check(not any(rest) and len(padded) == padme(size), "padding")
    return padded[:size]


def entry_key(secret, header, body):
    """K, by its epoch's secret."""
    return HKDF(secret, "entry", header[1], header[8], header[2], header[3], body[:24])


# ---- §5, parties

def party_devices(party):
    record, devices, _, _ = party
    known = record_devices(record)
    check(all(device in known for device in devices), "listed devices are the record's")
    return {device: known[device] for device in devices}, H("room", record[0])


def read_note(note, name, room, log_key):
    """Size, root and time of a checkpoint whose two signatures hold (§8)."""
    text, signatures = note.split("\n\n")
    text += "\n"
    origin, size, root = text.splitlines()
    check(origin == f"{name}/room/{room.hex()}", "origin")
    plain, cosigned = signatures.splitlines()
    prefix = f"\N{EM DASH} {origin} "
    check(plain.startswith(prefix) and cosigned.startswith(prefix), "signature lines")
    plain, cosigned = (base64.b64decode(line.removeprefix(prefix), validate=True) for line in (plain, cosigned))
    key_id = lambda kind: sha256(origin.encode() + b"\n" + kind + log_key)[:4]
    check(plain[:4] == key_id(b"\x01") and cosigned[:4] == key_id(b"\x04"), "key ids")
    time, = struct.unpack(">Q", cosigned[4:12])
    check(ed25519_verify(log_key, text.encode(), plain[4:]), "note signature")
    check(ed25519_verify(log_key, f"cosignature/v1\ntime {time}\n{text}".encode(), cosigned[12:]), "cosignature")
    return int(size), base64.b64decode(root, validate=True), time


# ---- §9

def link_parts(text):
    """URL and parts of an invite link."""
    url, _, fragment = text.partition("/i#")
    data = base64.b64decode(fragment + "=" * (-len(fragment) % 4), altchars=b"-_", validate=True)
    check(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == fragment, "a link: no unused bits")
    link, checksum = first(data)
    check(checksum == H("link-check", url, data[:-4])[:4], "a link: checksum")
    return url, link


def follow(found, room, founder, device_key, leaves, secrets, person, seeds):
    """The link into a room's successor for a person, or None: FORMAT.md §9.2's checks, in their order. Who is an owner the
    caller knows: `founder`, one's person id, with the key of the device that signed; `seeds` by KEM hash."""
    succession, _, signature = found
    version, ended, successor, (size, root), epoch, sealed = succession
    check(version == 1 and ended == room, "a succession of this room")
    check(signed(device_key, signature, "succession", succession), "a succession's signature")
    check(size > len(leaves) or tree_root(leaves[:size]) == root, "a succession's head")
    content = unseal(HKDF(secrets[epoch], "succession", ended, successor), sealed[24:], sealed[:24])
    check(content is not None, "a succession opens")
    link, places = decode(content)
    for whose, kem_hash, kem_ct, sealed_link in places:
        if whose == person:
            shared = xwing_decapsulate(seeds[kem_hash], kem_ct)
            link = unseal(HKDF(shared, "succession-place", ended, successor, person, kem_hash), sealed_link)
            check(link is not None, "a place opens")
            break
    if link is None:
        return None
    parts = link_parts(link.decode())[1]
    check(parts[3] == successor and parts[4] == founder, "a link of the founder's into the successor")
    return link.decode()


# ---- §11.2

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def safety_number(one, other):
    """What two persons compare."""
    ids = sorted((one, other))
    halves = [H("safety-number", i, *ids) for i in (0, 1)]
    return " ".join(f"{int.from_bytes(half[5 * g:5 * g + 5], 'big') % 100000:05}" for half in halves for g in range(6))


def kit_secret(code):
    """The secret of a recovery kit's code."""
    bits = ""
    for number, group in enumerate(re.split(r"[\s-]+", code.strip())):
        *data, digit = [DIGITS.index(c) for c in group]
        c = number
        for d in data:
            c = (c ^ d) << 1
            c ^= 37 if c > 31 else 0
        check(c == digit, f"checksum of group {number + 1}")
        bits += "".join(f"{d:05b}" for d in data)
    secret = int(bits[:256], 2).to_bytes(32, "big")
    check(bits[256:] == f"{int.from_bytes(H('kit-check', secret), 'big'):0256b}"[:19], "19 bits of its hash")
    return secret

