#!/usr/bin/env python3
"""A host that swallows all that is sent to it comes back after 2–5 s: from then to the exit, with default settings.

And after 2–20 s (`late`): the longer a wait lasts, the longer are the pauses between its attempts.
Packets are dropped by rules of netfilter in a network namespace that has no name: it is gone with the last process in it.
"""

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

from common import Run, percentile, report
from others import able, in_turn

RULES = threading.Lock()


def inside():
    """Goes on in a namespace of its own."""
    if os.geteuid() != 0:
        sys.exit("blackhole needs root: it makes a network namespace")
    missing = [program for program in ("unshare", "ip", "iptables") if not shutil.which(program)]
    if missing:
        sys.exit(f"blackhole needs {', '.join(missing)} (Debian: util-linux, iproute2, iptables)")
    os.execvp("unshare", ["unshare", "--net", sys.executable, __file__, "inside"])


def swallow(action, port):
    rule = ["INPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP"]
    subprocess.run(["iptables", "-w", action, *rule], check=True)


def serve():
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)

    def accept():
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    return listener


def one(tool, latest=5):
    listener = serve()
    port = listener.getsockname()[1]
    with RULES:
        swallow("-A", port)
    run = Run(tool.command("tcp", "127.0.0.1", port))
    time.sleep(random.uniform(2, latest))
    with RULES:
        back = time.monotonic()
        swallow("-D", port)
    run.finish()
    listener.close()
    return (run.ended - back) * 1e3


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    tools = able("tcp")
    measured = {
        "blackhole": in_turn("blackhole", tools, 2, 10, one, theirs=1),
        "blackhole-late": in_turn("blackhole-late", tools[:1], 4, 10, lambda tool: one(tool, 20)),
    }
    for what, results in measured.items():
        for tool, lags in results.items():
            report(tool.line(what), lags, "ms")
            report(tool.line(f"{what}-p95"), lags, "ms", percentile(lags, 0.95))


if __name__ == "__main__":
    main() if sys.argv[1:] == ["inside"] else inside()
