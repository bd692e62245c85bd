"""The queue."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Type, Union

from everreach import _everreach
from everreach.safari.campaigns import Campaigns
from everreach.safari.deciding import Deciding
from everreach.safari.dispatcher import SafariDispatcher
from everreach.safari.enqueueing import Enqueueing


class SafariQueue(Enqueueing, Deciding):
    """The durable queue of the commands for Safari, which the server, the daemon and other programs of the same database share.

    >>> queue = SafariQueue("sqlite::memory:")
    >>> id = queue.enqueue_dm_sync("instagram", "bob", "Great work!", idempotency_key="bob-1")
    >>> queue.enqueue_dm_sync("instagram", "bob", "Great work!", idempotency_key="bob-1") == id
    True
    >>> queue.cancel_sync(id)["status"]
    'cancelled'
    >>> queue.close()

    What may not be sent is refused here (:class:`everreach.errors.InvalidParamsError`; ``context["field"]`` and ``context["code"]``
    say what is wrong). Writing sends nothing: that is what :meth:`run_once` and :meth:`run` do, or the server's ``serve --safari``.
    Answers are those of the routes under ``/api/safari``.

    Of all commands: ``priority`` is 5 unless given, lower goes first; ``at`` is the time before which it does not go, a
    :class:`~datetime.datetime` with a time zone or a text such as ``"2026-11-20T12:00:00Z"``; with an ``idempotency_key`` it is
    written once, and asked for again it is the same id; ``campaign`` and ``batch`` name what it belongs to, and more than 10
    messages in one of these wait for a person: :meth:`approve`.

    Without ``database_url`` it is the database of the settings, opened at the first use. ``dispatcher`` carries the commands out in place of
    the nine services; ``config`` is the path of a file of settings or a mapping such as ``{"SAFARI_ACTIVE_HOURS": "0-24"}``.
    """

    def __init__(
        self,
        database_url: Optional[str] = None,
        *,
        dispatcher: Optional[SafariDispatcher] = None,
        config: Union[str, os.PathLike[str], Mapping[str, Any], None] = None,
    ) -> None:
        self._native = _everreach.SafariQueue(database_url, config, dispatcher)
        self._lender: object = None

    @classmethod
    def _lent(cls, lender: object, native: _everreach.SafariQueue) -> SafariQueue:
        queue = cls.__new__(cls)
        queue._native, queue._lender = native, lender
        return queue

    @property
    def campaigns(self) -> Campaigns:
        """Sequences of commands per target."""
        return Campaigns(self._native)

    async def campaign(
        self,
        kind: str,
        platform: str,
        handles: Sequence[str],
        *,
        posts: Optional[Mapping[str, Sequence[str]]] = None,
        templates: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
    ) -> Dict[str, Any]:
        """Starts a campaign: :meth:`Campaigns.start`."""
        return await self.campaigns.start(kind, platform, handles, posts=posts, templates=templates, id=id)

    def campaign_sync(
        self,
        kind: str,
        platform: str,
        handles: Sequence[str],
        *,
        posts: Optional[Mapping[str, Sequence[str]]] = None,
        templates: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
    ) -> Dict[str, Any]:
        """As :meth:`campaign`, waiting on this thread."""
        return self.campaigns.start_sync(kind, platform, handles, posts=posts, templates=templates, id=id)

    async def get(self, id: str) -> Dict[str, Any]:
        """The command with its ``tries`` and with ``why`` it is where it is; raises :class:`everreach.errors.NotFoundError`."""
        return await self._native.ask("get", {"id": id})

    def get_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`get`, waiting on this thread."""
        return self._native.ask_sync("get", {"id": id})

    async def history(
        self,
        platform: Optional[str] = None,
        action: Optional[str] = None,
        status: Optional[str] = None,
        campaign: Optional[str] = None,
        *,
        cursor: Optional[str] = None,
        limit: int = 50,
    ) -> Dict[str, Any]:
        """``commands`` of every status, newest first, 1 to 1000 of them, and ``next``: the ``cursor`` of the page that follows."""
        return await self._native.ask("history", _listing(platform, action, status, campaign, cursor, limit))

    def history_sync(
        self,
        platform: Optional[str] = None,
        action: Optional[str] = None,
        status: Optional[str] = None,
        campaign: Optional[str] = None,
        *,
        cursor: Optional[str] = None,
        limit: int = 50,
    ) -> Dict[str, Any]:
        """As :meth:`history`, waiting on this thread."""
        return self._native.ask_sync("history", _listing(platform, action, status, campaign, cursor, limit))

    async def status(self) -> Dict[str, Any]:
        """The queue at a glance: how many ``commands`` stand where, what ``limits`` have been used, what is ``stopped`` or ``halts``,
        which ``approvals`` are wanted, and how the ``services`` are, as of a minute ago at most."""
        return await self._native.ask("status", {})

    def status_sync(self) -> Dict[str, Any]:
        """As :meth:`status`, waiting on this thread."""
        return self._native.ask_sync("status", {})

    async def rate_limits(self) -> Dict[str, Any]:
        """``limits`` by platform and action with what is ``used`` of them, and ``resets_at``: when the next hour and day begin."""
        return await self._native.ask("rate_limits", {})

    def rate_limits_sync(self) -> Dict[str, Any]:
        """As :meth:`rate_limits`, waiting on this thread."""
        return self._native.ask_sync("rate_limits", {})

    async def services(self) -> List[Dict[str, Any]]:
        """The nine services and how they are, half a minute ago at most; within 5 s, even when all of them hang."""
        answer = await self._native.ask("services", {})
        return list(answer["services"])

    def services_sync(self) -> List[Dict[str, Any]]:
        """As :meth:`services`, waiting on this thread."""
        return list(self._native.ask_sync("services", {})["services"])

    async def run_once(self, max: int = 20) -> Dict[str, Any]:
        """Carries out what may go now, ``max`` commands at most, and says how many were ``executed``, and of these ``completed``,
        ``failed``, ``unknown`` and ``rescheduled``. The run goes on to its end when this is cancelled."""
        return await self._native.run_once(max)

    def run_once_sync(self, max: int = 20) -> Dict[str, Any]:
        """As :meth:`run_once`, waiting on this thread."""
        return self._native.run_once_sync(max)

    async def run(self, interval: float = 30.0, max: Optional[int] = None) -> Dict[str, Any]:
        """The daemon: carries out what may go as soon as it may, and looks every ``interval`` seconds for what nobody announced; with
        ``max``, so many commands at most in each interval. Until it is cancelled or the queue is closed, which ends it with the
        numbers of :meth:`run_once`. Then nothing more is started; what runs goes on to its end, and closing waits for it."""
        return await self._native.run(interval, max)

    def run_sync(self, interval: float = 30.0, max: Optional[int] = None) -> Dict[str, Any]:
        """As :meth:`run`, waiting on this thread: until Ctrl-C, or until another thread closes the queue."""
        return self._native.run_sync(interval, max)

    def open(self) -> None:
        """Opens the database now rather than at the first use. ``with`` and ``async with`` do this."""
        self._native.open()

    def close(self) -> None:
        """Starts nothing more, waits for what is being sent, however long that takes, and closes the database. May be called twice.

        Where an event loop runs that awaits something here, or on which a dispatcher works, use :meth:`aclose` or ``async with``; a
        dispatcher cannot close its own queue. The queue of an orchestrator is closed with it, and not by this.
        """
        self._native.close()

    async def aclose(self) -> None:
        """As :meth:`close`, without blocking the event loop."""
        await self._native.close_async()

    def __enter__(self) -> SafariQueue:
        self.open()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> SafariQueue:
        await self._native.open_async()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self._native.close_async()


def _listing(
    platform: Optional[str],
    action: Optional[str],
    status: Optional[str],
    campaign: Optional[str],
    cursor: Optional[str],
    limit: int,
) -> Dict[str, Any]:
    return {"platform": platform, "action": action, "status": status, "campaign": campaign, "cursor": cursor, "limit": limit}
