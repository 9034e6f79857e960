#!/usr/bin/env python3
"""What the kernel lets the server do: it is in its sandbox with all its threads, it says so, it goes on without where the
kernel has none, unless it is required."""

import os
import pathlib
import subprocess
import sys

tests = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(tests / "lib"))
from tap import done, is_, note, ok
from world import World

world = World()


def check(*options, env=None, wrap=()):
    argv = [*wrap, world.server_bin, "--data", world.dir / "none", "--listen", "127.0.0.1:0", "--check-config", *options]
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=env or world.env, timeout=60, check=False)


def in_task(pid, name):
    return {line.split()[1] for task in os.listdir(f"/proc/{pid}/task")
            for line in pathlib.Path(f"/proc/{pid}/task/{task}/status").read_text().splitlines() if line.startswith(name + ":")}


def children(pid):
    return [int(word) for task in os.listdir(f"/proc/{pid}/task")
            for word in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split()]


def started(server):
    return [line for line in server.log.read_text().splitlines() if '"event":"started"' in line][-1]


told = check().stdout
has_calls, has_files = "system calls limited (seccomp)" in told, "files limited (Landlock" in told
note(*[line for line in told.splitlines() if "sandbox" in line])
ok("sandbox: system calls" in told, "--check-config says what there is", told)
ok("switched off" in check("--sandbox", "off").stdout, "and that it is switched off")
is_(check("--sandbox", "required").returncode, 0 if has_calls and has_files else 1, "required is good if both are there")
is_(check("--sandbox", "perhaps").returncode, 2, "other words are wrong usage")

server = world.server("server")
if has_calls:
    is_(in_task(server.process.pid, "Seccomp"), {"2"}, "every thread has a list of calls")
    is_(in_task(children(server.process.pid)[0], "Seccomp"), {"2"}, "and so has the signer")
ok(('"seccomp":"on"' in started(server)) == has_calls and ('"landlock":0' not in started(server)) == has_files,
   "the log says with what it started", started(server))
ada, bob = world.room_of_two(server)
data = os.urandom(3_000_000)
(world.dir / "big").write_bytes(data)
ada.must("put", "acme", world.dir / "big")
is_(server.stop(), 0, "it stops")
ok(not (server.data / "meta.db-wal").exists(), "and removes its log of writes, as ever")
server.start()
(world.dir / "got").mkdir()
bob.must("get", "acme", "big", "-o", world.dir / "got")
ok((world.dir / "got/big").read_bytes() == data, "what was put is there after a restart")
server.stop()

off = world.server("off", "--sandbox", "off")
is_(in_task(off.process.pid, "Seccomp"), in_task(os.getpid(), "Seccomp"), "switched off, there is no list of calls")
ok('"seccomp":"off"' in started(off) and '"landlock":0' in started(off), "and the log says so", started(off))
is_(off.stop(), 0, "it stops")

# --- where the kernel, or a container, denies it: a filter around the server, which fails seccomp(2) and Landlock
DENY = r"""
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
denied = [int(n) for n in sys.argv[1].split(",")]
code = struct.pack("HBBI", 0x20, 0, 0, 0)                                # the call's number
for i, number in enumerate(denied):
    code += struct.pack("HBBI", 0x15, len(denied) - i, 0, number)        # one of these: to the end
code += struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000) + struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | 1)
memory = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(memory))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, program):
    sys.exit(f"no filter: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[2], sys.argv[2:])
"""
NUMBERS = {"seccomp": 317, "prctl": 157, "landlock": 444}
if os.uname().machine == "x86_64" and has_calls and has_files:
    def denied(*names):
        return [sys.executable, "-c", DENY, ",".join(str(NUMBERS[n]) for n in names)]

    bare = world.server("bare", wrap=denied("landlock"))
    ok('"seccomp":"on"' in started(bare) and '"landlock":0' in started(bare), "without Landlock it goes on with seccomp", started(bare))
    ok('"no sandbox"' in bare.log.read_text(), "and warns")
    is_(bare.stop(), 0, "it stops")
    refused = check("--sandbox", "required", wrap=denied("landlock"))
    is_(refused.returncode, 1, "where both are required, --check-config fails")
    ok("is required" in refused.stderr, "and says why", refused.stderr)
    argv = denied("landlock") + [world.server_bin, "--data", world.dir / "must", "--listen", "127.0.0.1:0", "--sandbox", "required"]
    refused = subprocess.run([str(a) for a in argv], capture_output=True, text=True, env=world.env, timeout=60, check=False)
    is_(refused.returncode, 1, "and the server does not start")
    ok("the sandbox is required" in refused.stderr, "and says why", refused.stderr)
    nothing = world.server("nothing", wrap=denied("landlock", "seccomp"))
    ok('"landlock":0' in started(nothing), "where a container denies seccomp(2) as well, it goes on all the same", started(nothing))
    is_(nothing.stop(), 0, "and stops")
done()
