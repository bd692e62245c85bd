"""A cloud terminal as its callers see it: a real HTTP server on loopback that does what it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type

KEY = "er_test_key"


class Request(NamedTuple):
    """A call that arrived."""

    action: str
    params: Dict[str, Any]
    headers: Dict[str, str]


class CloudStub:
    """Answers ``/health`` and ``POST /api/services/...``, and keeps every call that arrived.

    It also serves as a worker for a real cloud terminal: both speak the same.
    """

    def __init__(self) -> None:
        self.requests: List[Request] = []
        self.arrived = threading.Event()
        self._release = threading.Event()
        self._answers: Dict[str, Tuple[int, bytes]] = {}
        self._hanging: List[str] = []
        self._dropping: List[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def actions(self) -> List[str]:
        return [request.action for request in self.requests]

    def answer(self, action: str, envelope: Dict[str, Any], status: int = 200) -> None:
        """From now on this is the answer to that action."""
        self._answers[action] = (status, json.dumps(envelope).encode())

    def hang(self, action: str) -> None:
        """That action is not answered before the end of the test."""
        self._hanging.append(action)

    def drop(self, action: str) -> None:
        """The connection breaks once that action has arrived: nobody knows whether it ran."""
        self._dropping.append(action)

    def took(self, request: Request) -> Optional[Tuple[int, bytes]]:
        """What to answer; nothing when the connection is to break."""
        self.requests.append(request)
        self.arrived.set()
        if request.action in self._hanging:
            self._release.wait(60)
            return None
        if request.action in self._dropping:
            return None
        usual = {"ok": True, "topic": request.action, "result": {"ran": "cloud", "params": request.params}}
        return self._answers.get(request.action, (200, json.dumps(usual).encode()))

    def close_hanging(self) -> None:
        """Lets go of the calls that hang: their connections break."""
        self._release.set()

    def close(self) -> None:
        self.close_hanging()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> CloudStub:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    # Closing waits for the answers under way; those that hang were released before.
    daemon_threads = False
    stub: CloudStub


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/health":
            self._send(200, b'{"env": "cloud", "status": "ok"}')
        elif self.path == "/api/services":
            self._send(200, b'{"services": []}')
        else:
            self._send(404, b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = ".".join(self.path.split("/")[-2:])
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.stub.took(Request(action, json.loads(body), headers))
        if answer is not None:
            self._send(*answer)

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent."""
