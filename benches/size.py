#!/usr/bin/env python3
"""The size of the binary, which is the size of the image."""

import os

from common import BINARY, report

report("size", [os.path.getsize(BINARY) / 1e6], "MB")
