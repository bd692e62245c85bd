"""What a person says about the commands of Safari's queue."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, Sequence

from everreach import _everreach
from everreach.errors import InvalidInputError


class Deciding:
    """The part of :class:`SafariQueue` that takes decisions."""

    _native: _everreach.SafariQueue

    async def cancel(self, id: str) -> Dict[str, Any]:
        """Takes a command back that was not sent yet, and returns it as it is now. Twice is once; raises
        :class:`everreach.errors.ConflictError` when it is being sent or over."""
        return await self._native.ask("cancel", {"id": id})

    def cancel_sync(self, id: str) -> Dict[str, Any]:
        """As :meth:`cancel`, waiting on this thread."""
        return self._native.ask_sync("cancel", {"id": id})

    async def retry_failed(self, ids: Optional[Sequence[str]] = None) -> List[str]:
        """Tries failed commands again, and returns their ids: those named, all of them or none, or a thousand of those that certainly
        were not done. One whose outcome is unknown has to be named."""
        return await self._native.ask("retry_failed", _ids(ids))

    def retry_failed_sync(self, ids: Optional[Sequence[str]] = None) -> List[str]:
        """As :meth:`retry_failed`, waiting on this thread."""
        return self._native.ask_sync("retry_failed", _ids(ids))

    async def resolve(self, id: str, verdict: Literal["happened", "retry", "drop"]) -> Dict[str, Any]:
        """A person has looked what became of a command whose outcome is unknown: it ``happened``; it did not, so ``retry`` it; or
        ``drop`` it, whatever it was. Returns it as it is now; raises :class:`everreach.errors.ConflictError` when its outcome is known."""
        return await self._native.ask("resolve", {"id": id, "verdict": verdict})

    def resolve_sync(self, id: str, verdict: Literal["happened", "retry", "drop"]) -> Dict[str, Any]:
        """As :meth:`resolve`, waiting on this thread."""
        return self._native.ask_sync("resolve", {"id": id, "verdict": verdict})

    async def approve(self, group: str) -> int:
        """Agrees to the messages of a campaign or batch of more than 10, named as in ``status()["approvals"]``; returns how many wait."""
        return await self._native.ask("approve", {"group": group})

    def approve_sync(self, group: str) -> int:
        """As :meth:`approve`, waiting on this thread."""
        return self._native.ask_sync("approve", {"group": group})

    async def deny_group(self, group: str) -> int:
        """Refuses them: what waits is cancelled, and what comes later is refused; returns how many were cancelled."""
        return await self._native.ask("deny_group", {"group": group})

    def deny_group_sync(self, group: str) -> int:
        """As :meth:`deny_group`, waiting on this thread."""
        return self._native.ask_sync("deny_group", {"group": group})

    async def deny(self, handle: str, platform: Optional[str] = None, *, reason: Optional[str] = None) -> Dict[str, Any]:
        """Never writes to somebody again, on one platform or on every one; what waits is ``cancelled``, ``targets`` end."""
        return await self._native.ask("deny", {"handle": handle, "platform": platform, "reason": reason})

    def deny_sync(self, handle: str, platform: Optional[str] = None, *, reason: Optional[str] = None) -> Dict[str, Any]:
        """As :meth:`deny`, waiting on this thread."""
        return self._native.ask_sync("deny", {"handle": handle, "platform": platform, "reason": reason})

    async def allow(self, handle: str, platform: Optional[str] = None) -> Dict[str, Any]:
        """Takes somebody off the deny list, as they were put there; ``removed`` says whether they were on it."""
        return await self._native.ask("allow", {"handle": handle, "platform": platform})

    def allow_sync(self, handle: str, platform: Optional[str] = None) -> Dict[str, Any]:
        """As :meth:`allow`, waiting on this thread."""
        return self._native.ask_sync("allow", {"handle": handle, "platform": platform})

    async def denied(self) -> List[Dict[str, Any]]:
        """Everybody who is never written to, why and since when."""
        return await self._native.ask("denied", {})

    def denied_sync(self) -> List[Dict[str, Any]]:
        """As :meth:`denied`, waiting on this thread."""
        return self._native.ask_sync("denied", {})

    async def halts(self) -> List[Dict[str, Any]]:
        """The accounts that have to stop, after a captcha, a lost login or an action block."""
        return await self._native.ask("halts", {})

    def halts_sync(self) -> List[Dict[str, Any]]:
        """As :meth:`halts`, waiting on this thread."""
        return self._native.ask_sync("halts", {})

    async def lift_halts(self, platform: str, action: Optional[Literal["dm", "comment"]] = None) -> int:
        """A person has mended it: the account goes on, or one kind of action does; returns how many stops were ended."""
        return await self._native.ask("lift_halts", {"platform": platform, "action": action})

    def lift_halts_sync(self, platform: str, action: Optional[Literal["dm", "comment"]] = None) -> int:
        """As :meth:`lift_halts`, waiting on this thread."""
        return self._native.ask_sync("lift_halts", {"platform": platform, "action": action})


def _ids(ids: Optional[Sequence[str]]) -> Dict[str, Any]:
    # A text is a sequence too, of its letters.
    if isinstance(ids, str):
        raise InvalidInputError("a list of ids is wanted", context={"field": "ids", "seen": ids})
    return {"ids": None if ids is None else list(ids)}
