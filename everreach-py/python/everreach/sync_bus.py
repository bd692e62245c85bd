"""Messages by topic between processes and machines."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import inspect
import logging
import threading
import weakref
from concurrent.futures import TimeoutError as NotYet
from types import TracebackType
from typing import Any, Awaitable, Callable, Dict, List, Optional, Type, Union

from everreach import _everreach
from everreach.errors import EverReachError

Handler = Callable[..., Union[Awaitable[Any], Any]]

_log = logging.getLogger("everreach.sync_bus")
#: How often it is said that a handler is still at work.
_EXTEND_EVERY = 3.0


class SyncBus:
    """Publishes messages and calls handlers with them, over the database that other processes share and, with ``redis_url``, over
    Redis into other databases.

    >>> import threading
    >>> heard = threading.Event()
    >>> with SyncBus(database_url="sqlite::memory:") as bus:
    ...     subscription = bus.subscribe("crm.updated", lambda payload: heard.set())
    ...     id = bus.publish_sync("crm.updated", {"contact": 7})
    ...     heard.wait(10)
    True

    What :meth:`publish` returned for is delivered at least once to every subscription, in the order of publication, also when a
    process or Redis is killed. Without arguments it is the bus of the settings (``REDIS_URL``, ``DATABASE_URL``).
    """

    def __init__(self, redis_url: Optional[str] = None, database_url: Optional[str] = None) -> None:
        self._native = _everreach.SyncBus(redis_url, database_url)
        self._subscriptions: List[Subscription] = []
        _buses.add(self)

    async def publish(self, topic: str, payload: Any, dedup_key: Optional[str] = None) -> str:
        """Publishes a JSON value and returns the message's id. A second message of the topic with the same ``dedup_key`` is not
        published: its id is that of the first."""
        return await self._native.publish(topic, payload, dedup_key)

    def publish_sync(self, topic: str, payload: Any, dedup_key: Optional[str] = None) -> str:
        """As :meth:`publish`, waiting on this thread."""
        return self._native.publish_sync(topic, payload, dedup_key)

    def subscribe(self, topic: str, handler: Handler, name: str = "default") -> Subscription:
        """Calls ``handler(payload)``, or ``handler(payload, id)`` if it takes two, with each message of the topic, one after the
        other, beginning with the oldest that is kept.

        A coroutine function runs on the event loop that runs here now, or else on one of its own; a plain one in a thread. A handler
        that raises gets the message again later, and those after it wait; after five failures the message is parked. Subscriptions
        with the same ``name``, of this and other processes, share the work: one of them reads. Each handler that is to get every
        message needs a name of its own.
        """
        subscription = Subscription(self._native, topic, handler, name)
        self._subscriptions.append(subscription)
        return subscription

    def close(self) -> None:
        """Stops every subscription after the message it is at, and closes the database. May be called twice."""
        self._stop()
        self._native.close()

    async def aclose(self) -> None:
        """As :meth:`close`, without blocking the event loop."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _stop(self) -> None:
        for subscription in self._subscriptions:
            subscription._stopping.set()
        for subscription in self._subscriptions:
            subscription.stop()

    def __enter__(self) -> SyncBus:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> SyncBus:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self.aclose()


_buses: weakref.WeakSet[SyncBus] = weakref.WeakSet()


def _stop_all() -> None:
    for bus in list(_buses):
        bus._stop()


# A thread that reads while the interpreter ends would hold it up.
atexit.register(_stop_all)


class Subscription:
    """A handler at work; made by :meth:`SyncBus.subscribe`."""

    def __init__(self, native: _everreach.SyncBus, topic: str, handler: Handler, name: str) -> None:
        self._native, self._topic, self._handler, self._name = native, topic, handler, name
        self._takes_id = _takes_two(handler)
        self._stopping = threading.Event()
        self._at_work: Optional[Dict[str, Any]] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._read, name=f"everreach-bus-{topic}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the message it is at."""
        self._stopping.set()
        if self._thread is not threading.current_thread():
            self._thread.join(10.0)

    def _read(self) -> None:
        extending = threading.Thread(target=self._extend, name="everreach-bus-extend", daemon=True)
        extending.start()
        while not self._stopping.is_set():
            try:
                for delivery in self._native.receive(self._name, self._topic):
                    if self._stopping.is_set() or not self._handle(delivery):
                        break
            except EverReachError as error:
                if not self._stopping.is_set():
                    _log.warning("the bus failed, trying again: %s", error)
                self._stopping.wait(1.0)
        with contextlib.suppress(EverReachError):
            self._native.release(self._name, self._topic)

    def _handle(self, delivery: Dict[str, Any]) -> bool:
        self._at_work = delivery
        try:
            self._call(delivery["message"])
        except _Stopped:
            return False
        except Exception as error:
            _log.warning("a handler of %s failed", self._topic, exc_info=True)
            self._native.fail(delivery, f"{type(error).__name__}: {error}")
            return False
        finally:
            self._at_work = None
        self._native.ack(delivery)
        return True

    def _call(self, message: Dict[str, Any]) -> None:
        arguments = (message["payload"], message["id"]) if self._takes_id else (message["payload"],)
        answer = self._handler(*arguments)
        if not inspect.isawaitable(answer):
            return
        if self._loop is None:
            asyncio.run(_awaited(answer))
            return
        running = asyncio.run_coroutine_threadsafe(_awaited(answer), self._loop)
        while True:
            try:
                running.result(0.5)
                return
            except NotYet:
                if running.done():
                    raise
                if self._stopping.is_set():
                    # The loop may be waiting for us: the message comes again.
                    running.cancel()
                    raise _Stopped from None

    def _extend(self) -> None:
        while not self._stopping.wait(_EXTEND_EVERY):
            delivery = self._at_work
            if delivery is not None:
                with contextlib.suppress(EverReachError):
                    self._native.extend(delivery)


class _Stopped(Exception):
    """It was stopped while a coroutine ran."""


async def _awaited(answer: Awaitable[Any]) -> None:
    await answer


def _takes_two(handler: Handler) -> bool:
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.kind in positional and one.default is inspect.Parameter.empty]
    return len(needed) >= 2
