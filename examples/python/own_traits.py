"""An executor, a classifier and a cost guard of your own, checked against the laws that EverReach's own ones keep.
Run it with ``python examples/python/own_traits.py``; it keeps its books in memory and leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import defaultdict
from datetime import datetime, timezone as zones
from typing import Any, Callable, Dict, List, Set, Tuple
from zoneinfo import ZoneInfo

from everreach import Call, Execution, HybridOrchestrator, Reservation
from everreach.errors import CostCapExceededError, InvalidInputError, NotFoundError, UnknownActionError
from everreach.testing import check_classifier, check_cost_guard, check_executor


class Studio:
    """Runs three actions as coroutines. The time limit is kept for it: what takes too long is cancelled."""

    def services(self) -> Dict[str, str]:
        return {"studio.count_words": "the words of a text", "studio.cut": "fails", "studio.render": "takes a minute"}

    async def execute(self, call: Call) -> Any:
        if call.action == "studio.count_words":
            return {"words": len(str(call.params.get("text", "")).split())}
        if call.action == "studio.cut":
            raise RuntimeError("the disk is full")  # it ran and failed
        if call.action == "studio.render":
            await asyncio.sleep(60)
            return None
        return Execution.not_executed(UnknownActionError(f"no such action: {call.action}"))


class ByName:
    """The studio, and whatever has to do with video, needs this machine's graphics card; the rest is a call to somebody."""

    def classify(self, action: str) -> Tuple[str, str]:
        if "video" in action or action.startswith("studio."):
            return "compute", "it needs the graphics card"
        return "api", "everything else calls somebody"


class BooksInMemory:
    """A monthly cap for one process. Amounts are kept in millionths of a dollar, so that sums are exact."""

    LARGEST = 10**15

    def __init__(self, cap_usd: float, soft_cap_usd: float, zone: str, now: Callable[[], datetime]) -> None:
        self._cap, self._soft_cap = round(cap_usd * 1e6), round(soft_cap_usd * 1e6)
        self._zone, self._now = ZoneInfo(zone), now
        self._lock = threading.Lock()
        self._month = ""
        self._held: Dict[str, Reservation] = {}
        self._closed: Set[str] = set()
        self._booked: Dict[Tuple[str, str], List[Tuple[int, bool]]] = defaultdict(list)

    def _open_month(self) -> str:
        """A clock that steps back does not open an old month again."""
        self._month = max(self._month, self._now().astimezone(self._zone).strftime("%Y-%m"))
        return self._month

    def _micros(self, usd: float) -> int:
        micros = round(usd * 1e6)
        if not 0 <= micros <= self.LARGEST:
            raise InvalidInputError(f"no call costs {usd} USD")
        return micros

    def _entries(self, month: str) -> List[Tuple[int, bool]]:
        return [entry for (booked_in, _), entries in self._booked.items() if booked_in == month for entry in entries]

    def reserve(self, service: str, action: str, usd: float, essential: bool, call_key: object) -> Reservation:
        micros = self._micros(usd)
        with self._lock:
            month = self._open_month()
            settled = sum(micros for micros, _ in self._entries(month))
            held = sum(round(held.usd * 1e6) for held in self._held.values() if held.month == month)
            full = settled + held >= self._cap if micros == 0 else settled + held + micros > self._cap
            if full and not essential:
                raise CostCapExceededError("the month's money is spent", context={"month": month})
            reservation = Reservation(str(uuid.uuid4()), month, action, micros / 1e6, essential)
            self._held[reservation.id] = reservation
            return reservation

    def settle(self, reservation: Reservation, usd: float) -> None:
        micros = self._micros(usd)
        with self._lock:
            if self._close(reservation):
                self._booked[reservation.month, reservation.action].append((micros, reservation.essential))

    def release(self, reservation: Reservation) -> None:
        with self._lock:
            self._close(reservation)

    def _close(self, reservation: Reservation) -> bool:
        """Whether this is the first time; the first one decides."""
        if reservation.id in self._closed:
            return False
        if self._held.pop(reservation.id, None) is None:
            raise NotFoundError(f"no such reservation: {reservation.id}")
        self._closed.add(reservation.id)
        return True

    def get_monthly_cost(self) -> Dict[str, Any]:
        with self._lock:
            month = self._open_month()
            entries = self._entries(month)
            total = sum(micros for micros, _ in entries)
            essential = sum(micros for micros, is_essential in entries if is_essential)
            reserved = sum(round(held.usd * 1e6) for held in self._held.values() if held.month == month)
            lines = [
                (sum(micros for micros, _ in entries), action, len(entries))
                for (booked_in, action), entries in self._booked.items()
                if booked_in == month
            ]
        day = self._now().astimezone(self._zone).day
        return {
            "month": month,
            "total_usd": total / 1e6,
            "essential_usd": essential / 1e6,
            "reserved_usd": reserved / 1e6,
            "remaining_usd": max(0, self._cap - total - reserved) / 1e6,
            "cap_usd": self._cap / 1e6,
            "soft_cap_usd": self._soft_cap / 1e6,
            "warning": total >= self._soft_cap,
            "exceeded": total >= self._cap,
            "forecast_usd": round(total / day * 31) / 1e6,
            "by_service": [
                {"service": action.split(".")[0], "action": action, "calls": calls, "cost_usd": micros / 1e6}
                for micros, action, calls in sorted(lines, reverse=True)
            ],
        }


def make_guard(*, cap_usd: float, soft_cap_usd: float, timezone: str, now: Callable[[], datetime]) -> BooksInMemory:
    return BooksInMemory(cap_usd, soft_cap_usd, timezone, now)


def main() -> None:
    check_executor(Studio(), "studio.count_words", failing="studio.cut", hanging="studio.render")
    check_classifier(ByName())
    check_cost_guard(make_guard)
    print("all three keep their laws")

    guard = BooksInMemory(400, 380, "UTC", lambda: datetime.now(zones.utc))
    with HybridOrchestrator(
        executor=Studio(), classifier=ByName(), cost_guard=guard, database_url="sqlite::memory:"
    ) as orchestrator:
        envelope = orchestrator.route_sync("studio.count_words", {"text": "one honest question"})
        print(envelope)
        assert envelope.raise_for_error().result == {"words": 3}
        classes = [orchestrator.explain(action)["class"] for action in ("studio.count_words", "notes.publish")]
        assert classes == ["compute", "api"]
        failed = orchestrator.route_sync("studio.cut")
        assert (failed.error, failed.outcome, failed.detail) == ("handler_error", "executed", "RuntimeError: the disk is full")


if __name__ == "__main__":
    main()
