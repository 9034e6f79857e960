#!/usr/bin/env python3
"""The logs that simulated worlds leave behind, read here by a reader of its own and judged by the model of the roster's
rules: the same verdict and the same state after every entry.

PRIVITY_MODEL names the model's folder, ../shared/model is the default. PRIVITY_SEEDS and PRIVITY_SEED choose the worlds.
What the model leaves open (heads, `expired`, several memberships in one removal) is added here, from docs/FORMAT.md."""
import collections
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "lib"), os.path.join(ROOT, "tests", "vectors")]
import tap

MODEL = os.environ.get("PRIVITY_MODEL", os.path.join(ROOT, "..", "shared", "model"))
SIMULATE = "build/native/tests/simulation/simulate"
if not os.path.exists(os.path.join(MODEL, "fold.py")):
    tap.skip_all("the model is not here (PRIVITY_MODEL)")
if not os.path.exists(SIMULATE):
    tap.skip_all(f"{SIMULATE} is not built")
sys.path.insert(0, MODEL)
import fold
import rules
from plain_cbor import decode
from plain_format import H, ZERO, device_id, leaf_hash

FLAGS = rules.fixed()
POLICY, EXPIRED = 11, 2  # what is said of a room as a whole, holds and forgetting come from there on; so does `deleted`
LETTER = {0: fold.V, 1: fold.E, 2: fold.O}
NUMBER = {letter: number for number, letter in LETTER.items()}
REASON = {  # the model's words; None: FORMAT.md's are the same
    "join key": "join_key", "device in use": "device_in_use", "present": "device_in_use", "not a member": "not_member",
    "foreign device": "foreign_device", "stale epoch": "stale_epoch", "no target": "no_target", "no change": "no_change",
    "last owner": "last_owner", "no effect": "no_effect", "reused secret": "reused_secret", "consent": "certificate",
}


def listed_with(party):
    """(device, paper, signer of its certificate) of those that enter a room; the record's first two count as nobody's."""
    record, devices, _, _ = party
    founders = decode(record[1])[9]
    known = {device_id(cert[0]): (cert[1], None) for cert in founders}
    known.update({device_id(cert[0]): (cert[1], cert[2]) for cert in record[2]})
    return [(device, *known[device]) for device in devices], H("room", record[0])


class Log:
    def __init__(self, name):
        self.name, self.state, self.heads, self.index = name, fold.State(), {}, 0
        self.invite_kem, self.until, self.member_until, self.joined_until = {}, {}, {}, {}

    def recipients(self):
        s, person_room = self.state, self.state.room == "person"
        named = [(p, self.device_kem[p] if person_room else v.kem) for p, v in s.P.items()]
        named += [(i, self.invite_kem[i]) for i, v in s.I.items() if v.open]
        return H("recipients", [[name, kem] for name, kem in sorted(named)])

    def body(self, author, raw):
        """What the fold wants to know, from the clear bytes; and whatever else has to happen if it is accepted."""
        s, kind = self.state, raw[0]
        if kind == 0:
            if raw[2] == 0:
                devices = [(device_id(cert[0]), cert[1]) for cert in raw[9]]
                self.device_kem = {device_id(cert[0]): cert[0][2] for cert in raw[9]}
                return ("genesis", "person", None, devices, 0, None, raw[6]), None
            with_signer, person = listed_with(raw[9])
            def later(state, with_signer=with_signer):
                for device, _, by in with_signer:
                    state.D[device] = state.D[device]._replace(by=by)
                state.adds += tuple((0, by, device) for device, _, by in with_signer if by)
            return ("genesis", "shared", person, [(d, p) for d, p, _ in with_signer], raw[9][2], raw[9][3], raw[6]), later
        if kind == 1:
            self.invite_kem[raw[1]], self.until[raw[1]], self.member_until[raw[1]] = raw[8], raw[4], raw[10]
            return ("invite", raw[1], LETTER[raw[2]], raw[3], raw[5]), None
        if kind == 2:
            return ("close_invite", raw[1]), None
        if kind == 3:
            with_signer, person = listed_with(raw[2])
            self.joined_until[person] = self.member_until.get(raw[1])
            return ("join", raw[1], person, with_signer, raw[2][2], raw[2][3], [d for d, _, _ in with_signer], True), None
        if kind == 4:
            return ("role", raw[1], raw[2], LETTER[raw[3]], LETTER[raw[4]]), None
        if kind == 6:
            return ("leave",), None
        if kind == 7:
            cert = raw[1][-1]
            device = device_id(cert[0])
            if s.room == "person":
                self.device_kem[device] = cert[0][2]
            return ("device_add", device, cert[1], True), None
        if kind == 8:
            epoch, kem = raw[3] or (0, None)
            return ("device_remove", tuple(raw[1]), raw[2], epoch, kem), None
        if kind == 9:
            to = s.recipients(FLAGS) if raw[4] == self.recipients() else None
            base = max((link[0] for link in raw[6]), default=None)
            return ("rekey", raw[1], raw[2], to, base), None
        if kind == 10:
            return ("bad_wrap", raw[1]), None
        raise ValueError(f"type {kind}")

    def judge_roster(self, author, epoch, raw):
        if raw[0] == 5:  # one after the other: all count or none
            state = self.state
            for person, joined in raw[1]:
                want, state = fold.apply(FLAGS, state, self.index, author, self.index, epoch, 0, ("remove", person, joined))
                if want != "ok":
                    return want, self.state
            return "ok", state
        body, later = self.body(author, raw)
        want, state = fold.apply(FLAGS, self.state, self.index, author, self.index, epoch, 0, body)
        if want == "ok" and later:
            later(state)
        return want, state

    def judge_server(self, raw):
        if raw[0] == 0:
            return fold.apply(FLAGS, self.state, self.index, None, self.index, 0, 4, ("release", raw[1]))
        state = self.state.copy()
        if isinstance(raw[2], bytes):
            invite, until = state.I.get(raw[2]), self.until.get(raw[2])
            if not invite or not invite.open or until is None or until > raw[1]:
                return "until", self.state
            fold.close(FLAGS, state, raw[2])
        else:
            person, joined = raw[2]
            member, until = state.P.get(person), self.joined_until.get(person)
            last = member and member.role == fold.O and len(state.owners()) == 1
            if not member or member.jidx != joined or until is None or until > raw[1] or last:
                return "until", self.state
            fold.drop(FLAGS, state, person, True)
        return "ok", state

    def take(self, entry_bytes, body_bytes):
        """Verdict and state after the next entry."""
        header, _ = decode(entry_bytes)
        author, n, prev, kind, epoch = header[2], header[3], header[4], header[7], header[8]
        head_n, head = self.heads.get(author, (0, ZERO))
        if n <= head_n or prev != head:
            want = "stale_chain"
        else:
            raw = decode(body_bytes) if kind in (0, 4) else None
            if kind == 0 and raw[0] >= POLICY or kind == 4 and raw[0] > EXPIRED:
                want = None  # the model leaves these out, and they change nothing that it has
            elif kind == 0:
                want, self.state = self.judge_roster(author, epoch, raw)
            elif kind == 4:
                want, self.state = self.judge_server(raw)
            else:
                want, self.state = fold.apply(FLAGS, self.state, self.index, author, self.index, epoch, kind, None)
            self.heads[author] = (n, leaf_hash(entry_bytes))
        self.index += 1
        return want and ("accepted" if want == "ok" else REASON.get(want, want)), self.text()

    def text(self):
        s = self.state
        kem = lambda name, v: self.device_kem[name] if s.room == "person" else v.kem
        members = [f"{p.hex()}:{NUMBER[v.role]}:{v.jidx}:{kem(p, v).hex()}" for p, v in s.P.items()]
        invites = [f"{i.hex()}:{v.uses}:{int(v.open)}:{int(v.opened)}" for i, v in s.I.items()]
        parts = [f"epoch {s.epoch} due {int(s.due)}"]
        for name, facts in ("members", members), ("devices", [d.hex() for d in s.D]), ("invites", invites):
            parts.append(" ".join([name] + sorted(facts)))
        return " | ".join(parts)


def same(got, want):
    """The C side lists by id, which is the order of the text too, up to the colon."""
    return [sorted(part.split()) for part in got.split(" | ")] == [sorted(part.split()) for part in want.split(" | ")]


seeds, first = os.environ.get("PRIVITY_SEEDS", "60"), os.environ.get("PRIVITY_SEED", "1")
run = subprocess.run([SIMULATE, "--seeds", seeds, "--from", first, "--jobs", "1", "--logs"], capture_output=True, text=True)
log, wrong, entries, logs, met = None, 0, 0, 0, collections.Counter()
for line in run.stdout.splitlines():
    if line.startswith("log "):
        log, logs = Log(line[4:]), logs + 1
    elif log and not line.startswith(("#", "ok", "not ok")):
        front, _, state = line.partition(" | ")
        entry, body, verdict = front.split()
        entries += 1
        want, text = log.take(bytes.fromhex(entry), b"" if body == "-" else bytes.fromhex(body))
        met[want or "left to the code"] += 1
        if want not in (None, verdict) or not same(state, text):
            wrong += 1
            if wrong <= 3:
                tap.note(f"{log.name}, entry {log.index - 1}: want {want}, got {verdict}")
                tap.note(f"  want {text}")
                tap.note(f"  got  {state}")
            log = None  # what follows follows from that
tap.is_(run.returncode, 0, "the worlds are played")
tap.is_(wrong, 0, f"{entries} entries of {logs} logs: the model's verdict and state after each")
tap.ok(entries > 1000 or int(seeds) < 60, "which are many")
tap.note(", ".join(f"{verdict} {count}" for verdict, count in met.most_common()))
tap.done()
