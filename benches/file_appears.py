#!/usr/bin/env python3
"""A file that appears after 0.5–2 s: from its creation to the exit; in turn with a bare inotify watcher, the floor."""

import pathlib
import random
import sys
import tempfile
import time

from common import Run, in_batches, percentile, prereq, report

WATCHER = """
import ctypes, os, sys
c = ctypes.CDLL(None)
fd = c.inotify_init1(0)
c.inotify_add_watch(fd, sys.argv[1].encode(), 0x100)
os.read(fd, 1024)
os._exit(0)
"""


def lag(start):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ready"
        run = start(path)
        time.sleep(random.uniform(0.5, 2))
        created = time.monotonic()
        path.touch()
        run.finish()
    return (run.ended - created) * 1e3


def one():
    ours = lag(lambda path: prereq(f"file:{path}"))
    return ours, lag(lambda path: Run([sys.executable, "-c", WATCHER, str(path.parent)]))


results = in_batches(30, 5, one)
lags = [ours for ours, _ in results]
report("file-appears", lags, "ms")
report("file-appears-p95", lags, "ms", percentile(lags, 0.95))
report("file-appears-inotify", [floor for _, floor in results], "ms")
