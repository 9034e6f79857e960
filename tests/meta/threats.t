#!/usr/bin/env python3
"""Each "cannot" in THREATS.md names a test, and each case that it names is in that file."""

import re

from sources import ROOT

from tap import done, is_, ok

THREATS = (ROOT / "docs/THREATS.md").read_text()
adversaries = THREATS[THREATS.index("## Adversaries"):THREATS.index("## Deniability")]

# A promise of a later kind of thief that says "any more than" the one before is shown there.
bare = [line[:100] for line in adversaries.splitlines()
        if re.search(r"\*[Cc]annot\*", line) and not line.startswith("Each *cannot*") and "[`tests/" not in line and "any more than" not in line]
is_(bare, [], "each promise names what shows it")

missing, count = [], 0
for group in re.findall(r"\[(`tests/[^\]]*)\]", THREATS):
    for path, cases in re.findall(r"`(tests/[\w/.]+)`([^`]*)", group):
        text = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        if not text:
            missing.append(path)
        for case in re.findall(r'"([^"]+)"', cases):
            count += 1
            if case not in text:
                missing.append(f"{path}: {case}")
ok(count > 50, f"{count} cases are named")
is_(missing, [], "and each is there")
done()
