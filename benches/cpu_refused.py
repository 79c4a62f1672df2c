#!/usr/bin/env python3
"""Ten targets that refuse, for 15 s: the share of a core that waiting takes.

The others, which have other ways to end, are ended from outside; they wait all at once, prereq alone.
"""

import os
import signal

from common import Failed, Run, at_once, closed_port, prereq, report
from others import able, in_turn

SECONDS = 15


def share(tool):
    closed = [closed_port() for _ in range(10)]
    try:
        pairs = [("127.0.0.1", port) for _, port in closed]
        if not tool.other:
            return prereq(*(f"tcp://{host}:{port}" for host, port in pairs), timeout=f"{SECONDS}s").finish(124).share
        run = Run(tool.command("many", pairs))
        run.waiter.join(SECONDS)
        if run.status is not None:
            run.finish(-signal.SIGTERM)
            raise Failed(f"{tool.path}: ended by itself after {run.wall:.3g} s")
        os.killpg(run.pid, signal.SIGTERM)
        run.waiter.join(5)
        if run.status is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.waiter.join()
        return run.share
    finally:
        for sock, _ in closed:
            sock.close()


ours, *others = able("many")
report("cpu-refused", in_turn("cpu-refused", [ours], 10, 1, share)[ours], "%")
for found in at_once([(lambda tool=tool: in_turn("cpu-refused", [tool], 1, 2, share)) for tool in others]):
    for tool, shares in found.items():
        report(tool.line("cpu-refused"), shares, "%")
