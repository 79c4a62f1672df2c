#!/usr/bin/env python3
"""A TCP target that is ready: from start to exit, side by side with `nc -z` where there is one (NC=… for another)."""

import os
import shutil
import statistics

from common import BINARY, accept_all, report, timed

RUNS = 200

port = accept_all()
ours = [BINARY, "--timeout", "10s", f"tcp://127.0.0.1:{port}"]
nc = shutil.which(os.environ.get("NC", "nc"))
theirs = [nc, "-z", "127.0.0.1", str(port)]
mine, other = [], []
for _ in range(RUNS):
    mine.append(timed(ours) * 1e3)
    if nc:
        other.append(timed(theirs) * 1e3)
report("ready-tcp", mine, "ms")
if nc:
    report("ready-tcp-nc", other, "ms")
    ratios = [a / b for a, b in zip(mine, other)]
    report("ready-tcp-ratio", ratios, "x", statistics.median(mine) / statistics.median(other))
else:
    print("ready-tcp-nc not measured: no nc here", flush=True)
