"""The monthly cap."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Dict, Optional, Union

from everreach import _everreach
from everreach.traits import Reservation

Amount = Union[int, float, Decimal, str]


class CostGuard:
    """Keeps spending under a monthly cap, for every task, process and machine that shares the database.

    >>> guard = CostGuard(cap_usd=1, soft_cap_usd="0.9", database_url="sqlite::memory:")
    >>> held = guard.reserve_sync("research", "platform", 0.25)
    >>> guard.settle_sync(held, 0.2)
    >>> guard.get_monthly_cost_sync()["total_usd"]
    0.2

    Reserve, then spend, then settle or release: what is settled and reserved never passes the cap. Without arguments it is the
    guard of the settings (``MONTHLY_COST_CAP``, ``MONTHLY_COST_SOFT_CAP``, ``DATABASE_URL``: 400, 380 and the database of the
    data directory). Amounts are US dollars.
    """

    def __init__(
        self,
        cap_usd: Optional[Amount] = None,
        soft_cap_usd: Optional[Amount] = None,
        database_url: Optional[str] = None,
    ) -> None:
        self._native = _everreach.CostGuard(cap_usd, soft_cap_usd, database_url)

    async def get_monthly_cost(self) -> Dict[str, Any]:
        """Where the month stands: ``month``, ``total_usd``, ``reserved_usd``, ``remaining_usd``, ``cap_usd``, ``soft_cap_usd``,
        ``warning``, ``exceeded``, ``forecast_usd`` and ``by_service``."""
        return await self._native.get_monthly_cost()

    def get_monthly_cost_sync(self) -> Dict[str, Any]:
        """As :meth:`get_monthly_cost`, waiting on this thread."""
        return self._native.get_monthly_cost_sync()

    def is_soft_cap_reached(self) -> bool:
        """Whether the month has reached the soft cap. Waits for the database."""
        return self._native.is_soft_cap_reached()

    async def reserve(
        self, service: str, action: str, usd: Amount, essential: bool = False, call_key: Optional[str] = None
    ) -> Reservation:
        """Holds the money, or raises :class:`everreach.errors.CostCapExceededError`.

        ``action`` is the topic or the whole name. An ``essential`` request may pass the cap and is booked apart.
        """
        return await self._native.reserve(service, action, usd, essential, call_key)

    def reserve_sync(
        self, service: str, action: str, usd: Amount, essential: bool = False, call_key: Optional[str] = None
    ) -> Reservation:
        """As :meth:`reserve`, waiting on this thread."""
        return self._native.reserve_sync(service, action, usd, essential, call_key)

    async def settle(self, reservation: Reservation, usd: Amount) -> None:
        """Books what it really cost. More than was held is booked whole and reported. A second time changes nothing."""
        await self._native.settle(reservation, usd)

    def settle_sync(self, reservation: Reservation, usd: Amount) -> None:
        """As :meth:`settle`, waiting on this thread."""
        self._native.settle_sync(reservation, usd)

    async def release(self, reservation: Reservation) -> None:
        """Gives the money back: the call provably did not happen. A second time changes nothing."""
        await self._native.release(reservation)

    def release_sync(self, reservation: Reservation) -> None:
        """As :meth:`release`, waiting on this thread."""
        self._native.release_sync(reservation)
