#!/usr/bin/env python3
"""Arrows point down only: who includes whom, and which library is seen where (docs/ARCHITECTURE.md)."""

import fnmatch
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from sources import ROOT, c_files, includes
from tap import done, ok

BELOW = {
    "core": {"core"},
    "client": {"core", "client"},
    "cli": {"core", "client", "cli"},
    "server": {"core", "server"},
}

# Core has no files, sockets, clock, threads: of the system it sees nothing but memory.
CORE_SYSTEM = {
    "assert.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
    "string.h", "sodium.h", "sodium/*", "sqlite3.h", "openssl/sha.h",
}

# Each library has few callers.
ONLY_IN = {
    "sodium*": ("core/crypto/*", "core/base/bytes.c", "client/system.c"),
    "sqlite3.h": ("core/state/*", "core/sync/*", "client/*", "server/meta/*"),
    "curl/*": ("client/transport*", "server/blob/s3*", "server/mail*"),
    "microhttpd.h": ("server/http*",),
    "openssl/*": ("core/crypto/hash.c", "client/*", "server/*", "cli/*"),
    "jansson.h": ("client/*", "server/*", "cli/*"),
    "keyutils.h": ("client/*",),
    "seccomp.h": ("server/sandbox_calls.c",),
    "cairo*": ("cli/kit_pdf.c",),
    "pango/*": ("cli/kit_pdf.c",),
    "qrencode.h": ("cli/kit_pdf.c", "cli/qr_main.c"),
    "security/*": (),
}


def faults(path):
    layer = path.parts[0]
    for number, kind, name in includes(path):
        where = f"{path}:{number}: {name}"
        if kind == "quoted":
            if name.split("/")[0] not in BELOW[layer]:
                yield f"{where} is not below {layer}"
            elif not (ROOT / name).exists() and not (ROOT / name.removesuffix(".inc")).exists():
                yield f"{where} is no file, counted from the root"
            continue
        if layer == "core" and not any(fnmatch.fnmatch(name, seen) for seen in CORE_SYSTEM):
            yield f"{where} is not for core"
        for library, callers in ONLY_IN.items():
            if fnmatch.fnmatch(name, library) and not any(fnmatch.fnmatch(path, c) for c in callers):
                yield f"{where} may be included only in {', '.join(callers) or 'no file'}"


for layer in BELOW:
    files = c_files(layer)
    found = [fault for path in files for fault in faults(path)]
    ok(not found, f"{layer}: {len(files)} files include only what is below them", *found)
done()
