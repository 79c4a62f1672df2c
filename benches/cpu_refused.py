#!/usr/bin/env python3
"""Ten targets that refuse, for 15 s: the share of a core that waiting takes."""

from common import closed_port, prereq, report

SECONDS = 15

shares = []
for _ in range(3):
    closed = [closed_port() for _ in range(10)]
    run = prereq(*(f"tcp://127.0.0.1:{port}" for _, port in closed), timeout=f"{SECONDS}s").finish(expected=124)
    shares.append(run.cpu / run.wall * 100)
    for sock, _ in closed:
        sock.close()
report("cpu-refused", shares, "%")
