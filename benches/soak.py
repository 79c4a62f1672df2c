#!/usr/bin/env python3
"""Waiting for long on 500 targets that come and go: memory and descriptors stay flat. SOAK=seconds (default 1800).

Fails when they do not: the median of memory, or the least number of descriptors, is more than 5 % higher in the last fifth of
the run than in the first (its first tenth, in which all begin, left out); and when prereq did not see targets of both kinds
come and go. Descriptors are opened and closed by attempts: only one that is never closed raises the least that is open. That is
a small number, of which one is more than 5 %, so two more are let pass.
"""

import json
import os
import pathlib
import random
import socket
import statistics
import sys
import threading
import time

from common import prereq, report

SECONDS = int(os.environ.get("SOAK", "1800"))
PORTS = 250
# By how much memory and descriptors may grow, and by how many descriptors in any case.
GROWTH = 1.05
SPARE = 2
RESPONSES = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", b""]


class Flapping:
    """A port that is now open and now closed; what it answers changes too."""

    def __init__(self, dice):
        self.dice = dice
        self.socket = None
        probe = socket.socket()
        probe.bind(("127.0.0.1", 0))
        self.port = probe.getsockname()[1]
        probe.close()

    def flap(self):
        if self.socket:
            self.socket.close()
            self.socket = None
            return
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self.socket.bind(("127.0.0.1", self.port))
        except OSError:
            self.socket = None
            return
        self.socket.listen(64)
        self.socket.setblocking(False)

    def serve(self):
        while self.socket:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            try:
                peer.settimeout(0.01)
                peer.send(self.dice.choice(RESPONSES))
            except OSError:
                pass
            peer.close()


def run(ports, stop):
    dice = random.Random(7)
    while not stop.is_set():
        for port in ports:
            port.serve()
        for port in dice.sample(ports, 5):
            port.flap()
        time.sleep(0.05)


def lost(output):
    """How often prereq says that a target held and does so no longer, by kind."""
    seen = {"tcp": 0, "http": 0}
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "lost":
            seen[event["kind"]] += 1
    return seen


def main():
    dice = random.Random(1)
    ports = [Flapping(dice) for _ in range(PORTS)]
    stop = threading.Event()
    server = threading.Thread(target=run, args=(ports, stop), daemon=True)
    server.start()
    # None of them holds for long enough.
    words = [f"tcp://127.0.0.1:{port.port}#stable=1h&name=tcp-{port.port}" for port in ports]
    words += [f"http://127.0.0.1:{port.port}/#stable=1h&name=http-{port.port}" for port in ports]
    waiting = prereq(*words, "--log-format=json", timeout=f"{SECONDS}s")
    proc = pathlib.Path(f"/proc/{waiting.pid}")
    samples = []
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS - 1 and waiting.status is None:
        time.sleep(min(5, SECONDS / 60))
        try:
            status = (proc / "status").read_text()
            memory = int(status.split("VmRSS:")[1].split()[0]) / 1024
            samples.append((memory, len(list((proc / "fd").iterdir()))))
        except (OSError, IndexError):
            break
    waiting.finish(124, limit=SECONDS + 60)
    stop.set()
    # The first tenth is warming up.
    samples = samples[len(samples) // 10 :]
    fifth = len(samples) // 5
    if not fifth:
        sys.exit(f"soak: SOAK={SECONDS} is too short to be judged")
    for name, at, unit in (("memory", 0, "MiB"), ("descriptors", 1, "open")):
        values = [sample[at] for sample in samples]
        report(f"soak-{name}-first-fifth", values[:fifth], unit)
        report(f"soak-{name}-last-fifth", values[-fifth:], unit)
    ends = samples[:fifth], samples[-fifth:]
    memory = [statistics.median(memory for memory, _ in end) for end in ends]
    least = [min(descriptors for _, descriptors in end) for end in ends]
    report("soak-memory-growth", [(memory[1] / memory[0] - 1) * 100], "%")
    report("soak-descriptors-growth", [least[1] - least[0]], "open")
    report("soak-cpu", [waiting.cpu / waiting.wall * 100], "%")
    seen = lost(waiting.output)
    report("soak-seen", list(seen.values()), "lost", sum(seen.values()))
    failures = [f"no {kind} target was seen to come and go" for kind, count in seen.items() if not count]
    if memory[1] > memory[0] * GROWTH:
        failures.append(f"memory grew from {memory[0]:.4g} to {memory[1]:.4g} MiB")
    if least[1] > max(least[0] * GROWTH, least[0] + SPARE):
        failures.append(f"descriptors grew from {least[0]} to {least[1]}")
    if failures:
        sys.exit("soak: " + "; ".join(failures))


if __name__ == "__main__":
    main()
