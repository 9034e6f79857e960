#!/usr/bin/env python3
"""pv-vectors on proofs made here by RFC 6962's own recursion, good and damaged, and on files that are no vectors."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.chdir(ROOT)
sys.path.insert(0, "tests/lib")
from tap import done, is_, ok

NATIVE = ["build/bin/pv-vectors"]
WASM = ["node", "tests/run-wasm.mjs", "build/wasm/tests/vectors/pv_vectors.wasm"]
LEAVES = [hashlib.sha256(b"\0" + bytes([i])).digest() for i in range(20)]
EMPTY = hashlib.sha256(b"").digest()


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(d):
    if len(d) < 2:
        return d[0] if d else EMPTY
    k = split(len(d))
    return hashlib.sha256(b"\1" + root(d[:k]) + root(d[k:])).digest()


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [root(d[k:])] if m < k else path(m - k, d[k:]) + [root(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [root(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], whole) + [root(d[k:])]
    return subproof(m - k, d[k:], False) + [root(d[:k])]


def b64(x):
    return base64.b64encode(x).decode()


def flip(x):
    return bytes([x[0] ^ 16]) + x[1:]


def inclusion(i, n, leaf, proof, top, want_err, desc):
    return {"leafIdx": i, "treeSize": n, "root": b64(top), "leafHash": b64(leaf),
            "proof": [b64(x) for x in proof] or None, "desc": desc, "wantErr": want_err}


def consistency(m, n, old, new, proof, want_err, desc):
    return {"size1": m, "size2": n, "root1": b64(old), "root2": b64(new),
            "proof": [b64(x) for x in proof] or None, "desc": desc, "wantErr": want_err}


def inclusion_cases():
    for n in range(1, 21):
        for i in range(n):
            proof, top, leaf = path(i, LEAVES[:n]), root(LEAVES[:n]), LEAVES[i]
            yield inclusion(i, n, leaf, proof, top, False, f"leaf {i} of {n}")
            for at in range(len(proof)):
                yield inclusion(i, n, leaf, proof[:at] + [flip(proof[at])] + proof[at + 1:], top, True, "flipped")
    proof, top, leaf = path(5, LEAVES[:13]), root(LEAVES[:13]), LEAVES[5]
    for index in (-1, -5, 4, 6, 13, 2**32 + 5, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 1, 2**64, 2**64 + 5, 10**30, 5.0, "5"):
        yield inclusion(index, 13, leaf, proof, top, True, f"index {index}")
    for size in (0, 5, 26, -13, 2**32 + 13, 2**63, 2**64 - 1, 2**64 + 13, -(2**64) + 13, None):
        yield inclusion(5, size, leaf, proof, top, True, f"size {size}")
    for length in (0, 1, 31, 33, 64):
        yield inclusion(5, 13, (leaf * 2)[:length], proof, top, True, "length of leaf")
        yield inclusion(5, 13, leaf, proof, (top * 2)[:length], True, "length of root")
        yield inclusion(5, 13, leaf, proof[:-1] + [(proof[-1] * 2)[:length]], top, True, "length in proof")
        yield inclusion(5, 13, leaf, proof + [(top * 2)[:length]], top, True, "added")
        yield inclusion(0, 1, (leaf * 2)[:length], [], (leaf * 2)[:length], True, "length of both")
    yield inclusion(0, 0, leaf, [], EMPTY, True, "size 0")
    yield inclusion(0, 0, EMPTY, [], EMPTY, True, "size 0")
    yield inclusion(5, 13, leaf, proof * 100, top, True, "a long proof")
    # The lone right end of an unbalanced tree: the size stays within 64 bits, the index is the last.
    yield inclusion(2**64 - 2, 2**64 - 1, leaf, [EMPTY] * 63, top, True, "the largest tree")


def consistency_cases():
    for n in range(1, 21):
        for m in range(1, n + 1):
            proof, old, new = subproof(m, LEAVES[:n], True) if m < n else [], root(LEAVES[:m]), root(LEAVES[:n])
            yield consistency(m, n, old, new, proof, False, f"{m} to {n}")
            yield consistency(m, n, flip(old), new, proof, True, "old root")
            yield consistency(m, n, old, flip(new), proof, True, "new root")
            for at in range(len(proof)):
                yield consistency(m, n, old, new, proof[:at] + [flip(proof[at])] + proof[at + 1:], True, "flipped")
    proof, old, new = subproof(6, LEAVES[:13], True), root(LEAVES[:6]), root(LEAVES[:13])
    for size in (-6, 0, 5, 7, 13, 14, 2**32 + 6, 2**63, 2**64 - 1, 2**64 + 6, -(2**64) + 6, "6", None):
        yield consistency(size, 13, old, new, proof, True, f"old size {size}")
    for size in (-13, 0, 5, 6, 26, 2**32 + 13, 2**63, 2**64 - 1, 2**64 + 13, 13.0, "13", None):
        yield consistency(6, size, old, new, proof, True, f"new size {size}")
    for length in (0, 1, 31, 33, 64):
        yield consistency(6, 13, (old * 2)[:length], new, proof, True, "length of old root")
        yield consistency(6, 13, old, (new * 2)[:length], proof, True, "length of new root")
        yield consistency(6, 13, old, new, [(proof[0] * 2)[:length]] + proof[1:], True, "length in proof")
        yield consistency(4, 13, root(LEAVES[:4])[:length][:31], new, subproof(4, LEAVES[:13], True), True, "whole old")
    yield consistency(6, 13, old, new, [], True, "no proof")
    yield consistency(6, 13, new, old, proof, True, "swapped")
    yield consistency(13, 6, new, old, proof, True, "backwards")
    yield consistency(6, 6, old, old, proof, True, "proof for nothing")
    yield consistency(0, 0, EMPTY, EMPTY, [], False, "empty and empty")
    yield consistency(0, 0, EMPTY, new, [], True, "two roots of size 0")
    yield consistency(0, 0, EMPTY, EMPTY, [EMPTY], True, "proof for size 0")
    yield consistency(0, 5, EMPTY, root(LEAVES[:5]), [], True, "nothing can be proved of the empty tree")
    yield consistency(3, 3, b"any root", b"any root", [], False, "one root is itself, of whatever length")
    yield consistency(3, 3, b"any root", b"another", [], True, "and not another")


def write(folder, cases):
    """Spread over folders, since those are walked."""
    for number, case in enumerate(cases):
        place = folder / str(number % 7) / "deep"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"case {number}.json").write_text(json.dumps(case))


def run(program, *args):
    r = subprocess.run([*program, *args], capture_output=True, text=True, timeout=120)
    return r.returncode, r.stdout.splitlines(), r.stderr


with tempfile.TemporaryDirectory() as scratch:
    scratch = Path(scratch)
    for name, cases in (("merkle-inclusion", list(inclusion_cases())), ("merkle-consistency", list(consistency_cases()))):
        write(scratch / name, cases)
        for where, program in (("natively", NATIVE), ("as wasm", WASM)):
            status, out, err = run(program, name, str(scratch / name))
            is_((status, out, err), (0, ["skipped outside parameters: 0", f"{len(cases)} passed, 0 failed"], ""),
                f"{name}: every case holds {where}")
        # With every wish turned round nothing holds: the outcome is looked at.
        for file in (scratch / name).rglob("*.json"):
            case = json.loads(file.read_text())
            file.write_text(json.dumps({**case, "wantErr": not case["wantErr"]}))
        status, out, _ = run(NATIVE, name, str(scratch / name))
        ok(status == 1 and out[-1] == f"0 passed, {len(cases)} failed" and len(out) == len(cases) + 2,
           f"{name}: turned round, every case fails and is named")

    odd = scratch / "odd"
    odd.mkdir()
    status, out, err = run(NATIVE, "merkle-inclusion", str(odd))
    ok(status == 1 and out[-1] == "0 passed, 0 failed" and "no case" in err, "an empty folder holds no case")
    (odd / "good.json").write_text(json.dumps(inclusion(0, 1, LEAVES[0], [], LEAVES[0], False, "one")))
    (odd / "README.md").write_text("not JSON, and not named so")
    (odd / "other.json").write_text(json.dumps(consistency(1, 1, EMPTY, EMPTY, [], False, "of the other set")))
    (odd / "circle").symlink_to(odd)
    status, out, _ = run(NATIVE, "merkle-inclusion", str(odd))
    is_((status, out), (0, ["skipped outside parameters: 1", "1 passed, 0 failed"]),
        "other files are passed over, those of the other set are counted outside")
    for text, what in (("{", "cut off"), ("", "empty"), ('{"leafIdx": 1,', "cut off later"), ("[" * 100000, "deeply nested"),
                       ('{"a": 1, "a": 2}', "ambiguous"), ("\xff\xfe", "not UTF-8"), ('"', "an open string"),
                       ('{"leafIdx":0,"treeSize":1}', "without its outcome")):
        (odd / "bad.json").write_bytes(text.encode("latin-1"))
        for where, program in (("", NATIVE), (" (wasm)", WASM)):
            status, out, err = run(program, "merkle-inclusion", str(odd))
            ok(status == 1 and out[-1] == "1 passed, 1 failed" and "bad.json" in out[0], f"a file that is {what} fails{where}",
               status, out, err)
    for program in (NATIVE, WASM):
        status, out, err = run(program, "xwing", str(scratch / "absent"))
        ok(status == 1 and out[-1] == "0 passed, 1 failed" and "absent" in err, "so does a folder that is not there")
        is_(run(program, "no-such-set", str(odd))[0], 2, "an unknown set is wrong usage")
        is_(run(program, "xwing")[0], 2, "as is a missing folder")

    other = scratch / "other"
    other.mkdir()
    (other / "x.json").write_text(json.dumps({"algorithm": "AES-CCM", "testGroups": [
        {"type": "AeadTest", "keySize": 256, "ivSize": 96, "tagSize": 128, "tests": [{"tcId": 1}, {"tcId": 2}]}]}))
    (other / "y.json").write_text(json.dumps({"algorithm": "AES-GCM", "testGroups": [
        {"type": "AeadTest", "keySize": 128, "ivSize": 96, "tagSize": 128, "tests": [{"tcId": 1}]},
        {"type": "AeadTest", "keySize": 256, "ivSize": 96, "tagSize": 96, "tests": [{"tcId": 2}]},
        {"type": "AeadTest", "keySize": 256, "ivSize": 96, "tagSize": 128, "tests": [{"tcId": 3, "result": "valid"}]}]}))
    (other / "z.json").write_text("[1, 2]")
    # Text that is none, in a file that is not for us: half pairs, zero bytes, a quote and digits inside.
    (other / "t.json").write_text('{"algorithm": "FF1", "testGroups": [{"tests": [{"msg": "\\ud800x\\udc00\\ud83d\\ude00'
                                  '\\u0000\\"99999999999999999999\\\\"}]}], "n": 99999999999999999999}')
    status, out, _ = run(NATIVE, "wycheproof", str(other))
    ok(status == 1 and out[-2:] == ["skipped outside parameters: 6", "0 passed, 1 failed"] and "tcId 3" in out[0],
       "Wycheproof: other parameters are outside, a case without its values fails", out)
done()
