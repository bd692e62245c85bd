"""A dispatcher for tests: it plays a script, can be held, and writes down what reached it."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, Deque, Dict, Iterable, List, Optional

from everreach.safari.dispatchable import Dispatchable, Service
from everreach.safari.dispatcher import SafariDispatcher, ServiceHealth
from everreach.safari.outcome import DispatchOutcome


class ScriptedDispatcher(SafariDispatcher):
    """Plays ``outcomes`` in order, or asks ``answering`` for each; after the script all goes well. Every service is healthy until told
    otherwise.

    >>> from everreach import SafariQueue
    >>> dispatcher = ScriptedDispatcher([DispatchOutcome.refused("no_tab", "no tab", repeat="free")])
    >>> with SafariQueue("sqlite::memory:", dispatcher=dispatcher) as queue:
    ...     id = queue.enqueue_research_sync("twitter", "tea")
    ...     queue.run_once_sync()["rescheduled"]
    1
    >>> dispatcher.seen[0].verb
    'market_research'

    An outcome that is an exception is raised.
    """

    def __init__(
        self,
        outcomes: Iterable[DispatchOutcome | BaseException] = (),
        *,
        answering: Optional[Callable[[Dispatchable], DispatchOutcome]] = None,
        held: bool = False,
    ) -> None:
        self._outcomes: Deque[DispatchOutcome | BaseException] = deque(outcomes)
        self._answering = answering
        self._health: Dict[str, ServiceHealth] = {}
        self._changed = threading.Condition()
        self._permits = 0
        self._running = 0
        self.held = held
        #: What reached it, in order.
        self.seen: List[Dispatchable] = []
        #: How often a service was asked how it is.
        self.looks = 0
        #: How many commands ran at the same time at most.
        self.most_at_once = 0

    def health(self, service: Service) -> ServiceHealth:
        with self._changed:
            self.looks += 1
            return self._health.get(service, ServiceHealth.healthy("as the script says"))

    def set_health(self, service: Service, health: ServiceHealth) -> None:
        """Says how a service is from now on."""
        with self._changed:
            self._health[service] = health

    def dispatch(self, command: Dispatchable) -> DispatchOutcome:
        with self._changed:
            self.seen.append(command)
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            self._changed.notify_all()
            if self.held:
                self._changed.wait_for(lambda: self._permits > 0)
                self._permits -= 1
            self._running -= 1
            outcome = self._outcomes.popleft() if self._outcomes and self._answering is None else None
        if self._answering is not None:
            return self._answering(command)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome or DispatchOutcome.sent("the script has ended")

    def release(self, commands: int = 1) -> None:
        """Lets so many commands end, when it holds them (``held=True``)."""
        with self._changed:
            self._permits += commands
            self._changed.notify_all()

    def wait_begun(self, commands: int = 1, timeout: float = 30.0) -> bool:
        """Waits until so many commands have begun in all; false when that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.seen) >= commands, timeout)
