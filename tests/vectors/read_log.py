"""FORMAT.md §3 to §8 by their examples: a room's log entry by entry, its tree, evidence about it."""

import base64

from examples import EX, ex, item
from plain_cbor import check, decode, encode, first
from plain_crypto import ed25519_public
from plain_format import (H, HKDF, ZERO, cert_holds, consistent, device_id, entry_key, epoch_kem_seed, leaf_hash,
                          open_body, party_devices, read_note, record_devices, root_by_inclusion, sha256, signed,
                          tree_root, unseal, unwrap)
from plain_kem import xwing_public
from tap import is_, ok


# ---- §3 to §6: the room's log

class Room:
    """What a reader learns on its way through the log."""

    def __init__(self):
        self.keys = {}      # author: public key
        self.heads = {}     # author: n, leaf
        self.leaves = []
        self.entries = []   # header, clear body or None, body as bytes
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
    key = entry_key(room.secrets[header[8]], header, body)
    is_(key, ex(f"room.{index}.key"), f"room.{index}: K")
    payload = open_body(key, header, body)
    is_(payload, ex(f"room.{index}.payload"), f"room.{index}: payload")
    ok(len(decode(payload)[1]) == 16, f"room.{index}: write id")


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
    room.entries.append((header, decode(body_bytes) if header[7] in (0, 1, 4) else None, body_bytes))
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
