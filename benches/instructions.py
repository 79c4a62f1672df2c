#!/usr/bin/env python3
"""Instructions of a start and of an attempt that is refused, counted by valgrind: the same on a busy machine."""

import re
import shutil
import subprocess
import sys
import tempfile

from common import BINARY, ENVIRONMENT, accept_all, closed_port, report

if not shutil.which("valgrind"):
    sys.exit("needs valgrind (Debian: valgrind)")


def counted(*words, expected=0):
    with tempfile.NamedTemporaryFile() as result:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={result.name}", BINARY, *words]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT)
    if run.returncode != expected:
        sys.exit(f"{BINARY}: status {run.returncode}, expected {expected}\n{run.stderr[-2000:]}")
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


port = accept_all()
report("start-instructions", [counted(f"tcp://127.0.0.1:{port}") / 1e6 for _ in range(3)], "million")

sock, port = closed_port()
LESS, MORE = 10, 110


def refused(attempts):
    words = ("--max-attempts", str(attempts), "--backoff", "constant", "--interval", "20ms")
    return counted(*words, f"tcp://127.0.0.1:{port}", expected=1)


each = [(refused(MORE) - refused(LESS)) / (MORE - LESS) / 1e3 for _ in range(3)]
report("attempt-instructions", each, "thousand")
sock.close()
