#!/usr/bin/env python3
"""A second reader of Privity's formats, written from FORMAT.md alone with Python's standard library, run over the worked
examples: python3 tests/vectors/read_format.py docs/FORMAT-EXAMPLES.md

It knows no Argon2id, so it takes what comes out of that from the examples and checks the rest."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

import examples
from read_gates import gates
from read_log import evidence, log, tree
from read_people import encoding, people
from read_state import files, forgetting, keystore, kit, pairing, payloads, safety
from tap import done, is_

examples.load(sys.argv[1] if len(sys.argv) > 1 else "docs/FORMAT-EXAMPLES.md")
encoding()
people()
room = log()
tree(room)
gates(room)
payloads(room)
forgetting(room)
files()
kit()
keystore(room)
pairing()
evidence(room)
safety()
is_(sorted(set(examples.EX) - examples.used), [], "every example was read")
done()
