#!/usr/bin/env python3
"""12 of the twelve, an `rm` is forgotten: the file does not come back, for nobody, and what was not meant stays as it was."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from forgetful import forgetful, index_of, log, wait_deleted
from tap import done, is_, ok
from world import World

world = World()
server = world.server()
ada, bob = world.room_of_two(server)
for name in ("gone", "stays"):
    (world.dir / f"{name}.txt").write_text(f"what {name} holds\n")
    bob.must("put", "acme", world.dir / f"{name}.txt")
bob.must("rm", "acme", "gone.txt")
bob.must("say", "acme", "gone.txt was never sent")
paths = lambda home: sorted(file["path"] for file in home.files()["files"])
is_(paths(ada), ["stays.txt"], "Bob removed a file")
removal = index_of(ada, "work", -1)
old = ada.copy("ada-long-ago")

is_(forgetful(ada, "notice", 0).status, 0, "Ada's room has no notice")
result = forgetful(ada, "forget", f"{removal}-{removal + 1}")
is_(result.status, 0, "she forgets the removal", *result.why())
ok(wait_deleted(ada, 1), "and the server deletes it")
entry = log(bob)[removal]
is_((entry["forgotten"], entry["kind"], entry["verdict"]), (True, "work", "accepted"), "it stands in the log as a header")
is_(paths(bob), ["stays.txt"], "the file does not come back: for Bob, who removed it")
is_(paths(ada), ["stays.txt"], "for Ada, who forgot that")
phone = bob.pair("phone")
is_(paths(phone), ["stays.txt"], "for a device that reads the log from nothing")
is_(bob.messages(), ["gone.txt was never sent"], "words stay")
is_(phone.messages(), ["gone.txt was never sent"], "also where their epoch's key is gone")
for home in (ada, bob, phone):
    result = home.run("verify", "acme")
    is_(result.status, 0, f"verify passes for {home.name}", *result.why())
    ok("was forgotten" in result.out or "were forgotten" in result.out, "and says so", result.out)
out = world.dir / "out"
phone.must("get", "acme", "stays.txt", "-o", out)
is_((out / "stays.txt").read_text(), "what stays holds\n", "files can be read")
link = ada.must("invite", "acme", "--role", "editor").out.strip()
eve = world.person("eve", server)
eve.must("join", link, "--room", "acme")
is_((paths(eve), eve.messages()), (["stays.txt"], ["gone.txt was never sent"]), "who joins afterwards is where all are")
eve.must("say", "acme", "hello")
is_(bob.messages(), ["gone.txt was never sent", "hello"], "and writes")
done()
