#!/usr/bin/env python3
"""The static binaries: the full one, and the slim one where it has been built (make slim)."""

import pathlib

from common import BINARY, ROOT, report

report("size", [pathlib.Path(BINARY).stat().st_size / 1e6], "MB")
for slim in ROOT.glob("target/slim/*/release/prereq"):
    report("size-slim", [slim.stat().st_size / 1e6], "MB")
