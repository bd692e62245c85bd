"""A service registry: handlers under names such as ``content.generate``, called through one door.

    >>> registry = ServiceRegistry()
    >>> @registry.register("text.upper", "the text in capital letters")
    ... def upper(params):
    ...     return {"text": str(params["text"]).upper()}
    >>> registry.dispatch("text.upper", {"text": "tea"})["result"]
    {'text': 'TEA'}

Every call answers an envelope ``{ok, topic, result, duration_ms}`` or ``{ok, topic, error, duration_ms}``; a handler that
raises becomes the second, never an exception of the caller's.
"""

from __future__ import annotations

import difflib
import re
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

Params = Dict[str, Any]
Handler = Callable[[Params], Any]
Envelope = Dict[str, Any]

TOPIC = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")


class InvalidParams(ValueError):
    """The parameters are not what the topic takes; the message says what it wants."""


class Topic(NamedTuple):
    """One registered handler and what it does."""

    handler: Handler
    description: str


class ServiceRegistry:
    """Handlers by topic. Registering and calling are safe from several threads."""

    def __init__(self) -> None:
        self._topics: Dict[str, Topic] = {}
        self._init_hooks: List[Callable[[], None]] = []
        self._is_ready = False
        self._init_lock = threading.Lock()

    def register(self, topic: str, description: str) -> Callable[[Handler], Handler]:
        """Decorates a function that takes the parameters and returns a JSON value.

        Raises ``ValueError`` for a name that is not ``service.topic`` and for one that is taken.
        """
        if not TOPIC.match(topic):
            raise ValueError(f"a topic is `service.topic` in lower snake case, not {topic!r}")
        if topic in self._topics:
            raise ValueError(f"{topic} is registered already")

        def keep(handler: Handler) -> Handler:
            self._topics[topic] = Topic(handler, description)
            return handler

        return keep

    def on_init(self, hook: Callable[[], None]) -> Callable[[], None]:
        """Decorates a function that runs once, before the first call."""
        self._init_hooks.append(hook)
        return hook

    def init_all_services(self) -> None:
        """Runs what has to run before the first call. Calling it again does nothing."""
        with self._init_lock:
            if not self._is_ready:
                for hook in self._init_hooks:
                    hook()
                self._is_ready = True

    def dispatch(self, topic: str, params: Optional[Params] = None) -> Envelope:
        """Runs one topic and answers its envelope."""
        begun = time.perf_counter()
        answer: Envelope = {"ok": False, "topic": topic}
        entry = self._topics.get(topic)
        if entry is None:
            answer["error"] = f"unknown topic: {topic}"
            answer["suggestions"] = difflib.get_close_matches(topic, self._topics, n=3)
        else:
            try:
                self.init_all_services()
                answer["result"] = entry.handler(dict(params or {}))
                answer["ok"] = True
            except InvalidParams as error:
                answer["error"] = f"invalid params: {error}"
            except Exception as error:  # a handler's failure is an answer, whatever it is
                answer["error"] = f"{type(error).__name__}: {error}"
        answer["duration_ms"] = round((time.perf_counter() - begun) * 1000, 3)
        return answer

    def list_services(self) -> Dict[str, str]:
        """Each service with the topics it has, in words."""
        services: Dict[str, List[str]] = {}
        for topic in sorted(self._topics):
            service, name = topic.split(".")
            services.setdefault(service, []).append(name)
        return {service: ", ".join(names) for service, names in services.items()}

    def list_topics(self, service: Optional[str] = None) -> List[Dict[str, str]]:
        """The topics, all or those of one service, each with its description."""
        return [
            {"name": topic, "description": entry.description}
            for topic, entry in sorted(self._topics.items())
            if service in (None, topic.split(".")[0])
        ]
