#!/usr/bin/env python3
"""Simulated worlds: no property breaks in 200 seeds, and a seed plays the same whatever was played before it.

PRIVITY_SEEDS and PRIVITY_STEPS change the size, PRIVITY_SEED the first seed."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.chdir(ROOT)
sys.path.insert(0, str(ROOT / "tests" / "lib"))
from tap import done, is_, ok, skip_all

SIMULATE = "build/native/tests/simulation/simulate"
if not os.path.exists(SIMULATE):
    skip_all(f"{SIMULATE} is not built")
SEEDS, STEPS, FIRST = (os.environ.get(f"PRIVITY_{name}", default) for name, default in
                       (("SEEDS", "200"), ("STEPS", "200"), ("SEED", "1")))


def simulate(*args):
    return subprocess.run([SIMULATE, "--steps", STEPS, *args], capture_output=True, text=True)


def hashes(*args):
    return dict(re.findall(r"^# seed (\d+): (\w+)$", simulate("--hash", *args).stdout, re.M))


run = simulate("--seeds", SEEDS, "--from", FIRST, "--jobs", "2")
ok(run.returncode == 0, f"no property breaks in {SEEDS} seeds of {STEPS} steps", *run.stdout.splitlines(), *run.stderr.splitlines())

together = hashes("--from", "7", "--seeds", "6", "--jobs", "1")
alone = {seed: value for number in range(7, 13) for seed, value in hashes("--seed", str(number)).items()}
is_(len(together), 6, "six seeds tell what happened, by a hash")
is_(alone, together, "each plays the same alone")
is_(len(set(together.values())), 6, "and no two of them alike")
done()
