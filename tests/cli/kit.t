#!/usr/bin/env python3
"""The recovery kit as a page to print: what stands on it, that both its codes read back, and that they recover."""

import os
import pathlib
import pty
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, "tests/lib")
import tap
from world import ROOT, World

for program in ("pdftotext", "pdftoppm", "zbarimg"):
    if not shutil.which(program):
        tap.skip_all(f"no {program} here")

world = World()
server = world.server()
page = world.dir / "ada.pdf"
ada = world.home("ada", server)
name = "Ada <Lovelace> & Söhne"
ada.must("init", "--name", name, "--server", server.url, "--kit", page)
ada.must("room", "new", "acme")
ada.must("say", "acme", "hello")

tap.is_(page.read_bytes()[:5], b"%PDF-", "a name that ends in .pdf makes a PDF")
tap.is_(stat.S_IMODE(page.stat().st_mode), 0o600, "that only its owner reads")
text = subprocess.run(["pdftotext", page, "-"], capture_output=True, check=True).stdout.decode()
for part in (name, server.url, ada.must("whoami", "--json").json()["id"], "Keep it where you keep a passport", "privity recover --name DEVICE --server URL --revoke-others",
             "add another", "make a new person"):
    tap.ok(part in text or part in re.sub(r"\s+", " ", text) or part in re.sub(r"\s+", "", text), f"it says: {part[:40]}", text)
tap.ok("Theoption--revoke-otherstakesoutallotherdevices" in re.sub(r"\s+", "", text), "and which option takes out the other devices, by name", text)
kit_id = next(d["id"] for d in ada.must("devices", "--json").json()["devices"] if d["paper"])[:16]
tap.ok(re.search(f"^Kit: first, {kit_id}, made \\d{{4}}-\\d\\d-\\d\\d$", text, re.M), "and which kit of those that devices lists it is, and since when", text)
tap.ok("outranks every other device" in re.sub(r"\s+", " ", text), "and that it stands above all")
further = world.dir / "further.pdf"
ada.must("recovery", "add-kit", "--kit", further)
other = re.sub(r"\s+", " ", subprocess.run(["pdftotext", further, "-"], capture_output=True, check=True).stdout.decode())
tap.ok("Kit: further, " in other and "falls with the device that added it" in other and "outranks" not in other, "which a further one does not say of itself", other)
tap.is_(len(re.findall(r"\b[0-9A-Z]{6}\b", text.split("Code:")[1])), 11, "and the code in 11 groups of six")
subprocess.run(["pdftoppm", "-r", "150", "-gray", page, world.dir / "page"], check=True)
image = next(world.dir.glob("page*.pgm"))
square = subprocess.run(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", image], capture_output=True, check=True).stdout
tap.ok(server.url.encode() in square and b"Code:" in square, "the square holds server and code", square)


def works(text, what):
    r = ada.run("recovery", "test", stdin=text)
    tap.is_(r.status, 0, what, *r.why())


works(text.encode(), "the page's text as it was copied is a kit that works")
works(square, "so is what a scanner reads from the square")
phone = world.home("phone", server)
r = phone.run("recover", "--name", "phone", stdin=square)
tap.is_(r.status, 0, "by which a new device is made; the server stands in it", *r.why())
tap.is_([m["text"] for m in phone.must("read", "acme", "--json").json()["messages"]], ["hello"], "and reads")
tap.is_(phone.must("whoami", "--json").json()["name"], name, "as the person that it is")



def type_in(home, args, lines, ends=False):
    """At a terminal, a line at a time, each once there is a prompt or the last one was read; status and what was shown."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(home.argv()[0], [os.fspath(a) for a in home.argv(*args)], {**os.environ, **home.env})
    shown = b""
    for line in lines:
        while b":" not in shown:
            shown += os.read(fd, 4096)
        os.write(fd, line.encode() + b"\n")
    if ends:
        os.write(fd, b"\4")
    while True:
        try:
            more = os.read(fd, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


groups = re.findall(r"\b[0-9A-Z]{6}\b", text.split("Code:")[1])
status, shown = type_in(ada, ("recovery", "test"), [" ".join(groups[:4]).lower(), "-".join(groups[4:8]), " ".join(groups[8:])])
tap.ok(status == 0 and "works" in shown, "at a terminal the code is typed in as many lines as it has", shown)
tap.ok(all(group in shown.upper() for group in groups), "what is typed is seen", shown)
told = re.sub(r"\s+", " ", (ROOT / "docs/RECOVERY.md").read_text())
tap.ok("What you type is seen on the screen" in told and "clear that afterwards" in told, "which the procedures tell, and what to do")
status, shown = type_in(ada, ("recovery", "test"), [" ".join([groups[0][:5] + ("0" if groups[0][5] != "0" else "1"), *groups[1:]])], ends=True)
tap.ok(status == 1 and "Group 1 of the code is wrong" in shown and "not whole" in shown, "and a wrong one is named at once", shown)
missing = [*groups[:5], groups[5][:4] + groups[5][5:], *groups[6:]]
status, shown = type_in(ada, ("recovery", "test"), ["-".join(missing), "", "-".join(groups[5:8]), "-".join([groups[8], groups[9][:5] + "U", groups[10]]), " ".join(groups[9:])])
tap.ok(status == 0 and "Groups 6 to 11 again" in shown and "Groups 10 to 11 again" in shown, "what is wrong is asked for again from its group on", shown)
status, shown = type_in(ada, ("recovery", "test"), ["-".join(groups[:10]), groups[10][:3], groups[10][3:]])
tap.ok(status == 0 and "Group 11: " in shown and "wrong" not in shown, "a group may be cut by the end of a line", shown)
status, shown = type_in(ada, ("recovery", "test"), square.decode().splitlines())
tap.ok(status == 0 and "works" in shown, "what a scanner read can be pasted there", shown)

desk = world.home("desk", None)
status, shown = type_in(desk, ("recover", "--name", "desk"), ["-".join(groups), server.url])
tap.ok(status == 0 and "Server, as it stands on the kit" in shown, "who typed the code and named no server is asked for it", shown)

for address, what, exit_status in (("http://127.0.0.1:1", "cannot be reached", 1), ("127.0.0.1", "no server's address", 2)):
    status, shown = type_in(world.home("nowhere", None), ("recover", "--name", "x", "--server", address), [])
    tap.ok(status == exit_status and what in shown and "Type the code" not in shown, f"{address} is told to be no server before the code is typed", shown)

r = ada.run("recovery", "test", "--kit", page)
tap.ok(r.status == 1 and "PDF, which is for paper" in r.err, "a PDF in place of its code is told from one", *r.why())
r = ada.run("recovery", "add-kit", "--kit", page)
tap.ok(r.status == 1 and "File exists" in r.err, "a file that is there is not written over", *r.why())
sheet = (world.dir / "sheet.txt")
ada.must("recovery", "add-kit", "--kit", sheet)
said = sheet.read_text()
tap.ok(f"privity recover --name DEVICE --revoke-others --server {server.url}\n" in said and "make a new person" in said,
       "a kit kept as text says how to use it, too", said)
tap.ok("The option --revoke-others takes out all other devices" in said, "and which option takes out the other devices, by name", said)
drawn = [subprocess.run([world.bin / "privity-kit-pdf"], input=sheet.read_bytes(), capture_output=True, check=True).stdout for _ in range(2)]
tap.ok(drawn[0] == drawn[1] and drawn[0][:5] == b"%PDF-", "the same sheet gives the same page, to the byte")
r = subprocess.run([world.bin / "privity-kit-pdf"], input=b"no kit", capture_output=True)
tap.ok(r.returncode == 1 and not r.stdout and r.stderr, "what is no kit is not drawn")
bare = world.dir / "bare"
bare.mkdir()
shutil.copy(world.bin / "privity", bare)
other = world.home("other", server)
r = subprocess.run([bare / "privity", "init", "--name", "Bob", "--server", server.url, "--kit", world.dir / "bob.pdf"],
                   env={**os.environ, **other.env}, capture_output=True)
tap.ok(r.returncode == 1 and b"privity-kit-pdf" in r.stderr and not (world.dir / "bob.pdf").exists(),
       "without the program that draws, nothing is made", r.stderr.decode())
tap.ok(not pathlib.Path(other.env["PRIVITY_HOME"], "keystore").exists(), "no person either")
tap.done()
