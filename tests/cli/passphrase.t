#!/usr/bin/env python3
"""`privity passphrase`: the old one opens nothing any more, everything else goes on; cut at any instant, one of the two opens all.

PRIVITY_LONG=1 kills it 60 times instead of 8; PRIVITY_SEED repeats a run."""

import os
import pathlib
import pty
import random
import subprocess
import sys
import time

sys.path.insert(0, "tests/lib")
from tap import done, is_, note, ok
from world import LONG, World

seed = int(os.environ.get("PRIVITY_SEED") or random.randrange(1 << 32))
note(f"seed {seed}")
rng = random.Random(seed)

world = World()
server = world.server()
ada = world.home("ada", server)
kit = world.dir / "ada.kit"
ada.must("init", "--name", "Ada", "--server", server.url, "--kit", kit)
ada.must("room", "new", "acme")
ada.must("say", "acme", "before")
keystore = pathlib.Path(ada.env["PRIVITY_HOME"], "keystore")


def given(text):
    """A file with these lines, for the environment."""
    path = world.dir / f"given-{rng.getrandbits(64):x}"
    path.write_text(text + "\n")
    return path


def opens(passphrase, home=ada):
    """Its status without a keyring, where each command asks."""
    return home.run("read", "acme", "--offline", env={"PRIVITY_PASSPHRASE_FILE": given(passphrase), "PRIVITY_NO_KEYRING": "1"})


def change(old, new, *args, home=ada, **more):
    return home.run("passphrase", *args, env={"PRIVITY_PASSPHRASE_FILE": given(old), "PRIVITY_NEW_PASSPHRASE_FILE": given(new)}, **more)


first, second, third = "correct horse battery staple", "another one, as long as that", "and a third of some length"
held = keystore.read_bytes()
r = change("not the one at all", second)
is_(r.status, 1, "a wrong old one is refused")
ok("wrong passphrase" in r.err and keystore.read_bytes() == held, "and changes nothing", *r.why())
r = change(first, first)
ok(r.status == 2 and "is the old one" in r.err and keystore.read_bytes() == held, "nor does the same one again", *r.why())
r = change(first, "")
ok(r.status == 2 and "empty" in r.err and keystore.read_bytes() == held, "nor an empty one", *r.why())
r = ada.run("passphrase", wrap=("setsid",))
ok(r.status == 2 and "PRIVITY_NEW_PASSPHRASE_FILE" in r.err and keystore.read_bytes() == held, "without a terminal it is said where a new one may come from", *r.why())
r = ada.run("passphrase", env={"PRIVITY_PASSPHRASE_FILE": "", "PRIVITY_NEW_PASSPHRASE_FILE": given(second)}, wrap=("setsid",))
ok(r.status == 2 and keystore.read_bytes() == held, "the old one is asked for, though all is unlocked", *r.why())

left = keystore.with_name("keystore.new-1")
left.write_bytes(held)
pin = keystore.with_name("keystore.lock")
r = change(first, second)
is_(r.status, 0, "it is changed", *r.why())
ok("Recovery kits" in r.out and "has to hold the new passphrase from now on" in r.err, "which tells what goes on, and of the file that is old now", *r.why())
ok(not left.exists() and pin.exists(), "what a cut write left, which the old one opens, is gone")
is_(keystore.stat().st_mode & 0o777, 0o600, "the keystore is its owner's alone")
r = opens(first)
ok(r.status == 1 and "wrong passphrase" in r.err, "the old one opens nothing", *r.why())
r = opens(second)
ok(r.status == 0 and "before" in r.out, "the new one opens all", *r.why())
is_(ada.run("read", "acme", "--offline", env={"PRIVITY_PASSPHRASE_FILE": ""}, wrap=("setsid",)).status, 0, "what was unlocked stays so")
ada.must("lock")
r = change(second, third, "--json")
is_(r.json(), {"changed": True}, "as JSON, on a locked device")
is_(ada.run("read", "acme", "--offline", env={"PRIVITY_PASSPHRASE_FILE": ""}, wrap=("setsid",)).status, 2, "what was locked stays so, too")
r = ada.run("recovery", "test", "--kit", kit, env={"PRIVITY_PASSPHRASE_FILE": given(third)})
is_(r.status, 0, "the kit goes on", *r.why())

both = given(f"{third}\n{first}")
with open(both) as lines:
    fd = lines.fileno()
    os.set_inheritable(fd, True)
    r = ada.run("passphrase", env={"PRIVITY_PASSPHRASE_FD": str(fd), "PRIVITY_NEW_PASSPHRASE_FD": str(fd)}, pass_fds=(fd,))
is_(r.status, 0, "both come from one open file, a line each", *r.why())
is_(opens(first).status, 0, "and the second is the new one")


def type_in(home, lines):
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(home.argv()[0], [os.fspath(a) for a in home.argv("passphrase")], {**os.environ, **home.env, "PRIVITY_PASSPHRASE_FILE": ""})
    shown, asked = b"", 0
    while True:
        try:
            more = os.read(fd, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        if shown.count(b": ") > asked and shown.endswith(b": ") and asked < len(lines):
            os.write(fd, lines[asked].encode() + b"\n")
            asked = shown.count(b": ")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


status, shown = type_in(ada, [first, second, second + "x"])
ok(status == 2 and "differ: nothing was" in shown, "at a terminal the new one is asked for twice", shown)
is_(opens(first).status, 0, "and where the two differ, the old one stays")
status, shown = type_in(ada, [first, second, second])
ok(status == 0 and second not in shown, "typed twice, it is changed, and not shown", shown)
is_(opens(second).status, 0, "and opens")



def start(old, new):
    env = {**ada.clocked(), "PRIVITY_PASSPHRASE_FILE": str(given(old)), "PRIVITY_NEW_PASSPHRASE_FILE": str(given(new))}
    return world.spawn(ada.argv("passphrase"), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# Two at once: whoever comes second finds that the old one opens nothing any more.
began = {p: start(second, p) for p in (first, third)}
statuses = {p: process.wait() for p, process in began.items()}
won = [p for p, status in statuses.items() if status == 0]
is_(len(won), 1, "of two at once, one is done", statuses)
is_(opens(won[0]).status, 0, "and its passphrase opens")

# Killed at random instants, and at those around the file's writing.
now, other = won[0], second
began_at = time.monotonic()
change(now, other)
long_s = time.monotonic() - began_at
now, other = other, now
odd, changed, caught = [], 0, 0
for i in range(60 if LONG else 8):
    held = keystore.read_bytes()
    process = start(now, other)
    if i % 2:
        time.sleep(rng.uniform(0.3, 1.05) * long_s)
    else:
        while process.poll() is None and not list(keystore.parent.glob("keystore.new-*")) and keystore.read_bytes() == held:
            pass
        time.sleep(rng.choice([0, 0, 0.001, 0.01]))
    process.kill()
    caught += process.wait() == -9
    is_new = keystore.read_bytes() != held
    changed += is_new
    if is_new:
        now, other = other, now
    statuses = opens(now).status, opens(other).status
    if statuses != (0, 1):
        odd.append((i, is_new, statuses))
note(f"{caught} caught alive, {changed} had changed it")
ok(caught > 0, "it is killed at some instants")
is_(odd, [], "after each, the one that was told opens all, and the other nothing")
r = change(now, other)
is_(r.status, 0, "then it is changed as ever", *r.why())
is_(list(keystore.parent.glob("keystore.new-*")), [], "and nothing that was left behind stays")
ada.must("lock")
unlocked = {"PRIVITY_PASSPHRASE_FILE": given(other)}
is_(ada.run("room", "new", "hooli", env=unlocked).status, 0, "a room is made under the last of them")
is_(ada.run("verify", "acme", env=unlocked).status, 0, "and the one from before verifies")
done()
