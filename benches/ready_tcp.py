#!/usr/bin/env python3
"""A TCP target that is ready: from start to exit, side by side with `nc -z`.

The ratio is to a static one, as prereq is static: a dynamic one spends most of its time on being linked. No Debian package has
one (BusyBox's nc knows no -z), so the system calls of it are compiled here. NC=PATH for a real one.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from common import accept_all, forget, prereq, report, timed
from others import Tool, able, in_turn

SOURCE = """
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

int main(int count, char **words) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *to;
  if (count != 4 || getaddrinfo(words[2], words[3], &hints, &to)) return 2;
  int error = 1, fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  connect(fd, to->ai_addr, to->ai_addrlen);
  poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  return error != 0;
}
"""


def static_nc(folder):
    """The path of a static `nc -z`; none without a C compiler."""
    if given := os.environ.get("NC"):
        return given
    if not shutil.which("cc"):
        return None
    path = pathlib.Path(folder) / "nc"
    # The linker warns of names, which a static program may not find; it is given none.
    command = ["cc", "-O2", "-static", "-x", "c", "-o", str(path), "-"]
    subprocess.run(command, input=SOURCE, stderr=subprocess.PIPE, text=True, check=True)
    return str(path)


def main(folder):
    port = accept_all()
    words = {"tcp": lambda path, host, port: [path, "-z", host, port], "floor": True}
    static, dynamic = Tool("nc-static", static_nc(folder) or "", **words), Tool("nc", "nc", **words)
    ours, *others = able("tcp")
    tools = [ours, *(nc for nc in (static, dynamic) if nc.program and nc.path), *others]
    forget(*(tool.path for tool in tools))
    results = in_turn(
        "ready-tcp", tools, 200, 1, lambda tool: timed(tool.command("tcp", "127.0.0.1", str(port))) * 1e3, theirs=20
    )
    for tool, times in results.items():
        report(tool.line("ready-tcp"), times, "ms")
    runs = [prereq(f"tcp://127.0.0.1:{port}").finish() for _ in range(20)]
    report("start-faults", [run.usage.ru_minflt for run in runs], "faults")
    if static in results:
        mine, bare = results[ours], results[static]
        ratios = [a / b for a, b in zip(mine, bare)]
        report("ready-tcp-ratio", ratios, "x", statistics.median(mine) / statistics.median(bare))
        print(f"ready-tcp-nc-static is {os.environ.get('NC', 'compiled here, by cc -O2 -static')}", flush=True)
    else:
        print("ready-tcp-nc-static not measured: no C compiler here (Debian: gcc, libc6-dev), or NC= is no program", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(folder)
