#!/usr/bin/env python3
"""Each "cannot" in THREATS.md names a test and a case in it, and each case that it names is a whole string in that file,
where `…` stands for what is put in when it runs."""

import re

from sources import ROOT

from tap import done, is_, ok

THREATS = (ROOT / "docs/THREATS.md").read_text()
WHOLE = ("tests/fuzz/spoil.c", "tests/twelve/05_stolen_phone_adds_devices.t")  # what shows it is all that they do
adversaries = THREATS[THREATS.index("## Adversaries"):THREATS.index("## Deniability")]

# Each for itself: a bracket counts for the words before it, back to the *can* or *cannot* that they begin with.
promises = [clause for line in adversaries.splitlines() if not line.startswith("Each *cannot*")
            for clause in re.split(r"(?=\*[Cc]an(?:not)?\*)", line) if re.match(r"\*[Cc]annot\*", clause)]
ok(len(promises) > 50, f"{len(promises)} promises are made")
is_([clause[:100] for clause in promises if "[`tests/" not in clause], [], "each names what shows it")

FILLED = r"(?:\{[^{}\"]*\}|%[-+ #0-9.*]*[a-zA-Z]+|\$\{[^}]*\}|\$\w+)"  # by Python, C and the shell


def strings(path):
    """A file's text, where strings that are broken over lines are whole."""
    text = (ROOT / path).read_text() if (ROOT / path).exists() else ""
    return text if text.startswith(("#!/bin/bash", "#!/bin/sh")) else re.sub(r'"\s*\n\s*f?"', "", text)


def is_case(case, text):
    return re.search(r"([\"'])" + FILLED.join(map(re.escape, case.split("…"))) + r"\1", text)


ok(is_case("… is told", 'ok(1, f"{it} is told")') and is_case("… is told", 'tap_ok(1, "%zu is told", n);'), "a case is found")
ok(not is_case("is told", 'ok(1, f"{it} is told")') and not is_case("told", 'ok(1, "is told")'), "a part of one is not")

missing, count = [], 0
for group in re.findall(r"\[(`tests/[^\]]*)\]", THREATS):
    for path, cases in re.findall(r"`(tests/[\w/.]+)`([^`]*)", group):
        text = strings(path)
        if not text:
            missing.append(path)
        named = re.findall(r'"([^"]+)"', cases)
        if not named and path not in WHOLE:
            missing.append(f"{path}: which case?")
        for case in named:
            count += 1
            if not is_case(case, text):
                missing.append(f"{path}: {case}")
ok(count > 50, f"{count} cases are named")
is_(missing, [], "and each is there")
done()
