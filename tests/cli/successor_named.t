#!/usr/bin/env python3
"""An owner's word leads nobody's words into a room where they are for other reasons: a successor is made or joined to
follow, by whichever device of a person."""

import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from tap import done, is_, ok
from world import ROOT, World, bail

TOOL = ROOT / "build/native/tests/tools/misname"
world = World()
server = world.server()
ada, bob = world.room_of_two(server)
backup, key = world.dir / "backup", world.dir / "key"


def admin(*args):
    argv = [str(a) for a in (world.server_bin, "--data", server.data, "admin", *args)]
    result = subprocess.run(argv, capture_output=True, text=True, env=world.env, check=False, timeout=120)
    if result.returncode:
        print("#", args, result.stderr)
    return result.returncode


def join(home, owner, room, name):
    link = owner.must("invite", room, "--role", "owner").out.strip()
    for _ in range(20):  # a busy machine may not have let a restored room be whole again
        if home.run("join", link, "--room", name).status == 0:
            return
        home.run("refresh")
    bail(f"{home.name} does not get into {room}")


def names(home):
    return set(home.must("rooms").out.split())


olga, mallory = world.person("olga", server), world.person("mallory", server)
join(olga, ada, "acme", "acme")
phone = ada.pair("phone")
for home in (ada, bob, olga, phone):
    home.must("refresh")
is_(admin("backup", backup, key), 0, "a backup is taken")
ada.must("say", "acme", "nobody else has this")
server.kill()
shutil.rmtree(server.data)
is_(admin("restore", backup, key), 0, "and put back")
server.start()

for home in (ada, phone, olga, mallory):
    home.run("refresh")  # their own rooms are whole again

# --- Olga names a room of another matter, where Ada and Mallory are

olga.must("room", "new", "deal")
for home in (mallory, ada):
    join(home, olga, "deal", "lawyer")
is_(ada.run("say", "acme", "for acme alone", "--offline").status, 5, "Ada writes while she is away")
named = subprocess.run([str(TOOL), "acme", "deal"], env=olga.clocked(), check=False, timeout=60)
is_(named.returncode, 0, "Olga's device is told to name it")
is_(olga.run("repair", "acme", "--successor").status, 0, "and does")
said = ada.run("say", "acme", "and this too")
ok("for other reasons" in said.err and "lawyer" in said.err, "Ada is told", *said.why())
is_(said.status, 5, "and her words are kept")
ok({"acme", "lawyer"} <= names(ada), "her rooms have their names", names(ada))
is_(mallory.messages("lawyer"), [], "Mallory reads nothing of acme")
refreshed = phone.run("refresh")
ok("for other reasons" in refreshed.err and {"acme", "lawyer"} <= names(phone), "her phone does as her laptop", *refreshed.why())
is_(mallory.messages("lawyer"), [], "nor by that")

# --- a true one is followed by each device

server.kill()
shutil.rmtree(server.data)
is_(admin("restore", backup, key), 0, "the backup is put back once more")
server.start()
for home in (ada, phone, bob):
    home.run("refresh")
made = bob.run("repair", "acme", "--successor")
is_(made.status, 3, "Bob is no owner", *made.why())
made = ada.run("repair", "acme", "--successor")
is_(made.status, 0, "Ada founds one", *made.why())
ok({"acme", "acme-ended"} <= names(ada), "its name goes over", names(ada))
is_(phone.run("say", "acme", "from the phone").status, 0, "her phone goes there")
is_(bob.run("say", "acme", "from Bob").status, 0, "so does Bob")
is_(set(ada.messages()), {"from the phone", "from Bob", "for acme alone", "and this too"}, "with what waited, once")
done()
