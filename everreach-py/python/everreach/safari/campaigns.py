"""Campaigns: sequences of commands per target."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from everreach import _everreach
from everreach.errors import InvalidInputError


class Campaigns:
    """The campaigns of a queue: :attr:`SafariQueue.campaigns`. Whoever works through the queue moves them on.

    >>> from everreach import SafariQueue
    >>> with SafariQueue("sqlite::memory:") as queue:
    ...     campaign = queue.campaigns.start_sync("research_sweep", "twitter", ["tea"], id="sweep")
    ...     queue.campaigns.pause_sync("sweep")["status"]
    'paused'

    Answers are those of the routes under ``/api/safari/campaigns``. An id that nobody has raises
    :class:`everreach.errors.NotFoundError`; what a campaign that is over cannot do, :class:`everreach.errors.ConflictError`.
    """

    def __init__(self, native: _everreach.SafariQueue) -> None:
        self._native = native

    async def start(
        self,
        kind: str,
        platform: str,
        handles: Sequence[str],
        *,
        posts: Optional[Mapping[str, Sequence[str]]] = None,
        templates: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
    ) -> Dict[str, Any]:
        """Starts a campaign; returns it.

        ``kind`` is ``comment_warmup``, ``dm_sequence`` or ``research_sweep``; ``handles`` are 1 to 1000 user names, or the keywords of a
        sweep. ``posts`` are addresses to comment on, by handle; they are searched for when left out. ``templates`` are the words:
        ``comments`` (a list), ``first_dm``, ``follow_up``, ``final_touch``, with ``{handle}`` and ``{platform}``; the action
        ``content.generate`` writes what is left out. One that may send more than 10 messages waits for
        :meth:`SafariQueue.approve`.
        """
        return await self._native.ask("start_campaign", {"body": _campaign(kind, platform, handles, posts, templates, id)})

    def start_sync(
        self,
        kind: str,
        platform: str,
        handles: Sequence[str],
        *,
        posts: Optional[Mapping[str, Sequence[str]]] = None,
        templates: Optional[Mapping[str, Any]] = None,
        id: Optional[str] = None,
    ) -> Dict[str, Any]:
        """As :meth:`start`, waiting on this thread."""
        return self._native.ask_sync("start_campaign", {"body": _campaign(kind, platform, handles, posts, templates, id)})

    async def list(self) -> List[Dict[str, Any]]:
        """Every campaign, newest first."""
        return await self._native.ask("campaigns", {})

    def list_sync(self) -> List[Dict[str, Any]]:
        """As :meth:`list`, waiting on this thread."""
        return self._native.ask_sync("campaigns", {})

    async def show(self, id: str) -> Dict[str, Any]:
        """One campaign with its ``targets``."""
        return await self._native.ask("campaign", {"id": id})

    def show_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`show`, waiting on this thread."""
        return self._native.ask_sync("campaign", {"id": id})

    async def pause(self, id: str) -> Dict[str, Any]:
        """Holds a campaign: nothing more is asked for, and what waits is not sent. Twice is once."""
        return await self._native.ask("pause_campaign", {"id": id})

    def pause_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`pause`, waiting on this thread."""
        return self._native.ask_sync("pause_campaign", {"id": id})

    async def resume(self, id: str) -> Dict[str, Any]:
        """Lets a campaign go on. Twice is once."""
        return await self._native.ask("resume_campaign", {"id": id})

    def resume_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`resume`, waiting on this thread."""
        return self._native.ask_sync("resume_campaign", {"id": id})

    async def cancel(self, id: str) -> Dict[str, Any]:
        """Takes a campaign back, and every command of it that waits. Twice is once."""
        return await self._native.ask("cancel_campaign", {"id": id})

    def cancel_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`cancel`, waiting on this thread."""
        return self._native.ask_sync("cancel_campaign", {"id": id})

    async def replied(self, id: str, handle: str) -> Dict[str, Any]:
        """A target replied: no campaign on that account sends them anything more. Returns the campaign with its targets. A queue with
        a dispatcher of your own looks into no inbox: say it here."""
        return await self._native.ask("replied", {"id": id, "handle": handle})

    def replied_sync(self, id: str, handle: str) -> Dict[str, Any]:
        """As :meth:`replied`, waiting on this thread."""
        return self._native.ask_sync("replied", {"id": id, "handle": handle})

    async def opted_out(self, platform: str, handle: str) -> Dict[str, Any]:
        """Somebody wants to hear nothing more, ever: they are put on the deny list too. Returns how many commands were ``cancelled`` and
        how many ``targets`` that ended."""
        return await self._native.ask("opted_out", {"platform": platform, "handle": handle})

    def opted_out_sync(self, platform: str, handle: str) -> Dict[str, Any]:
        """As :meth:`opted_out`, waiting on this thread."""
        return self._native.ask_sync("opted_out", {"platform": platform, "handle": handle})

    async def name_posts(self, id: str, handle: str, posts: Sequence[str]) -> Dict[str, Any]:
        """Names 1 to 20 posts of a target, as when too few were found. Returns the campaign with its targets."""
        return await self._native.ask("name_posts", {"id": id, "handle": handle, "posts": _listed(posts, "posts")})

    def name_posts_sync(self, id: str, handle: str, posts: Sequence[str]) -> Dict[str, Any]:
        """As :meth:`name_posts`, waiting on this thread."""
        return self._native.ask_sync("name_posts", {"id": id, "handle": handle, "posts": _listed(posts, "posts")})


def _campaign(
    kind: str,
    platform: str,
    handles: Sequence[str],
    posts: Optional[Mapping[str, Sequence[str]]],
    templates: Optional[Mapping[str, Any]],
    id: Optional[str],
) -> Dict[str, Any]:
    body: Dict[str, Any] = {"type": kind, "platform": platform, "handles": _listed(handles, "handles")}
    if posts is not None:
        body["posts"] = {handle: _listed(urls, f"posts.{handle}") for handle, urls in posts.items()}
    if templates is not None:
        body["templates"] = templates
    if id is not None:
        body["id"] = id
    return body


def _listed(items: Sequence[str], field: str) -> Any:
    # A text is a sequence too, of its letters.
    if isinstance(items, str):
        raise InvalidInputError("a list of texts is wanted", context={"field": field, "seen": items})
    return list(items)
