#!/usr/bin/env python3
"""Random room logs, judged by a model of the roster's rules and by the C code with real signatures: the same verdict and
the same state after every entry.

The model is a file of its own, outside this tree: PRIVITY_MODEL names its folder, ../shared/model is the default.
PRIVITY_SEEDS and PRIVITY_STEPS change the size."""
import collections
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.chdir(ROOT)
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import tap

MODEL = os.environ.get("PRIVITY_MODEL", os.path.join(ROOT, "..", "shared", "model"))
REPLAY = "build/native/tests/property/roster_replay"
if not os.path.exists(os.path.join(MODEL, "fold.py")):
    tap.skip_all("the model is not here (PRIVITY_MODEL)")
if not os.path.exists(REPLAY):
    tap.skip_all(f"{REPLAY} is not built")
sys.dont_write_bytecode = True
sys.path.insert(0, MODEL)
sys.path.insert(0, os.path.join(ROOT, "tests", "property"))
from roster_log import CLIENT, make

SEEDS, STEPS = int(os.environ.get("PRIVITY_SEEDS", 300)), int(os.environ.get("PRIVITY_STEPS", 60))

logs = [make(seed, STEPS) for seed in range(SEEDS)]
played = subprocess.run([REPLAY], input="\n".join(line for log in logs for line in log.lines) + "\n", text=True,
                        capture_output=True)
got = iter(played.stdout.splitlines())
wrong = 0
for seed, log in enumerate(logs):
    for step, want in enumerate(log.want):
        line = next(got, "nothing more: " + played.stderr[-400:])
        if line == want:
            continue
        wrong += 1
        if wrong <= 3:
            tap.note(f"seed {seed}, step {step}: {log.lines[step]}")
            tap.note(f"  before {log.want[step - 1]}")
            tap.note(f"  want   {want}")
            tap.note(f"  got    {line}")
        for _ in log.want[step + 1:]:
            next(got, None)
        break
entries = sum(len(log.want) for log in logs)
tap.is_(wrong, 0, f"{entries} entries of {SEEDS} logs: the model's verdict and state after each")
tap.is_(next(got, None), None, "and nothing else")
tap.is_(played.returncode, 0, "copies and decoded snapshots go on as the roster would")

counts = sum((log.counts for log in logs), collections.Counter())
by_reason, by_type = collections.Counter(), collections.Counter()
for (op, verdict), n in counts.items():
    by_reason[verdict] += n
    by_type[op, verdict == "accepted"] += n
tap.note("verdicts: " + ", ".join(f"{r} {n}" for r, n in by_reason.most_common()))
if SEEDS >= 300 and STEPS >= 60:
    often = ["accepted", "stale_chain", "genesis", "record", "not_member", "room", "role", "duplicate", "uses", "due",
             "stale_epoch", "closed", "invite", "join_key", "member", "device_in_use", "foreign_device", "barred",
             "unsigned", "no_target", "changed", "no_change", "senior", "last_owner", "self", "certificate", "paper",
             "no_effect", "epoch", "reused_secret", "recipients", "link", "bad_wrap", "no_hold", "not_yours", "future",
             "hold", "index", "a_key", "limit", "until", "no_forget", "impossible"]
    tap.is_([r for r in often if by_reason[r] < 5], [], "every reason was met at least five times")
    types = sorted(set(CLIENT) - {"genesis", "remove_several"})
    tap.is_([t for t in types if by_type[t, True] < 10], [], "every type was accepted at least ten times")
    tap.is_([t for t in types if by_type[t, False] < 5 and t != "release"], [], "and rejected at least five times")
tap.done()
