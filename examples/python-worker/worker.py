"""The registry over HTTP, on this machine only: ``python3 worker.py --port 8765``.

    POST /api/services/{service}/{topic}   the parameters as a JSON object; answers the registry's envelope
    GET  /api/services                     the topics, by service
    GET  /health                           {"status": "ok"}

With WORKER_SECRET in the environment, everything but /health wants it as ``Authorization: Bearer`` or ``X-Worker-Secret``.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Optional

from service_registry import ServiceRegistry
from topics import registry as topics

LARGEST_BODY = 2 * 1024 * 1024
PATH = "/api/services"


class WorkerHandler(BaseHTTPRequestHandler):
    """One connection; requests follow each other on it."""

    protocol_version = "HTTP/1.1"
    # Headers and body leave in one packet, and nothing waits for the acknowledgement of the last.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60
    server: "Worker"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "ok", "service": "python-worker"})
        elif not self.is_allowed():
            self.refuse(401, "this needs the worker's secret")
        elif self.path == PATH:
            self.answer(200, self.server.listing())
        else:
            self.refuse(404, "no such path")

    def do_POST(self) -> None:
        body = self.body()
        if body is None:
            return
        if not self.is_allowed():
            self.refuse(401, "this needs the worker's secret")
            return
        parts = self.path.split("/")
        if len(parts) != 5 or not self.path.startswith(PATH + "/"):
            self.refuse(404, "no such path")
            return
        try:
            params = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            self.refuse(400, "the body is not JSON")
            return
        if not isinstance(params, dict):
            self.refuse(422, "the body must be a JSON object")
            return
        self.answer(200, self.server.registry.dispatch(f"{parts[3]}.{parts[4]}", params))

    def body(self) -> Optional[bytes]:
        """The request's body; ``None`` when it was refused, after which the connection ends."""
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if length < 0 or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.refuse(411, "a Content-Length is needed")
            return None
        if length > LARGEST_BODY:
            self.close_connection = True
            self.refuse(413, f"a body has at most {LARGEST_BODY} bytes")
            return None
        return self.rfile.read(length)

    def is_allowed(self) -> bool:
        secret = self.server.secret
        if secret is None:
            return True
        scheme, _, bearer = self.headers.get("Authorization", "").partition(" ")
        given = [self.headers.get("X-Worker-Secret", ""), bearer if scheme.lower() == "bearer" else ""]
        return any(hmac.compare_digest(secret.encode(), value.strip().encode()) for value in given)

    def refuse(self, status: int, detail: str) -> None:
        self.answer(status, {"ok": False, "error": detail})

    def answer(self, status: int, value: Dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        if self.server.is_verbose:
            super().log_message(format, *args)


class Worker(ThreadingHTTPServer):
    """The server: a thread for each connection, on loopback."""

    daemon_threads = True

    def __init__(self, port: int, registry: ServiceRegistry, secret: Optional[str] = None, is_verbose: bool = False) -> None:
        self.registry = registry
        self.secret = secret or None
        self.is_verbose = is_verbose
        super().__init__(("127.0.0.1", port), WorkerHandler)

    def listing(self) -> Dict[str, Any]:
        """Every service with its topics."""
        services = []
        for service, description in self.registry.list_services().items():
            topics = [{**topic, "name": topic["name"].split(".")[1]} for topic in self.registry.list_topics(service)]
            services.append({"name": service, "description": description, "topics": topics})
        return {"services": services}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, socket.timeout)):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description="EverReach's example worker: a service registry over HTTP on loopback")
    parser.add_argument("--port", type=int, default=8765, help="0 takes any free one")
    parser.add_argument("--verbose", action="store_true", help="log every request on stderr")
    arguments = parser.parse_args()
    topics.init_all_services()
    with Worker(arguments.port, topics, os.environ.get("WORKER_SECRET"), arguments.verbose) as worker:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print(f"listening on http://127.0.0.1:{worker.server_port}", flush=True)
        try:
            worker.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
