#!/usr/bin/env python3
"""Many slow connections, and honest clients beside them: holds COUNT connections that send a byte of a head now and
then, and measures what others get meanwhile, and the server's memory.

    slow_loris.py PORT PID [COUNT=2000] [SECONDS=20]

Prints `held N, answered N of N, median MS, slowest MS, memory KiB before, KiB with them`. All come from loopback, where
no limit an address holds: the server's other limits are what is seen. Exit status 0 only if everyone was served."""

import http.client
import resource
import socket
import sys
import threading
import time


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def hold(port, count):
    held = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port), timeout=10)
        s.sendall(b"GET /v1/server HTTP/1.1\r\nHost: x\r\nX-")
        s.setblocking(False)
        held.append(s)
    return held


def drip(held, stop):
    """A byte on each every so often; who was cut off is replaced by nobody."""
    while not stop.wait(1):
        for s in held:
            try:
                s.send(b"y")
            except OSError:
                pass


def ask(port, seconds, times, failures):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/v1/server")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status != 200:
                raise OSError(f"status {answer.status}")
            times.append(time.monotonic() - began)
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))


def run(port, pid, count, seconds, clients=4):
    """(connections held, seconds each answer took, failures, memory before and with them in KiB)"""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count + 200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    before = rss_kib(pid)
    held, stop, times, failures = hold(port, count), threading.Event(), [], []
    dripping = threading.Thread(target=drip, args=(held, stop))
    dripping.start()
    asking = [threading.Thread(target=ask, args=(port, seconds, times, failures)) for _ in range(clients)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    during = rss_kib(pid)
    stop.set()
    dripping.join()
    for s in held:
        s.close()
    return len(held), times, failures, before, during


if __name__ == "__main__":
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 20
    held, times, failures, before, during = run(port, pid, count, seconds)
    times.sort()
    print(f"held {held}, answered {len(times)} of {len(times) + len(failures)}, median {1000 * times[len(times) // 2]:.1f} ms, "
          f"slowest {1000 * times[-1]:.1f} ms, memory {before} KiB before, {during} KiB with them")
    sys.exit(1 if failures else 0)
