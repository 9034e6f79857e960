"""Random room logs as the model of the roster's rules judges them, in the lines that roster_replay plays.

What the model leaves open (`until`, the cut, limits on a stranger's signs, order among paper devices of one entry) is
added here, from docs/FORMAT.md."""
import collections
import random

import fold
import rules

FLAGS = rules.fixed()
PERSONS = "0123"
DEVICES = [f"{p}.{d}" for p in PERSONS for d in range(6)]
SIGNER = {2: 0, 3: 2, 4: 0, 5: 3}  # of certificates, within a person
ROLE = {fold.V: 0, fold.E: 1, fold.O: 2}
LETTER = {number: letter for letter, number in ROLE.items()}
STANCE = {"accept": 0, "decline": 1, "withdraw": 2}
REASON = {
    "join key": "join_key", "device in use": "device_in_use", "present": "device_in_use", "not a member": "not_member",
    "foreign device": "foreign_device", "stale epoch": "stale_epoch", "no hold": "no_hold", "not yours": "not_yours",
    "no target": "no_target", "no change": "no_change", "last owner": "last_owner", "no effect": "no_effect",
    "reused secret": "reused_secret", "no forget": "no_forget", "A-key": "a_key", "consent": "certificate",
}


def is_paper(device):
    return device[2] in "14"


def is_first_paper(device):
    return device[2] == "1"


def number(device):
    return int(device[2])


class Log:
    """One room as the model sees it, with what the model leaves out."""

    def __init__(self, rng, person_room):
        self.rng, self.person_room = rng, person_room
        self.lines, self.want, self.counts = [], [], collections.Counter()
        self.state, self.index = fold.State(), 0
        self.until, self.member_until, self.signs_of, self.uses_of, self.cut = {}, {}, collections.Counter(), {}, 0
        self.kept, self.gone_indexes, self.strong = set(), set(), set()
        self.listed = {f"0.{d}" for d in range(2 if person_room else 6)}
        self.fresh = 1
        devices = [("0.0", False), ("0.1", True)]
        body = ("genesis", "person" if person_room else "shared", "0", devices, 0, 0, 0)
        verdict, self.state = fold.apply(FLAGS, self.state, 0, "0.0", 0, 0, 0, body)
        assert verdict == "ok"
        self.rank_papers(self.state, ["0.1"])
        self.history = [self.state]
        self.lines.append("room " + ("person" if person_room else "client"))
        self.finish("accepted")

    # ---- bookkeeping

    def new(self):
        self.fresh += 1
        return self.fresh

    def rank_papers(self, state, devices):
        """Order among paper devices: the first before all, then by index, then by place in the record."""
        for d in devices:
            if is_paper(d):
                rank = -1 if is_first_paper(d) else self.index + number(d) / 64
                state.D[d] = state.D[d]._replace(idx=rank)

    def device_index(self, d):
        device = self.state.D[d]
        return int(device.idx) if device.idx >= 0 else self.state.P[device.pid].jidx if not self.person_room else 0

    def finish(self, verdict):
        self.want.append(f"{verdict} | {self.text()}")
        if verdict != "impossible":
            self.index += 1
            self.history.append(self.state)

    def text(self):
        s = self.state
        kem = lambda k: k[1] if isinstance(k, tuple) else k
        dash = lambda x: "-" if x is None else x
        members = [f"{p}:{ROLE[v.role]}:{dash(v.since)}:{v.jidx}:{dash(v.via)}:{v.kemno}:{kem(v.kem)}:{v.kemby}"
                   for p, v in s.P.items()]
        devices = [f"{d}:{v.pid}:{self.device_index(d)}:{dash(v.by)}:{int(v.paper)}" for d, v in s.D.items()]
        invites = [f"{i}:{ROLE[v.role]}:{v.uses}:{v.maker}:{int(v.open)}:{int(v.opened)}" for i, v in s.I.items()]
        bars = [f"0:{x}" if self.person_room else f"{x[0]}:{x[1]}" for x in s.gone]
        parts = [f"epoch {s.epoch} due {int(s.due)}"]
        for name, facts in ("members", members), ("devices", devices), ("invites", invites), ("bars", bars):
            parts.append(" ".join([name] + sorted(facts)))
        return " | ".join(parts)

    def put(self, author, epoch, op, words, want, lists=()):
        """An entry and its expected verdict: "ok" with self.state already changed, or a reason."""
        listed = author is None or author in self.listed or author in lists
        if self.rng.random() < .02 and want != "ok" and author is not None and listed:
            op, want = "stale_" + op, "stale_chain"
        self.lines.append(" ".join(str(w) for w in [author or "-", epoch, op, *words]))
        if not listed:
            want = "impossible"
        else:
            self.listed |= set(lists)
        want = "accepted" if want == "ok" else REASON.get(want, want)
        name = op.removeprefix("stale_")
        self.counts[name, want] += 1
        self.finish(want)

    def judge(self, author, epoch, kind, body):
        """The model's verdict and the state that would follow."""
        return fold.apply(FLAGS, self.state, self.index, author, self.index, epoch, kind, body)

    def roster(self, author, epoch, op, body, words, lists=()):
        listed = author in self.listed or author in lists
        want, state = self.judge(author, epoch, 0, body) if listed else ("impossible", self.state)
        if want == "ok":
            self.state = state
        self.put(author, epoch, op, words, want, lists)
        return want == "ok"

    # ---- what may be done

    def author(self):
        """Mostly someone present."""
        if self.rng.random() < .9 and self.state.D:
            return self.rng.choice(sorted(self.state.D))
        return self.rng.choice(DEVICES)

    def owner(self):
        owners = [d for d, v in sorted(self.state.D.items()) if self.state.P[v.pid].role == fold.O]
        return self.rng.choice(owners) if owners and self.rng.random() < .85 else self.author()

    def past(self):
        """The state that the writer saw: mostly the present one."""
        return self.state if self.rng.random() < .75 else self.rng.choice(self.history[-8:])

    def invite(self):
        rng, seen = self.rng, self.past()
        iid = self.new() if rng.random() < .93 or not self.state.I else rng.choice(sorted(self.state.I))
        role, uses = rng.choice([fold.V, fold.E, fold.O]), rng.choice([0, 1, 1, 2, 2, 3, 3])
        doc, until = rng.choice([None, None, 1, 2]), rng.choice([None, None, 10, 20])
        words = [iid, ROLE[role], uses, "-" if doc is None else doc, "-" if until is None else until]
        if self.roster(self.owner(), seen.epoch, "invite", ("invite", iid, role, uses, doc), words):
            self.until[iid], self.uses_of[iid] = until, uses

    def some_invite(self, open_only=.85):
        live = sorted(i for i, v in self.state.I.items() if v.open)
        if live and self.rng.random() < open_only:
            return self.rng.choice(live)
        return self.rng.choice(sorted(self.state.I) or [9999 % 4096])

    def close_invite(self):
        iid = self.some_invite()
        self.roster(self.owner(), self.past().epoch, "close_invite", ("close_invite", iid), [iid])

    def release(self):
        iid = self.some_invite()
        want, self.state = self.judge(None, 0, 4, ("release", iid))
        self.put(None, 0, "release", [iid], want)

    def join(self):
        rng, seen = self.rng, self.past()
        away = [p for p in PERSONS if p not in self.state.P] or list(PERSONS)
        person = rng.choice(away if rng.random() < .93 else list(PERSONS))
        some = [f"{person}.{d}" for d in range(6) if d == 1 or rng.random() < .6]
        if rng.random() < .04:
            some = [d for d in some if not is_first_paper(d)] or some
        usable = [d for d in some if (person, d) not in self.state.gone or is_first_paper(d)]
        devices = usable if rng.random() < .85 else some
        devices = devices or some
        author = rng.choice(devices) if rng.random() < .95 else rng.choice(DEVICES)
        iid, doc = self.some_invite(.9), None
        if iid in self.state.I:
            doc = self.state.I[iid].agr
        if doc is not None and rng.random() < .6:
            self.sign_as_stranger(rng.choice(devices), doc, iid, person)
        good_key, good_record = rng.random() < .96, rng.random() < .96
        kemno, kem = rng.choice([0, 0, 1, 2]), self.new()
        epoch = seen.epoch
        with_signer = [(d, is_paper(d), f"{person}.{SIGNER[number(d)]}" if number(d) > 1 else None) for d in devices]
        body = ("join", iid, person, with_signer, kemno, kem, devices, good_key)
        defect = not good_record or author not in devices or f"{person}.1" not in devices
        lists = {f"{person}.{d}" for d in range(6)}
        words = [iid, person, ",".join(devices), kemno, kem, int(good_key), int(good_record)]
        if author not in self.listed | lists:
            return self.put(author, epoch, "join", words, "impossible", lists)
        if defect:
            want, _ = self.judge(devices[0], epoch, 0, body)
            want = want if want in ("room", "invite", "join key") else "record"
            return self.put(author, epoch, "join", words, want, lists)
        want, state = self.judge(author, epoch, 0, body)
        if want == "ok":
            self.rank_papers(state, devices)
            self.state = state
            self.member_until[person] = self.until[iid]
        return self.put(author, epoch, "join", words, want, lists)

    def some_person(self):
        return self.rng.choice(sorted(p for p in self.state.P if p in PERSONS) or list(PERSONS)) \
            if self.rng.random() < .9 else self.rng.choice(PERSONS)

    def role(self):
        seen, person = self.past(), self.some_person()
        was = seen.P.get(person)
        frm, at = (was.role, was.jidx) if was else (fold.V, 0)
        to = self.rng.choice([fold.V, fold.E, fold.O])
        self.roster(self.owner(), seen.epoch, "role", ("role", person, at, frm, to), [person, at, ROLE[frm], ROLE[to]])

    def remove(self):
        seen, person = self.past(), self.some_person()
        was = seen.P.get(person)
        at = was.jidx if was else 0
        self.roster(self.owner(), seen.epoch, "remove", ("remove", person, at), [person, at])

    def remove_several(self):
        """All of the targets count or none: not in the model, but each of them is."""
        seen, author, targets = self.past(), self.owner(), [self.some_person() for _ in range(self.rng.choice([2, 3]))]
        words = [w for p in targets for w in (p, seen.P[p].jidx if p in seen.P else 0)]
        verdicts = ["impossible"] if author not in self.listed else \
            [self.judge(author, seen.epoch, 0, ("remove", p, words[2 * i + 1]))[0] for i, p in enumerate(targets)]
        want = next((v for v in verdicts if v != "ok"), "ok")
        before_all = ("impossible", "not a member", "room", "role")
        if want not in before_all and len(set(targets)) < len(targets):
            want = "duplicate"
        if want == "ok":
            self.state = self.state.copy()
            for p in targets:
                fold.drop(FLAGS, self.state, p, True)
        self.put(author, seen.epoch, "remove", words, want)

    def leave(self):
        self.roster(self.author(), self.past().epoch, "leave", ("leave",), [])

    def device_add(self):
        rng, author = self.rng, self.author()
        own = [d for d in DEVICES if d[0] == author[0]]
        device, good = rng.choice(own if rng.random() < .85 else DEVICES), rng.random() < .95
        body = ("device_add", device, is_paper(device), good)
        if self.person_room:
            body = ("device_add", device, is_paper(device), good)
        if is_first_paper(device) and device not in self.state.D:
            return  # certified as a mere device by someone else: the model knows no such thing
        listed = author in self.listed or author == device
        want, state = self.judge(author, self.state.epoch, 0, body) if listed else ("impossible", self.state)
        epoch = self.state.epoch if rng.random() < .9 else self.past().epoch
        if listed:
            want, state = self.judge(author, epoch, 0, body)
        if want == "ok":
            self.rank_papers(state, [device])
            if is_paper(device):
                state.D[device] = state.D[device]._replace(idx=self.index)
            self.state = state
        self.put(author, epoch, "device_add", [device, int(good)], want, {device})

    def device_remove(self):
        rng, author = self.rng, self.author()
        own = [d for d in DEVICES if d[0] == author[0]]
        named = sorted({rng.choice(own if rng.random() < .92 else DEVICES) for _ in range(rng.choice([1, 1, 2, 3]))})
        present = self.state.D.get(author)
        for d in named:  # bars on absent paper devices are beyond the model
            if d not in self.state.D and is_paper(d) and (is_first_paper(d) or not (present and present.paper)):
                return
        since = rng.choice([0, 0, self.index, rng.randrange(self.index)])
        kemno, kem = (rng.choice([0, 1, 2, 3]), self.new()) if rng.random() < .5 else (0, None)
        body = ("device_remove", tuple(named), since, kemno, kem)
        epoch, before = self.past().epoch, self.state
        want, state = self.judge(author, epoch, 0, body) if author in self.listed else ("impossible", self.state)
        me, paper = before.pid(author), bool(present and present.paper)
        bar = lambda d: fold.bar(FLAGS, before, me, d)
        # The model knows one strength of bars: here a paper device makes a weak one hold against paper devices.
        may_be_paper = lambda d: d not in before.owner_of or is_paper(d)
        if want == "no effect" and paper and any(bar(d) not in self.strong and may_be_paper(d) for d in named):
            want, state = "ok", before.copy()
            state.due = True
            fold.close_of(FLAGS, state, me, True)
        if want == "ok":
            self.state = state
            swept = fold.cascade(FLAGS, before, named, since, me)
            through = {d for d in swept if d in fold.cascade(FLAGS, before, set(named) - {d}, since, me)}
            self.strong |= {bar(d) for d in swept if paper or d in through}
        self.put(author, epoch, "device_remove", [",".join(named), since, kemno, "-" if kem is None else kem], want)

    def rekey(self):
        rng, seen = self.rng, self.past()
        author = self.author()
        epoch = seen.epoch + 1 if rng.random() < .95 else seen.epoch + 2
        secret = self.new() if rng.random() < .95 else rng.choice(seen.hS)
        base = rng.choice([None, seen.epoch, max(0, epoch - 1), 0])
        to = seen.recipients(FLAGS)
        words = [epoch, secret, "-" if base is None else base]
        for kind, name, kem in sorted(to, key=repr):
            words.append(f"i:{name}" if kind == "i" else f"p:{name}" if isinstance(kem, tuple) else f"p:{name}:{kem}")
        want, state = self.judge(author, seen.epoch, 0, ("rekey", epoch, secret, to, base)) \
            if author in self.listed else ("impossible", self.state)
        if want not in ("impossible", "not a member", "epoch") and base is not None and base < self.cut:
            want = "link"
        if want == "ok":
            self.state = state
        self.put(author, seen.epoch, "rekey", words, want)

    def bad_wrap(self):
        epoch = self.past().epoch
        self.roster(self.author(), epoch, "bad_wrap", ("bad_wrap", epoch), [epoch])

    def policy(self):
        old, new = self.past().pol, self.new()
        self.roster(self.owner(), 0, "policy", ("policy", old, new), [old, new])

    def server(self):
        old, new = self.past().srv, self.new()
        self.roster(self.owner(), 0, "server", ("server", old, new), [old, new])

    def some_range(self):
        start = self.rng.randrange(1, self.index + 6)
        return list(range(start, start + self.rng.choice([1, 2, 4])))

    def hold(self):
        hid = self.new() if self.rng.random() < .9 or not self.state.holds else self.rng.choice(sorted(self.state.holds))
        at = self.some_range()
        self.roster(self.author(), 0, "hold", ("hold", hid, frozenset(at)), [hid, *at])

    def lift(self):
        hid = self.rng.choice(sorted(self.state.holds) or [4000])
        whose = self.state.holds.get(hid)
        author = self.author()
        if whose and self.rng.random() < .6:
            author = self.rng.choice([d for d in DEVICES if self.state.owner_of.get(d) == whose[0]])
        self.roster(author, 0, "lift", ("lift", hid), [hid])

    def forget(self):
        fid = self.new() if self.rng.random() < .9 or not self.state.forgets \
            else self.rng.choice(sorted(self.state.forgets))
        at, cut = self.some_range(), self.rng.choice([0, 0, self.state.epoch, self.state.epoch + 1])
        author = self.owner()
        want, state = self.judge(author, 0, 0, ("forget", fid, frozenset(at))) \
            if author in self.listed else ("impossible", self.state)
        if want == "ok" and cut > self.state.epoch:
            want = "epoch"
        if want == "ok":
            self.state, self.cut = state, max(cut, self.cut)
        self.put(author, 0, "forget", [fid, cut, *at], want)

    def deleted(self):
        fid = self.rng.choice(sorted(self.state.forgets) or [4000])
        want, state = self.judge(None, 0, 4, ("deleted", fid))
        if want == "ok":
            self.gone_indexes |= set(state.forgets[fid][0])
            self.state = state
        self.put(None, 0, "deleted", [fid], want)

    def expired(self):
        """Not in the model: a closing or a removal by time."""
        rng, time, state = self.rng, self.rng.choice([5, 15, 25]), self.state.copy()
        if rng.random() < .5:
            iid = self.some_invite()
            v = state.I.get(iid)
            good = v is not None and v.open and self.until[iid] is not None and self.until[iid] <= time
            if good:
                fold.close(FLAGS, state, iid)
            words = [time, "i", iid]
        else:
            person = self.some_person()
            was = self.past().P.get(person)
            at, now = was.jidx if was else 0, state.P.get(person)
            until = self.member_until.get(person)
            good = now is not None and now.jidx == at and until is not None and until <= time
            if good and now.role == fold.O and len(state.owners()) == 1:
                good = False
            if good:
                fold.drop(FLAGS, state, person, True)
            words = [time, "m", person, at]
        if good:
            self.state = state
        self.put(None, 0, "expired", words, "ok" if good else "until")

    def sign_as_stranger(self, author, doc, iid, person, stance="accept", good_record=True, good_key=True, index=0):
        lists = {f"{person}.{d}" for d in range(6)}
        words = [doc, STANCE[stance], index, iid, person, int(good_record), int(good_key)]
        if author not in self.listed | lists:
            return self.put(author, 0, "sign", words, "impossible", lists)
        rec_ok = good_record and author[0] == person
        body = (None, doc, stance, iid, person, rec_ok, good_key)
        want, state = self.judge(author, 0, 1, body)
        member = self.state.pid(author) is not None
        by_invite = not member and not (stance != "accept" and (author, doc) in self.state.signs)
        if by_invite and want in ("ok", "A-key"):
            if self.state.I[iid].agr != doc:
                want = "invite"
            elif want == "ok" and self.signs_of[iid] >= 4 * self.uses_of[iid]:
                want = "limit"
        self.finish_sign(author, words, want, state, doc, index, lists, iid if by_invite else None)
        return None

    def finish_sign(self, author, words, want, state, doc, index, lists, iid):
        if want == "ok" and (index >= self.index or index in self.gone_indexes - self.kept):
            want = "index"
        if want == "ok":
            if iid is not None or self.state.pid(author) is not None:
                self.kept.add(index)  # who only takes back protects nothing
            self.state = state
            self.signs_of[iid] += 1
        self.put(author, 0, "sign", words, want, lists)

    def sign(self):
        rng, doc = self.rng, self.rng.choice([1, 2])
        stance = rng.choice(["accept", "accept", "decline", "withdraw"])
        index = rng.choice([0, rng.randrange(self.index), rng.randrange(self.index), self.index])
        if rng.random() < .75:
            device = rng.choice(DEVICES)
            iid, person = self.some_invite(), device[0] if rng.random() < .93 else rng.choice(PERSONS)
            if iid in self.state.I and self.state.I[iid].agr is not None and rng.random() < .8:
                doc = self.state.I[iid].agr
            repeat = rng.choice([1, 1, 1, 5, 13])
            for _ in range(repeat):
                self.sign_as_stranger(device, doc, iid, person, stance, rng.random() < .95, rng.random() < .8, index)
            return
        author = self.author()
        words = [doc, STANCE[stance], index, "-"]
        if author not in self.listed:
            return self.put(author, 0, "sign", words, "impossible")
        if self.state.pid(author) is None:
            return self.put(author, 0, "sign", words, "not a member")
        want, state = self.judge(author, 0, 1, (None, doc, stance, None, None, True, True))
        return self.finish_sign(author, words, want, state, doc, index, (), None)

    def sealed(self, op, kind):
        author, epoch = self.author(), self.past().epoch
        want = self.judge(author, epoch, kind, None)[0] if author in self.listed else "impossible"
        self.put(author, epoch, op, [], want)

    def talk(self):
        self.sealed("talk", 2)

    def work(self):
        self.sealed("work", 3)

    def genesis(self):
        self.put("0.0", 0, "genesis", [], "genesis", {f"0.{d}" for d in range(6)})

    # ---- a whole log

    def admit(self, person):
        """Straight in, so that logs do not begin in an empty room."""
        rng, iid = self.rng, self.new()
        role, uses, until = rng.choice([fold.V, fold.E, fold.O, fold.O]), rng.choice([1, 2, 3]), rng.choice([None, 10])
        if self.roster("0.0", self.state.epoch, "invite", ("invite", iid, role, uses, None),
                       [iid, ROLE[role], uses, "-", "-" if until is None else until]):
            self.until[iid], self.uses_of[iid] = until, uses
        devices = [f"{person}.{d}" for d in range(6) if d == 1 or rng.random() < .5]
        body = ("join", iid, person,
                [(d, is_paper(d), f"{person}.{SIGNER[number(d)]}" if number(d) > 1 else None) for d in devices],
                0, self.new(), devices, True)
        want, state = self.judge(devices[0], self.state.epoch, 0, body)
        assert want == "ok"
        self.rank_papers(state, devices)
        self.state, self.member_until[person] = state, until
        self.put(devices[0], self.history[-1].epoch, "join", [iid, person, ",".join(devices), 0, body[5], 1, 1], want,
                 {f"{person}.{d}" for d in range(6)})
        if self.state.due:
            self.rekey_now()

    def rekey_now(self):
        keep, self.past, self.author = (self.past, self.author), lambda: self.state, lambda: "0.0"
        rng, self.rng = self.rng, random.Random(3)
        self.rekey()
        self.rng = rng
        self.past, self.author = keep


CLIENT = dict(invite=10, close_invite=3, release=4, join=14, role=8, remove=6, remove_several=3, leave=3, device_add=8, device_remove=8,
              rekey=16, bad_wrap=3, policy=2, server=2, hold=3, lift=3, forget=4, deleted=3, expired=5, sign=8, talk=4,
              work=4, genesis=1)
PERSON = dict(device_add=30, device_remove=14, rekey=20, bad_wrap=4, policy=3, server=3, hold=4, lift=4, forget=4,
              deleted=3, invite=2, close_invite=2, role=1, remove=2, leave=2, join=2, release=1, expired=1, sign=3, talk=4,
              work=4, genesis=1)


def make(seed, steps):
    rng = random.Random(seed)
    log = Log(rng, person_room=seed % 5 == 0)
    weights = PERSON if log.person_room else CLIENT
    if not log.person_room and rng.random() < .7:
        for person in rng.sample("123", rng.randint(1, 3)):
            log.admit(person)
    while len(log.want) < steps:
        getattr(log, rng.choices(list(weights), list(weights.values()))[0])()
        if not log.person_room and not log.state.P:
            break  # everyone has left
    return log
