#!/usr/bin/env python3
"""What 1 to 10 000 ready targets cost, and 10 000 of them where a process may have 1024 descriptors."""

import resource

from common import accept_all, peak, raise_file_limit, report

raise_file_limit()
port = accept_all("0.0.0.0")


def words(count):
    return [f"tcp://127.0.{1 + n // 250}.{1 + n % 250}:{port}" for n in range(count)]


def measured(name, count):
    runs = [peak(*words(count)) for _ in range(3)]
    report(f"{name}-{count}", [seconds for _, seconds in runs], "s")
    report(f"{name}-{count}-memory", [memory / 1024 for memory, _ in runs], "MiB")


for count in (1, 10, 100, 1000, 10000):
    measured("growth", count)
# A run that meets its own limit of descriptors would end by another status, and so would this measurement.
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
measured("nofile-1024", 10000)
