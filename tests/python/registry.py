"""A worker's service registry that keeps what it was asked."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Tuple

Handler = Callable[[Dict[str, Any]], Any]


class Registry:
    """Called as ``dispatch(topic, params)``; every topic answers its parameters until a handler says otherwise."""

    def __init__(self) -> None:
        self.calls: List[Tuple[str, Dict[str, Any]]] = []
        self.initialised = 0
        self._handlers: Dict[str, Handler] = {}
        self._lock = threading.Lock()

    def handle(self, topic: str, handler: Handler) -> None:
        """The handler returns the whole envelope."""
        self._handlers[topic] = handler

    def init_all_services(self) -> None:
        self.initialised += 1

    def dispatch(self, topic: str, params: Dict[str, Any]) -> Any:
        with self._lock:
            self.calls.append((topic, params))
        handler = self._handlers.get(topic)
        return handler(params) if handler else done(topic, {"ran": "local", "params": params})

    async def dispatch_async(self, topic: str, params: Dict[str, Any]) -> Any:
        return self.dispatch(topic, params)

    @property
    def topics(self) -> List[str]:
        return [topic for topic, _ in self.calls]


def done(topic: str, result: Any) -> Dict[str, Any]:
    """The registry's envelope of a success."""
    return {"ok": True, "topic": topic, "result": result, "duration_ms": 0.5}


def failed(topic: str, error: str, **more: Any) -> Dict[str, Any]:
    """The registry's envelope of a failure."""
    return {"ok": False, "topic": topic, "error": error, "duration_ms": 0.5, **more}
