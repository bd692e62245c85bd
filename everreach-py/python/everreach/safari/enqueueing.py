"""Writing commands into Safari's queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from everreach import _everreach
from everreach.errors import InvalidInputError

Time = Union[datetime, str]


class Enqueueing:
    """The part of :class:`SafariQueue` that writes."""

    _native: _everreach.SafariQueue

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
        written = await self._native.ask("enqueue", {"body": command})
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
        return str(self._native.ask_sync("enqueue", {"body": command})[0]["id"])

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
        written = await self._native.ask("enqueue", {"body": command})
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
        return str(self._native.ask_sync("enqueue", {"body": command})[0]["id"])

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
        written = await self._native.ask("enqueue", {"body": command})
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
        return str(self._native.ask_sync("enqueue", {"body": command})[0]["id"])

    async def enqueue(self, commands: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """Writes 1 to 1000 commands: all of them, or none. For each: ``id``, ``status``, and ``created``, which is false when its
        key was known; ``waits_for`` names the batch or campaign that waits for a person.

        A command has ``action``, ``platform``, ``params``, ``priority``, ``scheduled_for``, ``idempotency_key``, ``campaign_id``
        and ``batch_id``; all but the first may be left out.
        """
        return await self._native.ask("enqueue", {"body": {"commands": _zoned(commands)}})

    def enqueue_sync(self, commands: Sequence[Mapping[str, Any]]) -> List[Dict[str, Any]]:
        """As :meth:`enqueue`, waiting on this thread."""
        return self._native.ask_sync("enqueue", {"body": {"commands": _zoned(commands)}})


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
