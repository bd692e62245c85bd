"""State that both sides share."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Type, Union

from everreach import _everreach


class StateSync:
    """Documents that this machine and the cloud share: recorded here, pushed to the cloud, and the cloud's are pulled.

    >>> with StateSync("sqlite::memory:") as state:
    ...     version = state.record_sync("pipeline", "deals", {"open": 3})
    ...     deals = state.get_sync("pipeline", "deals")
    >>> deals["payload"], deals["is_pending"]
    ({'open': 3}, True)

    A document has a ``kind`` (``crm_stats``, ``pipeline``, ``workflow``, ``feedback_strategy`` or ``batch_content``; nothing else ever
    leaves a side) and a ``key`` of ``A-Z a-z 0-9 . _ : / -``. Without ``database_url`` it is the database of the settings, opened at the
    first use; ``config`` is the path of a file of settings or a mapping with ``CLOUD_ENDPOINT``, ``EVERREACH_CLOUD_KEY`` and
    ``SYNC_ENCRYPTION_KEY``, which pushing and pulling need.

    It exchanges when it is asked to. A server on the same database, and an orchestrator, do so by themselves: at their start, when the
    cloud is back, and every 30 s.
    """

    def __init__(
        self,
        database_url: Optional[str] = None,
        *,
        config: Union[str, os.PathLike[str], Mapping[str, Any], None] = None,
    ) -> None:
        self._native = _everreach.StateSync(database_url, config)
        self._lender: object = None

    @classmethod
    def _lent(cls, lender: object, native: _everreach.StateSync) -> StateSync:
        state = cls.__new__(cls)
        state._native, state._lender = native, lender
        return state

    async def record(self, kind: str, key: str, payload: Any) -> Optional[str]:
        """Records what a document says now, ``None`` to remove it, and returns the id of this version; ``None`` when it said so already.
        It waits for the cloud, in place of an earlier change of the same document."""
        return await self._native.ask("record", {"kind": kind, "key": key, "payload": payload})

    def record_sync(self, kind: str, key: str, payload: Any) -> Optional[str]:
        """As :meth:`record`, waiting on this thread."""
        return self._native.ask_sync("record", {"kind": kind, "key": key, "payload": payload})

    async def get(self, kind: str, key: str) -> Optional[Dict[str, Any]]:
        """The document as this side knows it, also while the cloud is away: ``payload``, the ``side`` that said so, ``updated_at``,
        ``received_at``, ``is_pending`` until the cloud has acknowledged it, and ``as_of``, when the cloud was last asked for news."""
        return await self._native.ask("get", {"kind": kind, "key": key})

    def get_sync(self, kind: str, key: str) -> Optional[Dict[str, Any]]:
        """As :meth:`get`, waiting on this thread."""
        return self._native.ask_sync("get", {"kind": kind, "key": key})

    async def list(self, kind: str, limit: int = 100) -> List[Dict[str, Any]]:
        """The documents of a kind, by key."""
        return await self._native.ask("list", {"kind": kind, "limit": limit})

    def list_sync(self, kind: str, limit: int = 100) -> List[Dict[str, Any]]:
        """As :meth:`list`, waiting on this thread."""
        return self._native.ask_sync("list", {"kind": kind, "limit": limit})

    async def push_pending(self) -> Dict[str, int]:
        """Sends what waits to the cloud, and says how many versions were ``applied``, ``overruled`` by the cloud's, ``stale`` and
        ``refused``. What was not answered still waits; a repeat changes nothing."""
        return await self._native.ask("push_pending", {})

    def push_pending_sync(self) -> Dict[str, int]:
        """As :meth:`push_pending`, waiting on this thread."""
        return self._native.ask_sync("push_pending", {})

    async def pull_cloud_state(self) -> Dict[str, Any]:
        """Takes over what changed in the cloud, and says how many versions were ``taken``, how many ``conflicts`` there were, in how many
        of them the cloud's version stayed (``overruled``), and how many were ``unreadable``, with the first ``error``."""
        return await self._native.ask("pull_cloud_state", {})

    def pull_cloud_state_sync(self) -> Dict[str, Any]:
        """As :meth:`pull_cloud_state`, waiting on this thread."""
        return self._native.ask_sync("pull_cloud_state", {})

    async def conflicts(self, limit: int = 100) -> List[Dict[str, Any]]:
        """Documents that both sides changed without knowing of each other, latest first: ``kind``, ``key``, the ``winner``, both versions
        (``local`` and ``cloud``, each with its ``payload``) and ``detected_at``."""
        return await self._native.ask("conflicts", {"limit": limit})

    def conflicts_sync(self, limit: int = 100) -> List[Dict[str, Any]]:
        """As :meth:`conflicts`, waiting on this thread."""
        return self._native.ask_sync("conflicts", {"limit": limit})

    async def status(self) -> Dict[str, Any]:
        """How the exchange stands: ``side``, ``is_sealed`` (whether there is a key), ``pending``, ``failing``, ``error``,
        ``oldest_pending_at``, ``pushed_at``, ``pulled_at`` and the number of ``conflicts``."""
        return await self._native.ask("status", {})

    def status_sync(self) -> Dict[str, Any]:
        """As :meth:`status`, waiting on this thread."""
        return self._native.ask_sync("status", {})

    def open(self) -> None:
        """Opens the database now rather than at the first use. ``with`` and ``async with`` do this."""
        self._native.open()

    def close(self) -> None:
        """Closes the database. May be called twice. Where an event loop awaits something here, use :meth:`aclose` or ``async with``. That
        of an orchestrator is closed with it, and not by this."""
        self._native.close()

    async def aclose(self) -> None:
        """As :meth:`close`, without blocking the event loop."""
        await self._native.close_async()

    def __enter__(self) -> StateSync:
        self.open()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        self.close()

    async def __aenter__(self) -> StateSync:
        await self._native.open_async()
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], traceback: Optional[TracebackType]
    ) -> None:
        await self._native.close_async()
