"""Other programs that wait, and how each is told to: one table. Those that are installed are measured beside prereq.

They are looked for in the folders of the variable OTHERS (OTHERS=/a:/b), then on PATH. Each waits as it does when nobody
tells it how often to ask; only how long it waits at most is set, where it can be.
"""

import os
import pathlib
import shutil
import subprocess
from typing import Callable, NamedTuple, Optional

from common import BINARY, ENVIRONMENT, Failed, at_once

Words = Optional[Callable[..., list]]
SECONDS = 60


class Tool(NamedTuple):
    """A program that waits. What a row has no words for, the program cannot."""

    name: str
    # What to look for, and what it prints its version for.
    program: str
    # How often it asks unless told otherwise, in the words of its documentation or source.
    asks: str = ""
    version: tuple = ("--version",)
    # The whole command: of the program's path, and of what to wait for (host and port; a URL; a path).
    tcp: Words = None
    http: Words = None
    file: Words = None
    # Of a list of hosts and ports; without it, the program takes one.
    many: Words = None
    other: bool = True
    # No waiter, but the least that any takes: it has as many turns as prereq.
    floor: bool = False

    def line(self, what):
        """The name of the line that says how it did."""
        return f"{what}{'-' if self.floor else '/'}{self.name}" if self.other else what

    def can(self, kind):
        return getattr(self, kind) is not None

    def command(self, kind, *target):
        return getattr(self, kind)(self.path, *target)

    @property
    def path(self):
        if not self.other:
            return BINARY
        folders = [*os.environ.get("OTHERS", "").split(":"), os.environ.get("PATH", os.defpath)]
        return shutil.which(self.program, path=":".join(filter(None, folders)))


def targets(form):
    """Words for many targets, each in this form."""
    return lambda pairs: [form.format(host, port) for host, port in pairs]


def simple(options, tcp=None, http=None, file=None, many=True):
    """A program that takes options and targets; its targets look so."""

    def words(form):
        return form and (lambda path, *target: [path, *options, *(part.format(*target) for part in form.split())])

    several = tcp and many and (lambda path, pairs: [path, *options, *targets(tcp)(pairs)])
    return {"tcp": words(tcp), "http": words(http), "file": words(file), "many": several or None}


def shell(script, *arguments):
    return ["/bin/sh", "-c", script, "sh", *map(str, arguments)]


# What people write when they have no program for it.
LOOP = 'nc=$1; shift; for t; do until "$nc" -z "${t%:*}" "${t#*:}" 2>&-; do sleep 1; done; done'
NC_LOOP = {
    "tcp": lambda nc, host, port: shell(LOOP, nc, f"{host}:{port}"),
    "many": lambda nc, pairs: shell(LOOP, nc, *targets("{}:{}")(pairs)),
    "file": lambda _, path: shell('until [ -e "$1" ]; do sleep 1; done', path),
}
CURL_LOOP = {"http": lambda curl, url: shell('until "$1" -fso /dev/null "$2"; do sleep 1; done', curl, url)}

# dockerize has an option for each target.
DOCKERIZE = {
    "tcp": lambda path, host, port: [path, "-timeout", f"{SECONDS}s", "-wait", f"tcp://{host}:{port}"],
    "http": lambda path, url: [path, "-timeout", f"{SECONDS}s", "-wait", url],
    "file": lambda path, file: [path, "-timeout", f"{SECONDS}s", "-wait", f"file://{file}"],
    "many": lambda path, pairs: [
        path, "-timeout", f"{SECONDS}s", *(word for pair in targets("tcp://{}:{}")(pairs) for word in ("-wait", pair))
    ],
}
# wait4x has a command for each kind.
WAIT4X = {
    "tcp": lambda path, host, port: [path, "tcp", "--timeout", f"{SECONDS}s", f"{host}:{port}"],
    "http": lambda path, url: [path, "http", "--timeout", f"{SECONDS}s", "--expect-status-code", "200", url],
    "many": lambda path, pairs: [path, "tcp", "--timeout", f"{SECONDS}s", *targets("{}:{}")(pairs)],
}

OURS = Tool(
    "prereq", BINARY, "1 % or 10 % of the time waited, from 50 ms to 1 s", other=False,
    **simple(["--timeout", f"{SECONDS}s"], "tcp://{}:{}", "{}", "file:{}"),
)
OTHERS = [
    Tool("nc-loop", "nc", "1 s (`until nc -z …; do sleep 1; done`)", (), **NC_LOOP),
    Tool("curl-loop", "curl", "1 s (`until curl -f …; do sleep 1; done`)", **CURL_LOOP),
    Tool("wait-for-it", "wait-for-it", "1 s", (), **simple(["-q", "-t", str(SECONDS)], "{}:{}", many=False)),
    Tool("wait-for", "wait-for", "1 s", **simple(["-t", str(SECONDS)], "{}:{}", "{}", many=False)),
    Tool(
        "wait-on", "wait-on", "250 ms; a file must not change for 750 ms", (),
        **simple(["-t", f"{SECONDS}s"], "tcp:{}:{}", "{}", "file:{}"),
    ),
    Tool("wait-port", "wait-port", "1 s", **simple(["-t", f"{SECONDS}000"], "{}:{}", "{}", many=False)),
    Tool("holdup", "holdup", "200 ms", **simple(["-t", str(SECONDS)], "tcp://{}:{}", "{}", "path://{}")),
    Tool(
        "holdon", "holdon", "100 ms, growing to 2 s",
        **simple(["-t", f"{SECONDS}s"], "tcp://{}:{}", "{}", "file://{}"),
    ),
    Tool("wait-for-them", "wait-for-them", "100 ms", **simple(["-t", f"{SECONDS}000"], "{}:{}", "{}")),
    Tool("waitup", "waitup", "1 s, growing to 30 s", **simple(["-t", f"{SECONDS}s"], "{}:{}", "{}")),
    Tool("dockerize", "dockerize", "1 s", ("-version",), **DOCKERIZE),
    Tool("wait4x", "wait4x", "1 s", ("version",), **WAIT4X),
]


def able(*kinds):
    """prereq, and those of the others that are installed and know all these kinds."""
    return [tool for tool in [OURS, *OTHERS] if all(tool.can(kind) for kind in kinds) and tool.path]


def version(tool):
    """Its version, in its own words or, where it has none for it, by its file's date."""
    if tool.version:
        try:
            run = subprocess.run(
                [tool.path, *tool.version], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, env=ENVIRONMENT
            )
            words = (run.stdout + run.stderr).split("\n")[0].split()
            return next(word for word in words if word[:1].isdigit() or (word[:1] == "v" and word[1:2].isdigit()))
        except (OSError, StopIteration, subprocess.TimeoutExpired):
            pass
    package = pathlib.Path(tool.path).resolve().parent.parent / "package.json"
    if package.is_file():
        import json

        return json.loads(package.read_text()).get("version", "unknown")
    return "–"


def in_turn(what, tools, rounds, size, one, theirs=None):
    """Batches of `size` calls of one(tool), of every tool in turn, in so many rounds (the others in fewer: `theirs`).

    Returns what was measured of each. One of the others that fails is told so in its line, and is not tried again.
    """
    results = {tool: [] for tool in tools}
    for number in range(rounds):
        for tool in list(results):
            if tool.other and not tool.floor and theirs is not None and number >= theirs:
                continue
            try:
                results[tool] += at_once([lambda: one(tool)] * size) if size > 1 else [one(tool)]
            except Failed as failure:
                if not tool.other:
                    raise
                print(f"{tool.line(what)} failed: {failure}", flush=True)
                del results[tool]
    return results


if __name__ == "__main__":
    for each in OTHERS:
        print(f"{each.name}: {version(each) + ' at ' + each.path if each.path else 'not installed'}; asks every {each.asks}")
