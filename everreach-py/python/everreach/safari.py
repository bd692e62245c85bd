"""Safari's queue: messages, comments and searches that wait for their turn in a browser on a Mac."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from everreach import _everreach
from everreach.errors import InvalidInputError

Time = Union[datetime, str]


class SafariQueue:
    """The durable queue of the commands for Safari, which the server, the daemon and other programs of the same database share.

    >>> queue = SafariQueue("sqlite::memory:")
    >>> id = queue.enqueue_dm_sync("instagram", "bob", "Great work!", idempotency_key="bob-1")
    >>> queue.enqueue_dm_sync("instagram", "bob", "Great work!", idempotency_key="bob-1") == id
    True
    >>> queue.cancel_sync(id)["status"]
    'cancelled'

    What may not be sent is refused here (:class:`everreach.errors.InvalidParamsError`; ``context["field"]`` and ``context["code"]``
    say what is wrong). Writing sends nothing: that is what :meth:`run_once` does, or the server's ``serve --safari``. Answers are
    those of the routes under ``/api/safari``.

    Of all commands: ``priority`` is 5 unless given, lower goes first; ``at`` is the time before which it does not go, a
    :class:`~datetime.datetime` with a time zone or a text such as ``"2026-11-20T12:00:00Z"``; with an ``idempotency_key`` it is
    written once, and asked for again it is the same id; ``campaign`` and ``batch`` name what it belongs to, and more than 10
    messages in one of these wait for a person.

    Without ``database_url`` it is the database of the settings, opened at the first use.
    """

    def __init__(self, database_url: Optional[str] = None) -> None:
        self._native = _everreach.SafariQueue(database_url)

    async def enqueue_dm(
        self,
        platform: str,
        handle: str,
        text: str,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """Writes a direct message to ``handle`` (on LinkedIn the address of the profile); returns its id."""
        command = _command("send_dm", platform, {"username": handle, "text": text}, priority, at, idempotency_key, campaign, batch)
        written = await self._native.enqueue(command)
        return str(written[0]["id"])

    def enqueue_dm_sync(
        self,
        platform: str,
        handle: str,
        text: str,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """As :meth:`enqueue_dm`, waiting on this thread."""
        command = _command("send_dm", platform, {"username": handle, "text": text}, priority, at, idempotency_key, campaign, batch)
        return str(self._native.enqueue_sync(command)[0]["id"])

    async def enqueue_comment(
        self,
        platform: str,
        url: str,
        text: str,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """Writes a comment under the post at ``url``; returns its id."""
        command = _command("comment", platform, {"postUrl": url, "text": text}, priority, at, idempotency_key, campaign, batch)
        written = await self._native.enqueue(command)
        return str(written[0]["id"])

    def enqueue_comment_sync(
        self,
        platform: str,
        url: str,
        text: str,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """As :meth:`enqueue_comment`, waiting on this thread."""
        command = _command("comment", platform, {"postUrl": url, "text": text}, priority, at, idempotency_key, campaign, batch)
        return str(self._native.enqueue_sync(command)[0]["id"])

    async def enqueue_research(
        self,
        platform: str,
        keyword: str,
        max_posts: Optional[int] = None,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """Writes a search; returns its id. ``max_posts`` is 1 to 100, 10 unless given."""
        command = _command("market_research", platform, _search(keyword, max_posts), priority, at, idempotency_key, campaign, batch)
        written = await self._native.enqueue(command)
        return str(written[0]["id"])

    def enqueue_research_sync(
        self,
        platform: str,
        keyword: str,
        max_posts: Optional[int] = None,
        *,
        priority: Optional[int] = None,
        at: Optional[Time] = None,
        idempotency_key: Optional[str] = None,
        campaign: Optional[str] = None,
        batch: Optional[str] = None,
    ) -> str:
        """As :meth:`enqueue_research`, waiting on this thread."""
        command = _command("market_research", platform, _search(keyword, max_posts), priority, at, idempotency_key, campaign, batch)
        return str(self._native.enqueue_sync(command)[0]["id"])

    async def enqueue(self, commands: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """Writes 1 to 1000 commands: all of them, or none. For each: ``id``, ``status``, and ``created``, which is false when its
        key was known; ``waits_for`` names the batch or campaign that waits for a person.

        A command has ``action``, ``platform``, ``params``, ``priority``, ``scheduled_for``, ``idempotency_key``, ``campaign_id``
        and ``batch_id``; all but the first may be left out.
        """
        return await self._native.enqueue({"commands": _zoned(commands)})

    def enqueue_sync(self, commands: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """As :meth:`enqueue`, waiting on this thread."""
        return self._native.enqueue_sync({"commands": _zoned(commands)})

    async def get(self, id: str) -> Dict[str, Any]:
        """The command with its ``tries`` and with ``why`` it is where it is; raises :class:`everreach.errors.NotFoundError`."""
        return await self._native.get(id)

    def get_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`get`, waiting on this thread."""
        return self._native.get_sync(id)

    async def cancel(self, id: str) -> Dict[str, Any]:
        """Takes a command back that was not sent yet, and returns it as it is now. Twice is once; raises
        :class:`everreach.errors.ConflictError` when it is being sent or over."""
        return await self._native.cancel(id)

    def cancel_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`cancel`, waiting on this thread."""
        return self._native.cancel_sync(id)

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
        return await self._native.history(platform, action, status, campaign, cursor, limit)

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
        return self._native.history_sync(platform, action, status, campaign, cursor, limit)

    async def status(self) -> Dict[str, Any]:
        """The queue at a glance: how many ``commands`` stand where, what ``limits`` have been used, what is ``stopped`` or ``halts``,
        which ``approvals`` are wanted, and how the ``services`` are, as of a minute ago at most."""
        return await self._native.status()

    def status_sync(self) -> Dict[str, Any]:
        """As :meth:`status`, waiting on this thread."""
        return self._native.status_sync()

    async def rate_limits(self) -> Dict[str, Any]:
        """``limits`` by platform and action with what is ``used`` of them, and ``resets_at``: when the next hour and day begin."""
        return await self._native.rate_limits()

    def rate_limits_sync(self) -> Dict[str, Any]:
        """As :meth:`rate_limits`, waiting on this thread."""
        return self._native.rate_limits_sync()

    async def run_once(self, max: int = 20) -> Dict[str, Any]:
        """Carries out what may go now, ``max`` commands at most, and says how many were ``executed``, and of these ``completed``,
        ``failed``, ``unknown`` and ``rescheduled``. What was begun goes on to its end when this is cancelled."""
        return await self._native.run_once(max)

    def run_once_sync(self, max: int = 20) -> Dict[str, Any]:
        """As :meth:`run_once`, waiting on this thread."""
        return self._native.run_once_sync(max)


def _command(
    action: str,
    platform: str,
    params: Dict[str, Any],
    priority: Optional[int],
    at: Optional[Time],
    idempotency_key: Optional[str],
    campaign: Optional[str],
    batch: Optional[str],
) -> Dict[str, Any]:
    _check_zone(at, "at")
    options = {
        "priority": priority,
        "scheduled_for": at,
        "idempotency_key": idempotency_key,
        "campaign_id": campaign,
        "batch_id": batch,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return {"action": action, "platform": platform, "params": params, **given}


def _search(keyword: str, max_posts: Optional[int]) -> Dict[str, Any]:
    return {"keyword": keyword} if max_posts is None else {"keyword": keyword, "maxPosts": max_posts}


def _zoned(commands: Sequence[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    listed = list(commands)
    for index, command in enumerate(listed):
        if isinstance(command, Mapping):
            _check_zone(command.get("scheduled_for"), f"commands.{index}.scheduled_for")
    return listed


def _check_zone(at: Any, field: str) -> None:
    if isinstance(at, datetime) and at.utcoffset() is None:
        message = "a time without a time zone means another moment on every machine: give it one, such as datetime.timezone.utc"
        raise InvalidInputError(message, context={"field": field, "seen": at.isoformat()})
