#!/usr/bin/env python3
"""What 1 to 10 000 ready targets cost, and 10 000 of them where a process may have 1024 descriptors.

Fails unless time grows as the number of targets does: ten times as many take at most twenty times as long.
"""

import resource
import statistics
import sys

from common import Run, accept_all, descriptors, many_addresses, peak, raise_file_limit, report
from others import OURS

raise_file_limit()
port = accept_all("0.0.0.0")


def measured(name, count):
    command = OURS.command("many", many_addresses(count, port))
    seconds = [Run(command).finish().wall for _ in range(3)]
    report(f"{name}-{count}", seconds, "s")
    report(f"{name}-{count}-each", [value / count * 1e6 for value in seconds], "µs")
    report(f"{name}-{count}-memory", [peak(command)[0] for _ in range(3)], "MB")
    report(f"{name}-{count}-descriptors", [descriptors(command) for _ in range(3)], "open")
    return statistics.median(seconds) / count


each = {count: measured("growth", count) for count in (1, 10, 100, 1000, 10000)}
# A run that meets its own limit of descriptors would end by another status, and so would this measurement.
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
few = measured("nofile-1024", 10000)
for name, most in (("growth", each[10000]), ("nofile-1024", few)):
    if most > 2 * each[1000]:
        sys.exit(f"{name}: {most * 1e6:.3g} µs a target for 10000, more than twice the {each[1000] * 1e6:.3g} µs for 1000")
