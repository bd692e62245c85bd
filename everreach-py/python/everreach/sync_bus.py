"""Messages by topic between processes and machines."""

from __future__ import annotations

import inspect
import os
import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Type, Union

from everreach import _everreach

#: ``handler(payload)``, or ``handler(payload, message)`` where it takes two; plain or ``async def``.
Handler = Union[Callable[[Any], Union[Awaitable[Any], Any]], Callable[[Any, "Message"], Union[Awaitable[Any], Any]]]


@dataclass(frozen=True)
class Message:
    """A message as it is delivered."""

    #: The same at every delivery and on every machine.
    id: str
    topic: str
    payload: Any
    #: When it was published, by the publisher's clock: RFC 3339.
    created_at: str
    #: Who gets it: the name of the subscription.
    name: str
    #: Which delivery this is; the first is 1.
    attempt: int
    #: Its place in the log; none when it had been parked and is replayed.
    place: Optional[int]


class Subscription:
    """A handler at work; made by :meth:`SyncBus.subscribe`."""

    def __init__(self, bus: SyncBus, native: _everreach.Subscription) -> None:
        self._bus, self._native = bus, native

    @property
    def topic(self) -> str:
        """What it reads."""
        return self._native.topic

    @property
    def name(self) -> str:
        """By this name the database knows how far it is."""
        return self._native.name

    def stop(self) -> None:
        """Takes no further message. Does not wait for the one that is being handled, so that a handler may call it; closing the bus
        does. The database remembers how far it is, for whoever subscribes by this name again."""
        self._native.stop()

    def __repr__(self) -> str:
        return f"Subscription(topic={self.topic!r}, name={self.name!r})"


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
    process or Redis is killed. Without arguments it is the bus of the settings (``REDIS_URL``, ``DATABASE_URL``), opened at the
    first use; ``config`` is the path of a file of settings or a mapping such as ``{"SYNC_INTERVAL_SEC": 1}``.
    """

    def __init__(
        self,
        redis_url: Optional[str] = None,
        database_url: Optional[str] = None,
        *,
        config: Union[str, os.PathLike[str], Mapping[str, Any], None] = None,
    ) -> None:
        self._native = _everreach.SyncBus(redis_url, database_url, config)
        self._lender: object = None

    @classmethod
    def _lent(cls, lender: object, native: _everreach.SyncBus) -> SyncBus:
        bus = cls.__new__(cls)
        bus._native, bus._lender = native, lender
        return bus

    async def publish(self, topic: str, payload: Any, *, dedup_key: Optional[str] = None) -> str:
        """Publishes a JSON value of at most 1 MiB and returns the message's id. A second message of the topic with the same ``dedup_key``
        is not published: its id is that of the first."""
        return await self._native.publish(topic, payload, dedup_key)

    def publish_sync(self, topic: str, payload: Any, *, dedup_key: Optional[str] = None) -> str:
        """As :meth:`publish`, waiting on this thread."""
        return self._native.publish_sync(topic, payload, dedup_key)

    def subscribe(self, topic: str, handler: Handler, *, name: str = "default", start: str = "oldest") -> Subscription:
        """Calls ``handler(payload)``, or ``handler(payload, message)`` where it takes two, with each message of the topic, one after the
        other. A message is acknowledged when its handler returns.

        A coroutine runs on the event loop that runs here now, or else on one of ours; a plain function in a thread. A handler that
        raises gets the message again after 1, 2, 4 and 8 s, and those after it wait; after five failures the message is parked:
        :meth:`parked`, :meth:`replay`. After a crash the last ones that were handled can come again: ``message.id`` tells.

        The ``name`` stands for what has been read, in the database: a subscription that is new begins with the ``"oldest"`` message that
        is kept, or with the ``"newest"``, what is published from now on. Of the processes that read by one name one gets the messages,
        and another takes over when it is gone; each handler that is to get every message needs a name of its own.

        Waits for the database. The handler reads until :meth:`Subscription.stop`, or until the bus is closed or let go.
        """
        native = self._native.subscribe(topic, handler, name, start, _takes_message(handler))
        return Subscription(self, native)

    async def unsubscribe(self, topic: str, *, name: str = "default") -> bool:
        """Forgets how far a subscription is, so that nothing is kept for it any more. Says whether there was one."""
        return await self._native.ask("unsubscribe", {"topic": topic, "name": name})

    def unsubscribe_sync(self, topic: str, *, name: str = "default") -> bool:
        """As :meth:`unsubscribe`, waiting on this thread."""
        return self._native.ask_sync("unsubscribe", {"topic": topic, "name": name})

    async def receive(
        self, topic: str, *, name: str = "default", max: int = 1, timeout: float = 0.0
    ) -> List[Message]:
        """The next messages of a subscription without a handler, in order; waits up to ``timeout`` seconds for the first one. They come
        again until they are acknowledged. Nothing when another process reads by this name."""
        return [_message(one) for one in await self._native.ask("receive", _next(topic, name, max, timeout))]

    def receive_sync(self, topic: str, *, name: str = "default", max: int = 1, timeout: float = 0.0) -> List[Message]:
        """As :meth:`receive`, waiting on this thread."""
        return [_message(one) for one in self._native.ask_sync("receive", _next(topic, name, max, timeout))]

    async def ack(self, message: Message) -> None:
        """This message and those before it are handled. Raises :class:`everreach.errors.ConflictError` when another process reads for the
        subscription by now: it gets the message again."""
        await self._native.ask("ack", {"delivery": _delivery(message)})

    def ack_sync(self, message: Message) -> None:
        """As :meth:`ack`, waiting on this thread."""
        self._native.ask_sync("ack", {"delivery": _delivery(message)})

    async def fail(self, message: Message, error: str) -> Optional[str]:
        """This message could not be handled; those before it are. Answers when it is delivered again, ``None`` when it is parked."""
        return await self._native.ask("fail", {"delivery": _delivery(message), "error": error})

    def fail_sync(self, message: Message, error: str) -> Optional[str]:
        """As :meth:`fail`, waiting on this thread."""
        return self._native.ask_sync("fail", {"delivery": _delivery(message), "error": error})

    async def parked(self, limit: int = 100) -> List[Dict[str, Any]]:
        """The messages that were given up, oldest first: ``subscription``, ``id``, ``topic``, ``payload`` (as text), ``attempts``,
        ``error``, ``parked_at`` and ``is_replayed``."""
        return await self._native.ask("parked", {"limit": limit})

    def parked_sync(self, limit: int = 100) -> List[Dict[str, Any]]:
        """As :meth:`parked`, waiting on this thread."""
        return self._native.ask_sync("parked", {"limit": limit})

    async def replay(self, id: str, *, name: str = "default") -> bool:
        """Delivers a parked message once more, out of order; says whether there was one."""
        return await self._native.ask("replay", {"name": name, "id": id})

    def replay_sync(self, id: str, *, name: str = "default") -> bool:
        """As :meth:`replay`, waiting on this thread."""
        return self._native.ask_sync("replay", {"name": name, "id": id})

    async def status(self) -> Dict[str, Any]:
        """How the bus is: ``redis`` (``None`` when none is configured), ``unsent``, ``parked``, and ``subscriptions`` with what is
        ``waiting`` for each."""
        return await self._native.ask("status", {})

    def status_sync(self) -> Dict[str, Any]:
        """As :meth:`status`, waiting on this thread."""
        return self._native.ask_sync("status", {})

    def open(self) -> None:
        """Opens the database now rather than at the first use. ``with`` and ``async with`` do this."""
        self._native.open()

    def close(self) -> None:
        """Stops every handler after the message it is at, which gets up to 10 s, and closes the database. May be called twice.

        Where an event loop runs on which handlers run, use :meth:`aclose` or ``async with``; a handler cannot close its own bus. The bus
        of an orchestrator is closed with it; this stops the handlers that were subscribed through it.
        """
        self._native.close()

    async def aclose(self) -> None:
        """As :meth:`close`, without blocking the event loop."""
        await self._native.close_async()

    def __enter__(self) -> SyncBus:
        self.open()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> SyncBus:
        await self._native.open_async()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self._native.close_async()

    def __del__(self) -> None:
        native, lender = getattr(self, "_native", None), getattr(self, "_lender", None)
        if native is not None and lender is None and native.is_open:
            warnings.warn("a SyncBus was never closed: use `with` or call close()", ResourceWarning, source=self)


def _takes_message(handler: Handler) -> bool:
    """Whether it cannot be called with the payload alone."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is inspect.Parameter.empty for one in parameters) >= 2


def _next(topic: str, name: str, max: int, timeout: float) -> Dict[str, Any]:
    return {"topic": topic, "name": name, "max": max, "timeout": timeout}


def _message(delivery: Mapping[str, Any]) -> Message:
    return Message(
        **delivery["message"], name=delivery["subscription"], attempt=delivery["attempt"], place=delivery["place"]
    )


def _delivery(message: Message) -> Dict[str, Any]:
    kept = {"id": message.id, "topic": message.topic, "payload": message.payload, "created_at": message.created_at}
    return {"message": kept, "subscription": message.name, "attempt": message.attempt, "place": message.place}
