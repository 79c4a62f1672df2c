#!/usr/bin/env python3
"""Peak memory of a run with one TCP target that is ready."""

from common import accept_all, peak, report

port = accept_all()
report("memory", [peak(f"tcp://127.0.0.1:{port}")[0] / 1024 for _ in range(20)], "MiB")
