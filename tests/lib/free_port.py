"""A TCP port of the loopback address that stays this test's for as long as its process lives.

A port that the kernel says is free may be another test's by the time a server listens on it, or while a server is
down between two starts: its people would then speak to a stranger's server. So ports are taken below those that the
kernel deals out, and a file by the port's name says whose it is.

    free_port()                     in Python: this process's
    python3 free_port.py PID        for a shell: that process's
"""

import os
import pathlib
import random
import socket
import sys
import tempfile

FIRST, LAST = 10000, 32767  # the kernel deals out 32768 and above


def is_gone(owner):
    try:
        os.kill(int(owner.read_text() or os.getpid()), 0)
        return False
    except (ProcessLookupError, FileNotFoundError):
        return True
    except (PermissionError, ValueError):
        return False


def reserve(directory, port, pid):
    """Whether it is now that process's; what a dead one had is free."""
    owner = directory / str(port)
    if owner.exists() and is_gone(owner):
        owner.unlink(missing_ok=True)
    try:
        with owner.open("x") as f:
            f.write(str(pid))
        return True
    except FileExistsError:
        return False


def can_bind(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_port(pid=None):
    directory = pathlib.Path(tempfile.gettempdir()) / f"privity-test-ports.{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    for port in random.sample(range(FIRST, LAST + 1), 500):
        if reserve(directory, port, pid or os.getpid()) and can_bind(port):
            return port
    raise OSError("no free port among 500 tried")


if __name__ == "__main__":
    print(free_port(int(sys.argv[1])))
