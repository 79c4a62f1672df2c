"""What the measurements share: the binary, running it, servers to wait for, and the line that is printed."""

import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("PREREQ", str(ROOT / "target/x86_64-unknown-linux-gnu/release/prereq"))
if not os.access(BINARY, os.X_OK):
    sys.exit(f"no program at {BINARY}: run «make release», or set PREREQ")

# No variable of the caller's may change what is measured.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PREREQ")}


class Run:
    """A program that has been started; its end is timed by a thread that does nothing else."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.log = tempfile.TemporaryFile()
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, self.log.fileno(), fd) for fd in (1, 2)]
        self.ended = self.status = self.usage = None
        self.begun = time.monotonic()
        self.pid = os.posix_spawn(arguments[0], arguments, ENVIRONMENT, file_actions=actions)
        self.waiter = threading.Thread(target=self._wait, daemon=True)
        self.waiter.start()

    def _wait(self):
        _, status, self.usage = os.wait4(self.pid, 0)
        self.ended = time.monotonic()
        self.status = os.waitstatus_to_exitcode(status)

    def finish(self, expected=0):
        self.waiter.join()
        self.log.seek(0)
        output = self.log.read().decode(errors="replace")
        self.log.close()
        if self.status != expected:
            sys.exit(f"{' '.join(self.arguments[:8])}: status {self.status}, expected {expected}\n{output[-2000:]}")
        return self

    @property
    def wall(self):
        return self.ended - self.begun

    @property
    def cpu(self):
        return self.usage.ru_utime + self.usage.ru_stime


def prereq(*words, timeout="60s"):
    return Run([BINARY, "--timeout", timeout, *words])


def timed(arguments):
    """Runs a program to its end: seconds, as whoever starts it sees them."""
    begun = time.monotonic()
    status = subprocess.call(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    if status:
        sys.exit(f"{arguments[0]}: status {status}")
    return time.monotonic() - begun


def peak(*words):
    """(peak memory in KiB, seconds) of one run. A child of Python counts Python's own pages, so `time` starts it."""
    if not shutil.which("/usr/bin/time"):
        sys.exit("needs /usr/bin/time (Debian: time)")
    with tempfile.NamedTemporaryFile("r") as result:
        command = ["/usr/bin/time", "-q", "-o", result.name, "-f", "%M %e", BINARY, "--timeout", "60s", *words]
        status = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
        if status:
            sys.exit(f"{BINARY}: status {status}")
        memory, seconds = result.read().split()
    return int(memory), float(seconds)


def closed_port():
    """A socket whose port is taken but refuses: listen() on it is the moment the port opens."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


def accept_all(address="127.0.0.1"):
    """A port that accepts and closes, from a process of its own that ends with this one."""
    listener = socket.create_server((address, 0), backlog=4096)
    parent = os.getpid()
    if os.fork() == 0:
        listener.settimeout(1)
        while os.getppid() == parent:
            try:
                listener.accept()[0].close()
            except OSError:
                pass
        os._exit(0)
    port = listener.getsockname()[1]
    listener.close()
    return port


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[round(share * (len(ordered) - 1))]


def report(name, values, unit, value=None):
    """name value unit (n, min–max); the value is the median unless another is given."""
    value = statistics.median(values) if value is None else value
    print(f"{name} {value:.4g} {unit} (n={len(values)}, {min(values):.4g}–{max(values):.4g})", flush=True)


def in_batches(count, size, one):
    """Calls one() count times, size of them at a time; returns what they returned."""
    results, failures = [], []

    def call():
        try:
            results.append(one())
        except BaseException as error:  # a thread's sys.exit would otherwise be lost
            failures.append(error)

    while len(results) < count and not failures:
        threads = [threading.Thread(target=call) for _ in range(min(size, count - len(results)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if failures:
        sys.exit(str(failures[0]))
    return results
