#!/usr/bin/env python3
"""Ten thousand TCP targets that are all ready: time and peak memory. TARGETS=n for another number."""

import os

from common import accept_all, many_addresses, peak, raise_file_limit, report
from others import able, in_turn

COUNT = int(os.environ.get("TARGETS", "10000"))

raise_file_limit()
pairs = many_addresses(COUNT, accept_all("0.0.0.0"))
results = in_turn(f"many-{COUNT}", able("many"), 5, 1, lambda tool: peak(tool.command("many", pairs)), theirs=2)
for tool, runs in results.items():
    report(tool.line(f"many-{COUNT}"), [seconds for _, seconds in runs], "s")
    report(tool.line(f"many-{COUNT}-memory"), [memory for memory, _ in runs], "MB")
