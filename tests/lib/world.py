"""A server and people's homes for tests in Python: real programs, own directory, own port, all gone at exit.

    world = World()                 one temporary directory
    server = world.server()         a running privityd; .stop(), .kill(), .start()
    ada = world.person("ada")       a home with a person in it
    ada.run("say", "acme", "hi")    a finished command: .status, .out, .err (text), .json()
    phone = ada.pair("phone")       a further device of the same person, by `device add` and `device join`
    world.pass_days(30)             from now on, all clocks of this world are that much further; the server starts anew
    ada.clock_ms = 2 * DAY_MS       her clock alone
"""

import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from free_port import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.chdir(ROOT)
LONG = bool(os.environ.get("PRIVITY_LONG"))
DAY_MS = 86400000
PASSPHRASE = "correct horse battery staple"


def bail(why):
    print("not ok - cannot go on:", why.replace("\n", " "), flush=True)  # this file ends; the others go on
    sys.exit(1)


class Result:
    def __init__(self, argv, status, out, err):
        self.argv, self.status, self.raw, self.raw_err = argv, status, out, err
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.raw)

    @property
    def crashed(self):
        return self.status < 0 or self.status > 5

    def why(self):
        return (f"exit {self.status}: {' '.join(str(a)[:80] for a in self.argv)}", self.out[-800:], self.err[-1600:])


class World:
    def __init__(self, bin_dir=None, server_bin=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="privity-test."))
        self.bin = pathlib.Path(bin_dir or os.environ.get("PV_BIN") or ROOT / "build/bin").resolve()
        self.server_bin = pathlib.Path(server_bin).resolve() if server_bin else self.bin / "privityd"
        self.processes, self.homes, self.servers = [], [], []
        self.clock_ms = 0
        self.tmp = self.dir / "tmp"
        self.tmp.mkdir()
        passphrase = self.dir / "passphrase"
        passphrase.write_text(PASSPHRASE + "\n")
        passphrase.chmod(0o600)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PRIVITY_")}
        self.env.update(LC_ALL="C.UTF-8", TZ="UTC", PRIVITY_PASSPHRASE_FILE=str(passphrase), HOME=str(self.dir),
                        TMPDIR=str(self.tmp), XDG_DATA_HOME=str(self.dir / "xdg"))
        atexit.register(self.close)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for home in self.homes:
            if (home.path / "version").exists():
                home.run("lock")
        shutil.rmtree(self.dir, ignore_errors=True)

    def with_clock(self, env, more_ms=0):
        """The environment of a program whose clock is off by the world's time that passed, and by `more_ms`."""
        offset_ms = self.clock_ms + more_ms
        if not offset_ms:
            return env
        shifted = self.dir / "clock.so"
        if not shifted.exists():
            subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", shifted, ROOT / "tests/tools/preload_clock.c"], check=True)
        return dict(env, LD_PRELOAD=str(shifted), FAKE_CLOCK_OFFSET_MS=str(offset_ms))

    def pass_days(self, days):
        """Time passes for everything that begins from now on; a server that runs is stopped and started."""
        running = [server for server in self.servers if server.process and server.process.poll() is None]
        for server in running:
            server.stop()
        self.clock_ms += round(days * DAY_MS)
        for server in running:
            server.start()

    def spawn(self, argv, env=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen([str(a) for a in argv], env=self.with_clock(self.env) if env is None else env, **more)
        self.processes.append(process)
        return process

    def server(self, name="server", *args, **more):
        server = Server(self, name, args, **more)
        server.start()
        return server

    def home(self, name, server=None):
        return Home(self, name, server)

    def person(self, name, server, *args):
        home = Home(self, name, server)
        made = home.run("init", "--name", name, "--device", name, "--server", server.url, "--kit", home.kit, *args)
        if made.status:
            bail(f"no person {name}: {made.err}")
        return home

    def room_of_two(self, server, role="editor", room="acme"):
        """ada, who owns the room, and bob, who was invited with that role."""
        ada, bob = self.person("ada", server), self.person("bob", server)
        ada.must("room", "new", room)
        link = ada.must("invite", room, "--role", role).out.strip()
        bob.must("join", link, "--room", room)
        return ada, bob


class Server:
    def __init__(self, world, name, args, registration="open", wrap=(), port=None, host="127.0.0.1"):
        self.world, self.args, self.process = world, list(args), None
        world.servers.append(self)
        self.registration, self.wrap = registration, list(wrap)
        self.data = world.dir / name
        self.log = world.dir / f"{name}.log"
        self.port = port or free_port()
        self.address = f"{host}:{self.port}"
        self.url = f"http://{self.address}"

    def launch(self):
        """Without waiting."""
        with open(self.log, "ab") as log:
            self.process = self.world.spawn(
                [*self.wrap, self.world.server_bin, "--listen", self.address, "--public-url", self.url, "--data", self.data,
                 "--registration", self.registration, *self.args], stdout=log, stderr=log)

    def is_up(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
                s.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
                return s.recv(64).startswith(b"HTTP/1.")
        except OSError:
            return False

    def start(self, seconds=20):
        self.launch()
        until = time.monotonic() + seconds
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > until:
                bail(f"the server does not start (exit {self.process.poll()}): {self.log.read_text(errors='replace')[-600:]}")
            time.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.world.processes.remove(self.process)

    def stop(self):
        """Its exit status."""
        self.process.terminate()
        status = self.process.wait(30)
        self.world.processes.remove(self.process)
        return status

    def admin(self, *args, data=None):
        """What its operator does beside it or while it is down."""
        argv = [os.fspath(a) for a in (self.world.server_bin, "--data", data or self.data, "--public-url", self.url, "admin", *args)]
        done = subprocess.run(argv, capture_output=True, timeout=120, check=False, env=self.world.with_clock(self.world.env))
        return Result(argv, done.returncode, done.stdout, done.stderr)

    def keep(self, name):
        """A copy of all that it has, as `name`."""
        if self.stop():
            bail(f"{name}: the server does not stop in order")
        shutil.copytree(self.data, self.world.dir / name)

    def bring(self, name):
        """That copy in the place of what it has, running."""
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.data)
        shutil.copytree(self.world.dir / name, self.data)
        self.start()


class Home:
    def __init__(self, world, name, server):
        self.world, self.name, self.server = world, name, server
        self.path = world.dir / f"home-{name}"
        self.kit = world.dir / f"kit-{name}"
        self.env = dict(world.env, PRIVITY_HOME=str(self.path))
        self.clock_ms = 0
        world.homes.append(self)

    def argv(self, *args):
        return [self.world.bin / "privity", *args]

    def run(self, *args, stdin=b"", timeout=60, env=None, wrap=(), **more):
        """A command to its end. A status below 0 is a signal; -99 says that it took longer than `timeout`."""
        argv = [os.fspath(a) for a in (*wrap, *self.argv(*args))]
        if isinstance(stdin, str):
            stdin = stdin.encode()
        try:
            done = subprocess.run(argv, input=stdin, env={**self.clocked(), **(env or {})}, capture_output=True,
                                  timeout=timeout, check=False, **more)
        except subprocess.TimeoutExpired as late:
            return Result(argv, -99, late.stdout or b"", late.stderr or b"")
        return Result(argv, done.returncode, done.stdout, done.stderr)

    def clocked(self):
        return self.world.with_clock(self.env, self.clock_ms)

    def must(self, *args, **more):
        done = self.run(*args, **more)
        if done.status:
            bail(" / ".join(done.why()))
        return done

    def start(self, *args, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return self.world.spawn(self.argv(*args), env=self.clocked(), **more)

    def pair(self, name):
        """A further device of this person: this one shows a code, which is typed on the new one."""
        adding = self.start("device", "add")
        code = adding.stdout.readline()
        device = Home(self.world, name, self.server)
        device.must("device", "join", "--name", name, "--server", self.server.url, stdin=code)
        _, err = adding.communicate(timeout=60)
        if adding.returncode:
            bail(err.decode())
        return device

    def devices(self):
        """All devices and kits of this person, by name; kits by "kit"."""
        return {d["name"] or "kit": d for d in self.must("devices", "--json").json()["devices"]}

    def copy(self, name):
        """The same device once more, in a directory of its own."""
        other = Home(self.world, name, self.server)
        shutil.copytree(self.path, other.path)
        return other

    def fetched(self, *args):
        """A command that reads, done again where a busy machine did not let the server answer in its two seconds."""
        for _ in range(20):
            done = self.run(*args)
            if done.status or "is too slow to answer" not in done.err:
                break
        return done

    def messages(self, room="acme", *args):
        """The texts in the room, in order."""
        done = self.fetched("read", room, "--limit", "0", "--json", *args)
        if done.status:
            bail(" / ".join(done.why()))
        return [m["text"] for m in done.json()["messages"]]

    def files(self, room="acme"):
        done = self.fetched("ls", room, "-R", "--json")
        if done.status:
            bail(" / ".join(done.why()))
        return done.json()
