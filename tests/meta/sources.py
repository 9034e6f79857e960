"""What the meta tests know of the tree: its C files, and their text without comments and strings."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

# The product. Tests and benches may reach for what they like.
LAYERS = ("core", "client", "cli", "server")


def c_files(*folders):
    """Paths, relative to the root, of the C sources and headers in these folders."""
    found = []
    for folder in folders or LAYERS:
        found += [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.[ch]")]
    return sorted(found)


def includes(path):
    """(line number, "quoted" or "system", name) of each include."""
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line)
        if match:
            yield number, "quoted" if match[1] else "system", match[1] or match[2]


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def bare(path):
    """The text with comments and literals blanked; lines keep their numbers."""
    return TOKEN.sub(lambda m: " " + "\n" * m[0].count("\n"), (ROOT / path).read_text())


def calls(path, names):
    """(line number, name) wherever one of these functions is called or named."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    for number, line in enumerate(bare(path).splitlines(), 1):
        for match in pattern.finditer(line):
            yield number, match[1]
