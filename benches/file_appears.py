#!/usr/bin/env python3
"""A file that appears after 0.5–2 s: from its creation to the exit."""

import pathlib
import random
import tempfile
import time

from common import in_batches, percentile, prereq, report


def one():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ready"
        run = prereq(f"file:{path}")
        time.sleep(random.uniform(0.5, 2))
        created = time.monotonic()
        path.touch()
        run.finish()
    return (run.ended - created) * 1e3


lags = in_batches(30, 10, one)
report("file-appears", lags, "ms")
report("file-appears-p95", lags, "ms", percentile(lags, 0.95))
