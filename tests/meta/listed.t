#!/usr/bin/env python3
"""Every source and every test is listed in a sources.mk, so that nothing is left unbuilt or untried."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(__file__))
from sources import LAYERS, ROOT, c_files
from tap import done, ok

for layer in (*LAYERS, "tests", "bench"):
    listing = ROOT / layer / "sources.mk"
    lines = listing.read_text().splitlines() if listing.exists() else []
    listed = set(re.findall(r"[\w/.-]+\.c\b", "\n".join(line.split("#")[0] for line in lines)))
    there = {str(path) for path in c_files(layer) if path.suffix == ".c"}
    ok(there <= listed, f"{layer}: every C file is in {layer}/sources.mk", *sorted(there - listed))
    gone = [path for path in sorted(listed) if not (ROOT / path).is_file()]  # a program may take a file of a layer below
    ok(not gone, f"{layer}: every file in {layer}/sources.mk is there", *gone)

scripts = [path for path in (ROOT / "tests").rglob("*.t")]
idle = [path.relative_to(ROOT) for path in scripts if not os.access(path, os.X_OK)]
ok(not idle, "every tests/**/*.t can be executed, so that ./dev test runs it", *idle)
done()
