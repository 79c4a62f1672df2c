#!/usr/bin/env python3
"""A TCP target that is ready: from start to exit, side by side with `nc -z` where there is one (NC=… for another)."""

import os
import statistics

from common import accept_all, report, timed
from others import Tool, able, in_turn

port = accept_all()
nc = Tool("nc", os.environ.get("NC", "nc"), tcp=lambda path, host, port: [path, "-z", host, port], floor=True)
ours, *others = able("tcp")
tools = [ours, *([nc] if nc.path else []), *others]

results = in_turn(
    "ready-tcp", tools, 200, 1, lambda tool: timed(tool.command("tcp", "127.0.0.1", str(port))) * 1e3, theirs=20
)
for tool, times in results.items():
    report(tool.line("ready-tcp"), times, "ms")
if nc in results:
    mine, bare = results[ours], results[nc]
    ratios = [a / b for a, b in zip(mine, bare)]
    report("ready-tcp-ratio", ratios, "x", statistics.median(mine) / statistics.median(bare))
else:
    print("ready-tcp-nc not measured: no nc here", flush=True)
