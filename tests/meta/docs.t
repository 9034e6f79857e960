#!/usr/bin/env python3
"""What the documents point at is there: files, sections, commands, options of ./dev."""

import re
import subprocess

from sources import ROOT

from tap import done, is_, note, ok

PAGES = [ROOT / name for name in ("README.md", "SECURITY.md", "CHANGELOG.md")] + sorted((ROOT / "docs").glob("*.md"))
pages = {page: page.read_text() for page in PAGES if page.exists()}
FORMAT = pages[ROOT / "docs/FORMAT.md"]

for page, text in pages.items():
    name = page.relative_to(ROOT)
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    is_(missing, [], f"{name}: its links lead somewhere")
    # Files of the tree, named in running text.
    paths = set(re.findall(r"`((?:core|client|cli|server|tests|tools|bench|docs)/[\w./-]+\.(?:[cht]|py|mjs|sh|md|mk|sql))`", text))
    is_(sorted(path for path in paths if "_X." not in path and not (ROOT / path).exists()), [], f"{name}: the files it names are there")

headings = set(re.findall(r"^#{2,4} (\d+(?:\.\d+)?)\.? ", FORMAT, re.M))
own = {number.rstrip(".") for number in re.findall(r"§(\d[\d.]*)", re.sub(r"(?:RFC|NIST|FIPS)[^§)]{0,30}§[\d.]+", "", FORMAT))}
# §4.2.1 is RFC 8949's.
is_(sorted(own - headings - {"4.2.1"}), [], "FORMAT.md: the sections it refers to are there")

architecture = pages[ROOT / "docs/ARCHITECTURE.md"]
table = set(re.findall(r"`([a-z]+(?:/[a-z]+)?)`", "\n".join(re.findall(r"^\| (`.*?) \|", architecture, re.M))))
is_(sorted(name for name in table if not (ROOT / name).is_dir()), [], "ARCHITECTURE.md: the folders in its table are there")
folders = {f"core/{path.name}" for path in (ROOT / "core").iterdir() if path.is_dir()} | {"client", "cli", "server", "tests", "bench", "tools"}
is_(sorted(folders - table), [], "and all of them")

dev = (ROOT / "dev").read_text()
known = set(re.findall(r"^dev_(\w+)\(\)", dev, re.M))
asked = {word for text in pages.values() for word in re.findall(r"\./dev ([a-z]+)\b", text)}
is_(sorted(asked - known), [], "each ./dev command in the documents exists")

program = ROOT / "build/bin/privity"
if program.exists():
    listed = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    commands = {line.split("  ")[1].strip().split()[0] for line in listed.splitlines() if re.match(r"  [a-z]", line)}
    code = re.findall(r"`privity ([a-z]+)[^`]*`", "\n".join(pages.values()))
    ok(len(commands) > 20, "privity lists its commands")
    is_(sorted(set(code) - commands), [], "each privity command in the documents exists")
else:
    note("build/bin/privity is not built: commands in the documents are not looked at")
done()
