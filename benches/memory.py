#!/usr/bin/env python3
"""Peak memory of a run with one TCP target that is ready."""

from common import accept_all, peak, report
from others import able, in_turn

port = accept_all()
results = in_turn(
    "memory", able("tcp"), 20, 1, lambda tool: peak(tool.command("tcp", "127.0.0.1", str(port)))[0], theirs=3
)
for tool, values in results.items():
    report(tool.line("memory"), values, "MB")
