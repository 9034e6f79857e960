"""Flaws of the server: what it keeps, gives, takes back and forgets."""
from flaw import Mutant

SERVER = [
    Mutant("acknowledged is durable", "server/meta/sqlite.c", 'sync ? "PRAGMA synchronous = FULL"', 'sync ? "PRAGMA synchronous = OFF"'),
    Mutant("no half comes late for a link that has ended", "server/work_judge.c", "    if (invite && !invite->open) {\n", "    if (false) {\n", "tests/server/test_gates"),
]
