"""FORMAT.md §1 and §2 by their examples: encoding, labelled functions, devices, certificates, records."""

from examples import ex, item
from plain_cbor import Bad, decode, encode, first
from plain_crypto import ed25519_public
from plain_format import (H, HKDF, ZERO, device_id, epoch_kem_seed, extract, leaf_hash, record_devices, signed,
                          tree_root, unseal, unwrap)
from plain_kem import xwing_public
from tap import is_, ok


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
