#!/usr/bin/env python3
"""A file that appears after 0.5–2 s: from its creation to the exit, and to the line that says so.

In turn with it, a bare inotify watcher: a process that holds one ends late, since the kernel takes its watches down first.
"""

import pathlib
import random
import subprocess
import sys
import tempfile
import time

from common import BINARY, ENVIRONMENT, Failed, Run, percentile, report
from others import Tool, able, in_turn

WATCHER = """
import ctypes, os, sys
c = ctypes.CDLL(None)
fd = c.inotify_init1(0)
c.inotify_add_watch(fd, sys.argv[1].encode(), 0x100)
os.read(fd, 1024)
os._exit(0)
"""


def appears(wait):
    """Calls wait(path), then creates the file; the moment of that, and what the call gave."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "ready"
        waiting = wait(path)
        time.sleep(random.uniform(0.5, 2))
        created = time.monotonic()
        # Not empty: some want that.
        path.write_text("ready")
        return created, waiting, waiting.finish() if isinstance(waiting, Run) else told(waiting)


def lag(tool):
    created, run, _ = appears(lambda path: Run(tool.command("file", path)))
    return (run.ended - created) * 1e3


def told(program):
    """When the line came that says that the file is there."""
    for line in program.stdout:
        if '"event":"ready"' in line:
            at = time.monotonic()
            program.stdout.read()
            program.wait()
            return at
    raise Failed(f"{BINARY}: ended with status {program.wait()} and did not see the file")


def noticed(_):
    command = [BINARY, "--timeout", "60s", "--log-format", "json"]
    pipe = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    created, _, at = appears(lambda path: subprocess.Popen([*command, f"file:{path}"], **pipe, text=True, env=ENVIRONMENT))
    return (at - created) * 1e3


inotify = Tool(
    "inotify", sys.executable, file=lambda python, path: [python, "-c", WATCHER, str(path.parent)], floor=True
)
ours, *others = able("file")
results = in_turn("file-appears", [ours, inotify, *others], 6, 5, lag, theirs=3)
for tool, lags in results.items():
    report(tool.line("file-appears"), lags, "ms")
    if not tool.floor:
        report(tool.line("file-appears-p95"), lags, "ms", percentile(lags, 0.95))
report("file-appears-noticed", in_turn("file-appears-noticed", [ours], 4, 5, noticed)[ours], "ms")
