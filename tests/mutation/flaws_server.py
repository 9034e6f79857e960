"""Flaws of the server: what it keeps, gives, takes back and forgets."""
from flaw import Mutant

SERVER = [
    Mutant("acknowledged is durable", "server/meta/sqlite.c", 'sync ? "PRAGMA synchronous = FULL"', 'sync ? "PRAGMA synchronous = OFF"'),
]
