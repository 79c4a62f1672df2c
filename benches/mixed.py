#!/usr/bin/env python3
"""Ten thousand targets of six kinds that are all ready: time, peak memory, peak descriptors."""

import os
import pathlib
import selectors
import socket
import struct
import tempfile

from common import Run, descriptors, in_child, many_addresses, peak, raise_file_limit, report
from others import OURS

COUNTS = {"tcp": 4000, "http": 3000, "file": 2000, "dns": 500, "unix": 490, "exec": 10}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def serve(listeners, names):
    """Accepts on all the listeners; the first, by name, answers HTTP; and answers any name with 127.0.0.1."""
    web = listeners[0]
    selector = selectors.DefaultSelector()

    def accept(listener):
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        if listener is not web:
            return peer.close()
        peer.setblocking(False)
        selector.register(peer, selectors.EVENT_READ, answer)

    def answer(peer):
        selector.unregister(peer)
        try:
            if peer.recv(4096):
                peer.send(ANSWER)
        except OSError:
            pass
        peer.close()

    def name(sock):
        question, peer = sock.recvfrom(512)
        # The header, the question without anything that follows it, and one address.
        end = question.index(b"\0", 12) + 5
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0)
        answers = b"\xc0\x0c" + struct.pack("!HHIH4s", 1, 1, 60, 4, socket.inet_aton("127.0.0.1"))
        sock.sendto(head + question[12:end] + answers, peer)

    for listener in listeners:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, accept)
    selector.register(names, selectors.EVENT_READ, name)

    def loop(alive):
        while alive():
            for key, _ in selector.select(1):
                key.data(key.fileobj)

    return loop


def main():
    raise_file_limit()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        plain, web = (socket.create_server(("0.0.0.0", 0), backlog=4096) for _ in range(2))
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        names.bind(("127.0.0.1", 0))
        unix = []
        for n in range(COUNTS["unix"]):
            unix.append(socket.socket(socket.AF_UNIX))
            unix[-1].bind(str(folder / f"{n}.sock"))
            unix[-1].listen()
        in_child(serve([web, plain, *unix], names))

        port = names.getsockname()[1]
        words = [f"tcp://{host}:{at}" for host, at in many_addresses(COUNTS["tcp"], plain.getsockname()[1])]
        words += [f"http://{host}:{at}/" for host, at in many_addresses(COUNTS["http"], web.getsockname()[1])]
        words += [f"dns://127.0.0.1:{port}/host-{n}.bench.test.?type=A" for n in range(COUNTS["dns"])]
        words += [f"unix:{folder / str(n)}.sock" for n in range(COUNTS["unix"])]
        words += [f"exec:/bin/true {n}" for n in range(COUNTS["exec"])]
        for n in range(COUNTS["file"]):
            (folder / str(n)).touch()
            words.append(f"file:{folder / str(n)}")
        command = [OURS.path, "--timeout", "60s", *words]
        name = f"mixed-{len(words)}"
        report(name, [Run(command).finish().wall for _ in range(5)], "s")
        report(f"{name}-memory", [peak(command)[0] for _ in range(3)], "MB")
        report(f"{name}-descriptors", [descriptors(command) for _ in range(3)], "open")


if __name__ == "__main__":
    main()
