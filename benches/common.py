"""What the measurements share: the program and those beside it, running them, and the line that is printed."""

import atexit
import os
import pathlib
import resource
import select
import shutil
import signal
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
# Longer than any measurement should take: the end of a program that knows none.
LIMIT = 120


class Failed(SystemExit):
    """A program did not do what it should. Ends the measurement, unless it is one of the others."""


class Run:
    """A program that has been started; its end is timed by a thread that does nothing else."""

    running = set()

    def __init__(self, arguments):
        self.arguments = [str(argument) for argument in arguments]
        self.log = tempfile.TemporaryFile()
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, self.log.fileno(), fd) for fd in (1, 2)]
        self.ended = self.status = self.usage = self.output = None
        self.begun = time.monotonic()
        # A group of its own, so that all that it starts can be ended.
        self.pid = os.posix_spawnp(self.arguments[0], self.arguments, ENVIRONMENT, file_actions=actions, setpgroup=0)
        self.running.add(self.pid)
        self.waiter = threading.Thread(target=self._wait, daemon=True)
        self.waiter.start()

    def _wait(self):
        _, status, self.usage = os.wait4(self.pid, 0)
        self.ended = time.monotonic()
        self.running.discard(self.pid)
        self.status = os.waitstatus_to_exitcode(status)

    def finish(self, *expected, limit=LIMIT):
        """Waits for its end, which is a failure unless its status is 0 or one of those expected."""
        self.waiter.join(max(0, self.begun + limit - time.monotonic()))
        if late := self.waiter.is_alive():
            os.killpg(self.pid, signal.SIGKILL)
            self.waiter.join()
        self.log.seek(0)
        output = self.log.read().decode(errors="replace")
        self.log.close()
        self.output = output
        if late or self.status not in (expected or (0,)):
            why = f"ended after {limit} s" if late else f"status {self.status}"
            raise Failed(f"{' '.join(self.arguments)[:120]}: {why}: {' '.join(output.split())[-300:] or 'no word'}")
        return self

    @property
    def wall(self):
        return self.ended - self.begun

    @property
    def cpu(self):
        """Seconds of processor time, those of the programs that it ran included."""
        return self.usage.ru_utime + self.usage.ru_stime

    @property
    def share(self):
        """Processor time, in per cent of one core."""
        return self.cpu / self.wall * 100


@atexit.register
def _leave_nothing_behind():
    for pid in list(Run.running):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def prereq(*words, timeout="60s"):
    return Run([BINARY, "--timeout", timeout, *words])


def timed(arguments):
    """Runs a program to its end: seconds, as whoever starts it sees them."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    begun = time.monotonic()
    program = subprocess.Popen(arguments, **quiet, env=ENVIRONMENT, start_new_session=True)
    # Python's own wait with a limit looks again and again, at its leisure.
    handle = os.pidfd_open(program.pid)
    late = not select.select([handle], [], [], LIMIT)[0]
    if late:
        os.killpg(program.pid, signal.SIGKILL)
    status = program.wait()
    seconds = time.monotonic() - begun
    os.close(handle)
    if status:
        raise Failed(f"{' '.join(arguments)[:120]}: {f'ended after {LIMIT} s' if late else f'status {status}'}")
    return seconds


def forget(*programs):
    """Has the kernel read programs anew: how the linker has left one in memory would count, and for how long it has been there."""
    for program in programs:
        handle = os.open(program, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def peak(arguments, limit=LIMIT):
    """(peak memory in MB, seconds) of one run; of a program that runs others, the memory of the largest.

    A child of Python counts Python's own pages, so `time` starts it.
    """
    if not shutil.which("/usr/bin/time"):
        sys.exit("needs /usr/bin/time (Debian: time)")
    with tempfile.NamedTemporaryFile("r") as result:
        run = Run(["/usr/bin/time", "-q", "-o", result.name, "-f", "%M", *arguments]).finish(limit=limit)
        return int(result.read()) * 1024 / 1e6, run.wall


def descriptors(command):
    """The most descriptors that are open at a time, by looking again and again; a run that is looked at takes longer."""
    run = Run(command)
    folder, most = f"/proc/{run.pid}/fd", 0
    while run.status is None:
        try:
            # Newer kernels say the number as the folder's size; older ones say 0.
            most = max(most, os.stat(folder).st_size or len(os.listdir(folder)))
        except OSError:
            pass
        time.sleep(0.0005)
    run.finish()
    return most


def closed_port():
    """A socket whose port is taken but refuses: listen() on it is the moment the port opens."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


def in_child(serve):
    """Calls serve(alive) in a process of its own; alive() says whether this one, with which it is to end, still is."""
    parent = os.getpid()
    if os.fork() == 0:
        try:
            serve(lambda: os.getppid() == parent)
        finally:
            os._exit(0)


def accept_all(address="127.0.0.1"):
    """A port that accepts and closes, from a process of its own that ends with this one."""
    listener = socket.create_server((address, 0), backlog=4096)

    def serve(alive):
        listener.settimeout(1)
        while alive():
            try:
                listener.accept()[0].close()
            except OSError:
                pass

    in_child(serve)
    port = listener.getsockname()[1]
    listener.close()
    return port


def many_addresses(count, port):
    """So many targets at one port: all of 127.0.0.0/8 is this host, and no two of them are the same."""
    return [(f"127.0.{1 + n // 250}.{1 + n % 250}", port) for n in range(count)]


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


def at_once(calls):
    """Makes all these calls at the same moment; returns what they returned, in the order in which they did."""
    results, failures = [], []

    def make(call):
        try:
            results.append(call())
        except BaseException as error:  # a thread's exit would otherwise be lost
            failures.append(error)

    threads = [threading.Thread(target=make, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results
