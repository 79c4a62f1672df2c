#!/usr/bin/env python3
"""A port that opens after 1–4 s: from its opening to the exit, with default settings."""

import random
import time

from common import closed_port, in_batches, percentile, prereq, report


def one():
    sock, port = closed_port()
    run = prereq(f"tcp://127.0.0.1:{port}")
    time.sleep(random.uniform(1, 4))
    opened = time.monotonic()
    sock.listen()
    run.finish()
    sock.close()
    return (run.ended - opened) * 1e3


lags = in_batches(30, 10, one)
report("port-open", lags, "ms")
report("port-open-p95", lags, "ms", percentile(lags, 0.95))
