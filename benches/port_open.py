#!/usr/bin/env python3
"""A port that opens after 1–4 s: from its opening to the exit, with default settings, and the processor's time of that wait."""

import random
import time

from common import Run, closed_port, percentile, report
from others import able, in_turn


def one(tool):
    sock, port = closed_port()
    run = Run(tool.command("tcp", "127.0.0.1", port))
    time.sleep(random.uniform(1, 4))
    opened = time.monotonic()
    sock.listen()
    run.finish()
    sock.close()
    return (run.ended - opened) * 1e3, run.share


for tool, waits in in_turn("port-open", able("tcp"), 3, 10, one, theirs=2).items():
    lags = [lag for lag, _ in waits]
    report(tool.line("port-open"), lags, "ms")
    report(tool.line("port-open-p95"), lags, "ms", percentile(lags, 0.95))
    report(tool.line("port-open-cpu"), [share for _, share in waits], "%")
