#!/usr/bin/env python3
"""Waiting for long on 500 targets that come and go: memory and descriptors stay flat. SOAK=seconds (default 1800)."""

import os
import pathlib
import random
import socket
import statistics
import threading
import time

from common import prereq, report

SECONDS = int(os.environ.get("SOAK", "1800"))
PORTS = 250
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
    fifth = max(1, len(samples) // 5)
    for name, at, unit in (("memory", 0, "MiB"), ("descriptors", 1, "open")):
        values = [sample[at] for sample in samples]
        report(f"soak-{name}-first-fifth", values[:fifth], unit)
        report(f"soak-{name}-last-fifth", values[-fifth:], unit)
    first = statistics.median(sample[0] for sample in samples[:fifth])
    last = statistics.median(sample[0] for sample in samples[-fifth:])
    report("soak-memory-growth", [(last / first - 1) * 100], "%")
    report("soak-cpu", [waiting.cpu / waiting.wall * 100], "%")


if __name__ == "__main__":
    main()
