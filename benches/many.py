#!/usr/bin/env python3
"""Ten thousand TCP targets that are all ready: time and peak memory. TARGETS=n for another number."""

import os

from common import accept_all, peak, raise_file_limit, report

COUNT = int(os.environ.get("TARGETS", "10000"))

raise_file_limit()
port = accept_all("0.0.0.0")
# All of 127.0.0.0/8 is this host: no two targets are the same.
words = [f"tcp://127.0.{1 + n // 250}.{1 + n % 250}:{port}" for n in range(COUNT)]
runs = [peak(*words) for _ in range(5)]
report(f"many-{COUNT}", [seconds for _, seconds in runs], "s")
report(f"many-{COUNT}-memory", [memory / 1024 for memory, _ in runs], "MiB")
