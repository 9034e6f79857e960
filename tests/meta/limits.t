#!/usr/bin/env python3
"""FORMAT.md §13 and core/base/limits.h hold the same limits."""

import re
import sys

from sources import ROOT

from tap import done, is_, ok

VALUE = re.compile(r"[\d\s*+<()]+")


def value(text):
    text = re.sub(r"(\d)[uU]?[lL]*\b", r"\1", text)
    if not VALUE.fullmatch(text):
        sys.exit(f"limits.h: not understood: {text}")
    return eval(text)  # digits and operators only


def header():
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "core/base/limits.h").read_text(), flags=re.S)
    found = re.findall(r"\bPV_LIMIT_(\w+)\s*=\s*([^,}]+)", text)
    found += re.findall(r"#define\s+PV_LIMIT_(\w+)\s+(.+)", text)
    return {name: value(expression.strip()) for name, expression in found}


def table():
    text = (ROOT / "docs/FORMAT.md").read_text()
    section = text[text.index("\n## 13. Limits"):]
    return {name: int(number) for name, number in re.findall(r"^\| (\w+) \| (\d+) \|", section, re.M)}


code, format_md = header(), table()
ok(len(code) > 40, "limits are found in the header")
is_(sorted(format_md), sorted(code), "FORMAT.md lists each limit")
for name in sorted(set(code) & set(format_md)):
    is_(format_md[name], code[name], f"{name}")
done()
