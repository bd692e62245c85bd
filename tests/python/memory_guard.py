"""Cost guards written in Python: the monthly cap kept in memory, to the millionth of a dollar."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from datetime import datetime, timezone as fixed
from typing import Any, Callable, Dict, Iterable, List, Optional, Set
from zoneinfo import ZoneInfo

from everreach import Reservation
from everreach.errors import CostCapExceededError, InvalidInputError, NotFoundError

#: More than any call can cost.
TOO_MUCH = 10**15


def micros_of(usd: float) -> int:
    """Dollars as whole millionths; no call costs less than nothing, or a billion."""
    micros = round(usd * 1e6)
    if not 0 <= micros < TOO_MUCH:
        raise InvalidInputError(f"{usd} is no amount for a call")
    return micros


class MemoryGuard:
    """Keeps spending under a monthly cap for one process. Whole millionths; one lock around every decision."""

    def __init__(
        self,
        *,
        cap_usd: float = 400,
        soft_cap_usd: float = 380,
        timezone: str = "UTC",
        now: Callable[[], datetime] = lambda: datetime.now(fixed.utc),
    ) -> None:
        self.cap, self.soft_cap = micros_of(cap_usd), micros_of(soft_cap_usd)
        self.closed: Set[str] = set()
        self._zone, self._now, self._lock = ZoneInfo(timezone), now, threading.RLock()
        self._month = ""
        self._held: Dict[str, Reservation] = {}
        self._booked: List[Reservation] = []

    def month(self) -> str:
        """The month in the guard's zone; never one before a month that was seen."""
        self._month = max(self._month, self._now().astimezone(self._zone).strftime("%Y-%m"))
        return self._month

    def spent(self, rows: Iterable[Reservation]) -> int:
        """The sum of this month's rows."""
        month = self.month()
        return sum(micros_of(row.usd) for row in rows if row.month == month)

    def room_for(self, micros: int, essential: bool) -> bool:
        """Whether it fits under the cap; essential requests always do."""
        used = self.spent(self._booked) + self.spent(self._held.values())
        return essential or (used < self.cap and used + micros <= self.cap)

    def is_exceeded(self) -> bool:
        """Whether what is booked, of whatever kind, has reached the cap."""
        return self.spent(self._booked) >= self.cap

    def reserve(
        self, service: str, action: str, usd: float, essential: bool = False, call_key: Optional[str] = None
    ) -> Reservation:
        with self._lock:
            if not self.room_for(micros_of(usd), essential):
                raise CostCapExceededError(f"no room for {usd} USD")
            held = Reservation(str(uuid.uuid4()), self.month(), action, usd, essential)
            self._held[held.id] = held
            return held

    def settle(self, reservation: Reservation, usd: float) -> None:
        with self._lock:
            micros_of(usd)
            if self._take(reservation):
                booked = Reservation(reservation.id, reservation.month, reservation.action, usd, reservation.essential)
                self._booked.append(booked)

    def release(self, reservation: Reservation) -> None:
        with self._lock:
            self._take(reservation)

    def _take(self, reservation: Reservation) -> bool:
        """Whether this is the first close of the reservation."""
        if reservation.id in self.closed:
            return False
        if self._held.pop(reservation.id, None) is None:
            raise NotFoundError("nobody reserved this")
        self.closed.add(reservation.id)
        return True

    def get_monthly_cost(self) -> Dict[str, Any]:
        with self._lock:
            total, held = self.spent(self._booked), self.spent(self._held.values())
            return {
                "month": self.month(),
                "total_usd": total / 1e6,
                "reserved_usd": held / 1e6,
                "essential_usd": self.spent(row for row in self._booked if row.essential) / 1e6,
                "remaining_usd": max(self.cap - total - held, 0) / 1e6,
                "cap_usd": self.cap / 1e6,
                "soft_cap_usd": self.soft_cap / 1e6,
                "warning": total >= self.soft_cap,
                "exceeded": self.is_exceeded(),
                "forecast_usd": 2 * total / 1e6,
                "by_service": self._split(),
            }

    def _split(self) -> List[Dict[str, Any]]:
        calls: Counter[str] = Counter()
        cost: Counter[str] = Counter()
        for row in self._booked:
            if row.month == self.month():
                calls[row.action] += 1
                cost[row.action] += micros_of(row.usd)
        return [
            {"service": action.split(".")[0], "action": action, "calls": calls[action], "cost_usd": micros / 1e6}
            for action, micros in cost.most_common()
        ]


class AsyncMemoryGuard(MemoryGuard):
    """The same, to be awaited."""

    async def reserve(self, *arguments: Any, **more: Any) -> Reservation:  # type: ignore[override]
        return super().reserve(*arguments, **more)

    async def settle(self, reservation: Reservation, usd: float) -> None:  # type: ignore[override]
        super().settle(reservation, usd)

    async def release(self, reservation: Reservation) -> None:  # type: ignore[override]
        super().release(reservation)

    async def get_monthly_cost(self) -> Dict[str, Any]:  # type: ignore[override]
        return super().get_monthly_cost()
