"""What is made of what was measured: percentiles, rates, goals, and the table."""

from __future__ import annotations

import math
import statistics
from typing import Callable, Iterable, Mapping, NamedTuple, Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latencies_ms(enqueued: Mapping[str, int], begun: Mapping[str, int]) -> list[float]:
    """Milliseconds from each enqueue call to the handler's start; every job must have been handled."""
    missing = enqueued.keys() - begun.keys()
    if missing:
        raise ValueError(f"{len(missing)} of {len(enqueued)} jobs were not picked up")
    return [(begun[job] - at) / 1e6 for job, at in enqueued.items()]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


class Goal(NamedTuple):
    """A figure of ours, what it is compared with, and the ratio or value that is asked for."""

    name: str
    ours: float
    peer: float | None
    at_least: float | None = None
    at_most: float | None = None

    @property
    def value(self) -> float:
        return self.ours if self.peer is None else self.ours / self.peer

    @property
    def is_met(self) -> bool:
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.at_most is not None and self.value <= self.at_most

    def row(self) -> str:
        peer = "" if self.peer is None else number(self.peer)
        ratio = "" if self.peer is None else f"{self.value:.2f}x"
        sign, asked = (">=", self.at_least) if self.at_least is not None else ("<=", self.at_most)
        goal = f"{sign} {asked:g}{'' if self.peer is None else 'x'}"
        return f"{self.name:58} {number(self.ours):>10} {peer:>10} {ratio:>8}   {goal:>8}  {'yes' if self.is_met else 'NO'}"

    def as_json(self) -> dict[str, object]:
        return {**self._asdict(), "value": self.value, "is_met": self.is_met}


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.0f}" if value >= 100 else f"{value:.2f}"


SIDE_COLUMNS = ("enqueue_per_s", "drain_per_s", "settled_per_s", "pickup_p50_ms", "pickup_p99_ms", "rss_mib", "idle_cpu_percent")
SIDE_HEAD = ("enqueue/s", "drain/s", "settled/s", "p50 ms", "p99 ms", "RSS MiB", "idle %")


def side_table(sides: Mapping[str, Mapping[str, float]], say: Callable[[str], None] = print) -> None:
    say(f"{'':34}" + "".join(f"{head:>11}" for head in SIDE_HEAD))
    for name, side in sides.items():
        say(f"{name:34}" + "".join(f"{number(side.get(column)):>11}" for column in SIDE_COLUMNS))


def goal_table(goals: Sequence[Goal], say: Callable[[str], None] = print) -> None:
    say(f"{'':58} {'ours':>10} {'beside':>10} {'ratio':>8}   {'goal':>8}")
    for goal in goals:
        say(goal.row())
