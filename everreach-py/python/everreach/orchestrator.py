"""The orchestrator: decides where each call runs, and answers with an envelope."""

from __future__ import annotations

import os
import warnings
from types import ModuleType, TracebackType
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Type, Union

from everreach._everreach import ActionClassifier, Orchestrator
from everreach.cost import CostGuard
from everreach.envelope import Envelope
from everreach.safari.dispatcher import SafariDispatcher
from everreach.safari.queue import SafariQueue
from everreach.state_sync import StateSync
from everreach.sync_bus import SyncBus
from everreach.traits import Classifier, CostGuardProtocol, Executor

Dispatch = Callable[[str, Dict[str, Any]], Any]


class Registry(Protocol):
    """A service registry: a module or an object with ``dispatch``, and ``init_all_services()`` and ``list_topics()`` where it has them."""

    @property
    def dispatch(self) -> Dispatch:
        """Runs a topic and answers with the registry's envelope."""


class HybridOrchestrator:
    """Routes actions to this machine or to the cloud, under the budget, never an outward one twice.

    ``env`` is ``"local"``, ``"cloud"`` or ``"hybrid"``. ``local`` is what runs actions in this process: a function
    ``(topic, params) -> envelope``, plain or ``async def``, or a module with ``dispatch`` and ``init_all_services``; ``init`` is
    called once before the first call. ``config`` is the path of a file of settings or a mapping such as
    ``{"MONTHLY_COST_CAP": 100}``. Whatever is not given comes from the environment, ``.env``, ``everreach.toml`` or the default.
    ``executor``, ``classifier`` and ``cost_guard`` replace the core's own (see :mod:`everreach.traits`), ``safari_dispatcher`` carries
    out the commands of :attr:`safari`.

    Settings are checked here (:class:`everreach.errors.ConfigError`); the database is opened at the first call, so that an
    orchestrator made at import time may be used after a fork.
    """

    def __init__(
        self,
        env: Optional[str] = None,
        *,
        local: Union[Dispatch, Registry, ModuleType, None] = None,
        init: Optional[Callable[[], Any]] = None,
        config: Union[str, os.PathLike[str], Mapping[str, Any], None] = None,
        database_url: Optional[str] = None,
        cloud_endpoint: Optional[str] = None,
        cloud_key: Optional[str] = None,
        executor: Optional[Executor] = None,
        classifier: Union[Classifier, ActionClassifier, None] = None,
        cost_guard: Union[CostGuard, CostGuardProtocol, None] = None,
        safari_dispatcher: Optional[SafariDispatcher] = None,
    ) -> None:
        self._native = Orchestrator(
            env, local, init, config, database_url, cloud_endpoint, cloud_key, executor, classifier, cost_guard, safari_dispatcher
        )

    @property
    def env(self) -> str:
        """``local``, ``cloud`` or ``hybrid``."""
        return self._native.env

    @property
    def safari(self) -> SafariQueue:
        """Safari's queue in this orchestrator: the words that a campaign leaves out are written by its ``content.generate``. It is closed
        with the orchestrator."""
        return SafariQueue._lent(self, self._native.safari())

    @property
    def bus(self) -> SyncBus:
        """Messages by topic, in this orchestrator's database. It is closed with the orchestrator."""
        return SyncBus._lent(self, self._native.bus())

    @property
    def state(self) -> StateSync:
        """State that both sides share, in this orchestrator's database. It is closed with the orchestrator."""
        return StateSync._lent(self, self._native.state())

    async def route(
        self,
        action: str,
        params: Optional[Mapping[str, Any]] = None,
        force_env: Optional[str] = None,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Envelope:
        """Runs one call. Every failure of the call is an envelope with ``ok`` false.

        ``force_env`` insists on ``"local"`` or ``"cloud"`` (it changes neither the caps nor the stop switch). Under an
        ``idempotency_key`` the call happens once: a repeat answers the stored envelope with ``replayed`` true. ``timeout`` is in
        seconds, for the whole call. Cancelling ends a read; an outward call goes on and is journaled.
        """
        return await self._native.route(action, params, force_env, idempotency_key, timeout)

    def route_sync(
        self,
        action: str,
        params: Optional[Mapping[str, Any]] = None,
        force_env: Optional[str] = None,
        *,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Envelope:
        """As :meth:`route`, waiting on this thread. Also works where an event loop runs, as in a notebook.

        Without a ``timeout`` a plain ``local`` function of a read runs on this very thread, as a function call would, and is not
        interrupted.
        """
        return self._native.route_sync(action, params, force_env, idempotency_key, timeout)

    async def batch_execute(self, actions: Sequence[Mapping[str, Any]], max_concurrent: int = 3) -> List[Envelope]:
        """Runs calls, at most ``max_concurrent`` at a time, and answers in their order. One that fails does not stop the others.

        Each is a mapping with ``action`` and, if wanted, ``params``, ``force_env``, ``idempotency_key``, ``timeout`` (seconds;
        or ``timeout_ms``, as in the HTTP interface).
        One that cannot be read raises :class:`everreach.errors.InvalidInputError` before anything runs.
        """
        return await self._native.batch_execute(actions, max_concurrent)

    def batch_execute_sync(self, actions: Sequence[Mapping[str, Any]], max_concurrent: int = 3) -> List[Envelope]:
        """As :meth:`batch_execute`, waiting on this thread."""
        return self._native.batch_execute_sync(actions, max_concurrent)

    def explain(
        self, action: str, params: Optional[Mapping[str, Any]] = None, force_env: Optional[str] = None
    ) -> Dict[str, Any]:
        """Where the call would run now, and every rule that was weighed. Runs nothing."""
        return self._native.explain(action, params, force_env)

    def open(self) -> None:
        """Opens the database now rather than at the first call. ``with`` and ``async with`` do this."""
        self._native.open()

    def close(self) -> None:
        """Takes no more calls, waits up to 10 s for those under way, and closes the database. May be called twice.

        Where an event loop runs that awaits calls, use :meth:`aclose` or ``async with``; a handler cannot close its own orchestrator.
        """
        self._native.close()

    async def aclose(self) -> None:
        """As :meth:`close`, without blocking the event loop."""
        await self._native.close_async()

    def __enter__(self) -> HybridOrchestrator:
        self.open()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> HybridOrchestrator:
        await self._native.open_async()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self._native.close_async()

    def __repr__(self) -> str:
        return f"HybridOrchestrator(env={self.env!r}, {'open' if self._native.is_open else 'not open'})"

    def __del__(self) -> None:
        native = getattr(self, "_native", None)
        if native is not None and native.is_open:
            warnings.warn(f"{self!r} was never closed: use `with` or call close()", ResourceWarning, source=self)
