#!/usr/bin/env python3
"""A service that answers 503 for 5 s, then 200: from the change to the exit, and how often it was asked."""

import http.server
import threading
import time

from common import in_batches, prereq, report


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

    def log_message(self, *_):
        pass


def one():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    server.ready_at = time.monotonic() + 5
    run = prereq(f"http://127.0.0.1:{server.server_address[1]}/").finish()
    server.shutdown()
    server.server_close()
    return (run.ended - server.ready_at) * 1e3, server.requests


results = in_batches(30, 10, one)
report("http-503", [lag for lag, _ in results], "ms")
report("http-503-requests", [requests for _, requests in results], "requests")
