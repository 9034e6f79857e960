"""The worked examples of FORMAT-EXAMPLES.md by name, and which of them were read."""

import pathlib
import re

from plain_cbor import decode, encode
from tap import ok

EX, used = {}, set()


def load(path):
    """Name to bytes (hex, text) or number, in the order of the file."""
    for kind, name, content in re.findall(r"^```(hex|text|number) (\S+)\n(.*?)\n```$", pathlib.Path(path).read_text(), re.M | re.S):
        assert name not in EX, name
        if kind == "hex":
            EX[name] = bytes.fromhex("".join(line.split("#")[0] for line in content.splitlines()))
        else:
            EX[name] = int(content) if kind == "number" else content.encode()


def ex(name):
    used.add(name)
    return EX[name]


def item(name):
    """An example that is one CBOR item; deterministic, so it encodes to the same bytes."""
    value = decode(ex(name))
    ok(encode(value) == ex(name), f"{name} is deterministic")
    return value
