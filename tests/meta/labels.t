#!/usr/bin/env python3
"""Labels and reasons in FORMAT.md and API.md are those of the code, none more and none fewer."""

import re

from sources import ROOT, c_files

from tap import done, is_, ok

FUNCTIONS = r"pv_(?:hash_begin|hash_bytes|hash_encoded|secret_hash|hkdf|hkdf_expand|sign|verify)"
FORMAT = (ROOT / "docs/FORMAT.md").read_text()
DOCS = FORMAT + (ROOT / "docs/API.md").read_text()


def text(*folders):
    code = "\n".join((ROOT / path).read_text() for path in c_files(*folders))
    return re.sub(r"/\*.*?\*/", "", code, flags=re.S)


# Written out in the text as H("label"; …) and its like; the certificate's as a list of parts.
written = set(re.findall(r'\b(?:H|HKDF|Sign)\([^"`\n]*?"([a-z/-]+)"[;,)]', DOCS)) | {"certificate"}
core = text("core")
programs = text("core", "client", "cli", "server")
used = set(re.findall(FUNCTIONS + r'\([^;]*?"([a-z/-]+)"', programs))
used |= set(re.findall(r'PV_LABEL_PREFIX "([a-z/-]+)"', programs))
ok(len(written) > 40 and len(used) > 30, "labels are found")
in_full = set(re.findall(r'"privity/1/([a-z/-]+)"', DOCS))  # where it is a part of something else
is_(sorted(used - written - in_full), [], "each label that the programs use is in the documents")
# The document id is for features that are not here yet; the worked examples make one.
literals = set(re.findall(r'"([a-z/-]+)"', programs + text("tests")))
is_(sorted(written - literals), [], "each label in the documents is used")

names = set(re.findall(r'X\(\w+, "(\w+)"\)', core)) - {"none"}
section = FORMAT[FORMAT.index("### 7.2 Rules"):FORMAT.index("## 8. ")]
said = set(re.findall(r"`(\w+)`", section + FORMAT[FORMAT.index("### 7.1"):FORMAT.index("### 7.2")]))
ok(len(names) > 30, "reasons are found")
is_(sorted(names - said), [], "each reason for a rejection is in FORMAT.md")
is_(sorted(name for name in re.findall(r"\(`(\w+)`\)", section) if name not in names), [],
    "each reason in FORMAT.md is one of the code's")
done()
