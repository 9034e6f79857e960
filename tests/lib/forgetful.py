"""Forgetting by tests/tools/forgetful, as no command does it yet.

    forgetful(ada, "forget", "4-6")     a Result
    index = index_of(ada, "work", -1)   the place in acme's log of the newest work entry
    wait_deleted(ada, 1)                until the server has said `deleted` so often"""

import subprocess
import time

from world import ROOT, Result

TOOL = ROOT / "build/native/tests/tools/forgetful"


def forgetful(home, *args, room="acme"):
    argv = [TOOL, room, *args]
    done = subprocess.run([str(a) for a in argv], env=home.clocked(), capture_output=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL)
    return Result(argv, done.returncode, done.stdout, done.stderr)


def log(home, room="acme"):
    return home.must("log", room, "--json").json()["entries"]


def index_of(home, kind, which):
    return [entry["index"] for entry in log(home) if entry["kind"] == kind][which]


def deleted(home):
    return sum(entry["type"] == "deleted" for entry in log(home))


def wait_deleted(home, times, seconds=30):
    """True when it has."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if deleted(home) >= times:
            return True
        time.sleep(0.2)
    return False
