#!/usr/bin/env python3
"""A service that answers 503 for 5 s, then 200: from the change to the exit, and how often it was asked."""

import http.server
import threading
import time

from common import Run, report
from others import able, in_turn


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    ready_at = float("inf")
    requests = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.send_response(200 if time.monotonic() >= self.server.ready_at else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


def one(tool):
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    server.ready_at = time.monotonic() + 5
    run = Run(tool.command("http", f"http://127.0.0.1:{server.server_address[1]}/")).finish()
    server.shutdown()
    server.server_close()
    return (run.ended - server.ready_at) * 1e3, server.requests


for tool, waits in in_turn("http-503", able("http"), 3, 10, one, theirs=1).items():
    # Before the change there is nothing to be noticed: who is through by then did not wait.
    if early := sum(lag < 0 for lag, _ in waits):
        print(f"{tool.line('http-503')} failed: {early} of {len(waits)} ended while it still answered 503", flush=True)
        continue
    report(tool.line("http-503"), [lag for lag, _ in waits], "ms")
    report(tool.line("http-503-requests"), [requests for _, requests in waits], "requests")
