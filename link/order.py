#!/usr/bin/env python3
"""Writes start.order: the functions that a start executes, for the linker to lay together (lld's --symbol-ordering-file).

A program is read and mapped in pieces of 64 KiB, and only those that are touched. Spread over four megabytes, what a start executes
touches half of them; laid together, a few. `order.py BINARY…`, of static binaries with their symbols, runs each under valgrind. A
name that the linker does not find changes nothing but the order: names hold hashes, which change with the compiler, with versions of
libraries and with features.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benches"))
BINARIES = sys.argv[1:] or sys.exit("usage: order.py BINARY…")
os.environ["PREREQ"] = BINARIES[0]

from common import ENVIRONMENT, accept_all, closed_port  # noqa: E402  (it looks for a binary as soon as it is read)


def executed(*command, expected=0):
    """The names of what a run executes."""
    with tempfile.NamedTemporaryFile("r") as result:
        tool = ["valgrind", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={result.name}"]
        run = subprocess.run(
            [*tool, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=ENVIRONMENT
        )
        if run.returncode != expected:
            sys.exit(f"{command}: status {run.returncode}, expected {expected}\n{run.stderr[-2000:]}")
        return re.findall(r"^c?fn=\(\d+\) ([^\s']+)", result.read(), re.MULTILINE)


def defined(binary):
    """The names of the functions of a program."""
    listed = subprocess.run(["nm", binary], capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r" [TtWwi] (\S+)$", listed, re.MULTILINE))
    return names or sys.exit(f"{binary} has no symbols")


def with_siblings(name, known):
    """`name`, and what another processor executes in its place: valgrind knows AVX2, newer ones take AVX-512 (evex)."""
    yield name
    stem = re.match(r"(__[a-z0-9]+_)(?:avx2|avx|evex|avx512|sse2)(_\w+)?$", name)
    if stem:
        yield from sorted(other for other in known if re.match(rf"{stem[1]}(?:avx512|evex)(?:_|$)", other))


def main():
    open_port, (held, closed_at) = accept_all(), closed_port()
    names = {}
    for binary in BINARIES:
        known = defined(binary)
        for words, expected in (
            ([f"tcp://127.0.0.1:{open_port}"], 0),
            (["--timeout", "300ms", f"tcp://127.0.0.1:{closed_at}"], 124),
            (["--timeout", "300ms", f"file:{HERE}/none"], 124),
        ):
            for name in executed(binary, *words, expected=expected):
                if name in known:
                    names.update(dict.fromkeys(with_siblings(name, known)))
    held.close()
    (HERE / "start.order").write_text("".join(f"{name}\n" for name in names))


if __name__ == "__main__":
    main()
