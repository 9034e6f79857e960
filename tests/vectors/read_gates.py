"""FORMAT.md §9 by its examples: gates, releases, links, successions."""

import base64

from examples import ex, item
from plain_cbor import Bad, decode, encode
from plain_crypto import ed25519_public
from plain_format import H, HKDF, ZERO, epoch_kem_seed, follow, link_parts, signed, unseal
from plain_kem import xwing_decapsulate, xwing_public
from tap import is_, ok


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
    found = item("succession.signed")
    is_(found[0][3:5], [[ex("tree.size"), ex("tree.root")], 0], "a succession names the log's head and an epoch")
    seed = epoch_kem_seed(ex("ben.secret"))
    seeds = {H("kem-key", xwing_public(seed)): seed}
    ana, key = ex("ana.person"), room.keys[found[1]]
    for person, name in ((room.ben, "succession.link"), (ZERO, "succession.common_link")):
        is_(follow(found, room.id, ana, key, room.leaves, room.secrets, person, seeds), ex(name).decode(), f"it leads to {name}")
    for leaves, founder, why in ((room.leaves[:3] + [ZERO] + room.leaves[4:], ana, "another history"), (room.leaves, ZERO, "another's link")):
        try:
            follow(found, room.id, founder, key, leaves, room.secrets, room.ben, seeds)
            ok(False, f"it is not followed: {why}")
        except Bad:
            ok(True, f"it is not followed: {why}")


def read_link(room, text):
    url, link = link_parts(text)
    is_(url, "https://rooms.example", "link: URL")
    is_(link[:5], [1, ex("gate.a"), ex("gate.id"), room.id, ex("ana.person")], "link: parts")
    size, root, *signatures = link[5]
    origin = f"{room.name}/room/{room.id.hex()}"
    lines = [origin, str(size), base64.b64encode(root).decode(), ""]
    lines += [f"\u2014 {origin} {base64.b64encode(s).decode()}" for s in signatures]
    is_("\n".join(lines), ex("tree.checkpoint").decode(), "link: checkpoint")
