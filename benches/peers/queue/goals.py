"""What is asked of the figures."""

from __future__ import annotations

from typing import Mapping

from figures import Goal

Figures = Mapping[str, Mapping[str, float]]
GRAPHILE, RIVER = "PostgreSQL: graphile-worker, tuned", "PostgreSQL: River for Rust, tuned"
HONKER = "SQLite: honker, batched"
STORES = ("SQLite", "PostgreSQL")


def goals(sides: Figures, ours: Figures) -> list[Goal]:
    """Those whose figures were measured. `sides` are by label, `ours` by store."""
    beside = [
        ("PostgreSQL: drain, tuned, beside graphile-worker tuned", "PostgreSQL: ours, tuned", GRAPHILE, "drain_per_s", 1.0, None),
        ("PostgreSQL: pick-up p50 ms beside River tuned", "PostgreSQL: ours", RIVER, "pickup_p50_ms", None, 1.0),
        ("SQLite: drain, tuned, FULL, beside honker batched, NORMAL", "SQLite: ours, tuned", HONKER, "drain_per_s", 1.0, None),
        ("SQLite: bulk enqueue, FULL, beside honker, NORMAL", "SQLite: ours", HONKER, "enqueue_per_s", 4.0, None),
        *(
            (f"{store}: {what} at our defaults beside tuned", f"{store}: ours", f"{store}: ours, tuned", figure, 0.8, None)
            for store in STORES
            for what, figure in (("drain", "drain_per_s"), ("bulk enqueue", "enqueue_per_s"))
        ),
    ]
    found = []
    for name, one, other, figure, at_least, at_most in beside:
        values = [sides.get(side, {}).get(figure) for side in (one, other)]
        if None not in values:
            found.append(Goal(name, *values, at_least, at_most))
    for store in STORES:
        found += alone(store, {**sides.get(f"{store}: ours", {}), **ours.get(store, {})})
    return found


def alone(store: str, figures: Mapping[str, float]) -> list[Goal]:
    """Goals of ours that no peer has a figure for."""
    lengths = sorted(int(name.removeprefix("claims_per_s_at_")) for name in figures if name.startswith("claims_per_s_at_"))
    wanted: list[tuple[str, str, str | None, float | None, float | None]] = [
        ("pick-up in process p50 ms", "in_process_pickup_p50_ms", None, None, 0.5),
        ("pick-up from another process p50 ms", "pickup_p50_ms", None, None, 2.0),
        ("messages with limits beside pages without", "counted_per_s", "unlimited_per_s", 0.75, None),
        ("messages, counted limit beside no ceiling", "counted_per_s", "uncapped_per_s", 0.75, None),
        ("messages, 99 % of keys used up beside none", "keys_exhausted_per_s", "keys_free_per_s", 0.5, None),
        ("worker's memory MiB", "rss_mib", None, None, 20.0),
    ]
    if lengths:
        short, long = lengths[0], lengths[-1]
        at = "claims_per_s_at_"
        wanted.append((f"claims at {long:,} waiting beside {short:,}", f"{at}{long}", f"{at}{short}", 0.8, None))
        wanted += [(f"claim p99 ms at {length:,} waiting", f"claim_p99_ms_at_{length}", None, None, 10.0) for length in lengths]
        wanted.append((f"worker's memory MiB before {long:,}", f"rss_mib_at_{long}", None, None, 20.0))
    found = []
    for name, figure, other, at_least, at_most in wanted:
        if figure in figures and (other is None or other in figures):
            beside = None if other is None else figures[other]
            found.append(Goal(f"{store}: {name}", figures[figure], beside, at_least, at_most))
    return found
