"""What is measured: of every side the same, and of ours what no peer offers."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, ContextManager, Iterator, Mapping, NamedTuple

from figures import latencies_ms, median, percentile
from postgres import Cluster
from processes import Worker, ask
from sides import Side

Command = Callable[..., list[str]]


class Size(NamedTuple):
    """How much is measured."""

    jobs: int
    pickups: int
    rounds: int
    idle_s: float
    backlogs: tuple[int, ...]
    claims: int
    messages: int
    keys: int


FULL = Size(jobs=20_000, pickups=200, rounds=3, idle_s=10, backlogs=(1_000, 100_000, 1_000_000), claims=300, messages=1_000, keys=10_000)
QUICK = Size(jobs=2_000, pickups=30, rounds=1, idle_s=2, backlogs=(1_000, 5_000), claims=30, messages=100, keys=500)


class Databases:
    """Fresh databases, each gone after its use."""

    def __init__(self, folder: Path, cluster: Cluster | None) -> None:
        self._folder, self._cluster, self._made = folder, cluster, 0

    @contextmanager
    def fresh(self, store: str) -> Iterator[str]:
        self._made += 1
        name = f"bench{self._made}"
        if store == "PostgreSQL":
            yield self._cluster.create(name)
            self._cluster.drop(name)
            return
        yield str(self._folder / f"{name}.db")
        for path in self._folder.glob(f"{name}.db*"):
            path.unlink()


def check(side: str, what: str, seen: int, expected: int) -> None:
    if seen != expected:
        raise SystemExit(f"{side}: {what} {seen} jobs, not {expected}")


def drain(side: Side, databases: Databases, size: Size) -> Mapping[str, float]:
    """Bulk enqueue and drain by one worker; then nothing may be left."""
    with databases.fresh(side.store) as database:
        if side.is_prepared:
            ask(side.command("prepare", database, 0))
        enqueued = ask(side.command("enqueue", database, size.jobs))
        check(side.label, "holds", ask(side.command("left", database, 0))["left"], size.jobs)
        with Worker(side.command("drain", database, size.jobs)) as worker:
            drained = worker.hear()
            rss = worker.rss_mib()
        check(side.label, "handled", drained["handled"], size.jobs)
        check(side.label, "left", ask(side.command("left", database, 0))["left"], 0)
    figures = {
        "enqueue_per_s": size.jobs / enqueued["seconds"],
        "drain_per_s": size.jobs / drained["seconds"],
        "settled_per_s": size.jobs / drained["settled_seconds"],
        "rss_mib": rss,
    }
    if "synchronous" in enqueued:
        figures["synchronous"] = enqueued["synchronous"]
    return figures


def pickup(side: Side, databases: Databases, size: Size) -> Mapping[str, float]:
    """An idle worker's processor time, then how soon it begins with what another process enqueues."""
    with databases.fresh(side.store) as database:
        if side.is_prepared:
            ask(side.command("prepare", database, 0))
        with Worker(side.command("pickup-worker", database, size.pickups)) as worker:
            worker.hear()
            time.sleep(1)
            idle = worker.idle_cpu_percent(size.idle_s)
            enqueued = ask(side.command("pickup-enqueue", database, size.pickups))["enqueued"]
            begun = worker.hear()["begun"]
    return {**latency_figures(enqueued, begun), "idle_cpu_percent": idle}


def latency_figures(enqueued: Mapping[str, int], begun: Mapping[str, int]) -> dict[str, float]:
    latencies = latencies_ms(enqueued, begun)
    return {"pickup_p50_ms": percentile(latencies, 0.5), "pickup_p99_ms": percentile(latencies, 0.99)}


def in_process(command: Command, fresh: ContextManager[str], size: Size) -> Mapping[str, float]:
    """Enqueuer and worker in one process."""
    with fresh as database:
        told = ask(command("pickup", database, size.pickups))
    return {f"in_process_{name}": value for name, value in latency_figures(told["enqueued"], told["begun"]).items()}


def keyed(command: Command, fresh: ContextManager[str], size: Size) -> Mapping[str, float]:
    """Bulk enqueue in which every command has an idempotency key."""
    with fresh as database:
        told = ask(command("enqueue", database, size.jobs, "--keys", "yes"))
    return {"keyed_enqueue_per_s": size.jobs / told["seconds"]}


def backlog(command: Command, fresh: ContextManager[str], size: Size) -> Mapping[str, float]:
    """Claims of 100 while more and more wait, and the memory of a worker before the longest queue."""
    figures: dict[str, float] = {}
    with fresh as database:
        waiting = 0
        for length in size.backlogs:
            ask(command("enqueue", database, length - waiting))
            waiting = length
            told = ask(command("claims", database, size.claims))
            figures[f"claims_per_s_at_{length}"] = told["claimed"] / sum(told["seconds"])
            for name, share in (("p50", 0.5), ("p99", 0.99)):
                figures[f"claim_{name}_ms_at_{length}"] = percentile(told["seconds"], share) * 1_000
        with Worker(command("drain", database, min(size.jobs, waiting))) as worker:
            drained = worker.hear()
            figures[f"drain_per_s_at_{waiting}"] = drained["handled"] / drained["seconds"]
            figures[f"rss_mib_at_{waiting}"] = worker.rss_mib()
    return figures


def limits(command: Command, fresh: Callable[[], ContextManager[str]], size: Size) -> Mapping[str, float]:
    """Commands a second through Safari's one lane: without limits, with them, and with most of what waits used up; in turns."""
    exhausted, fresh_keys = str(size.keys - size.keys // 100), max(10, size.keys // 100)
    ways = {
        "unlimited": ("navigate", size.messages, ()),
        "uncapped": ("messages", size.messages, ()),
        "counted": ("messages", size.messages, ("--limit", str(size.messages))),
        "keys_free": ("keys", fresh_keys, ()),
        "keys_exhausted": ("keys", fresh_keys, ("--exhausted", exhausted)),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(size.rounds):
        for name, (word, count, settings) in ways.items():
            with fresh() as database:
                told = ask(command(word, database, count, *settings))
            rates[name].append(told["handled"] / told["seconds"])
    return {f"{name}_per_s": median(values) for name, values in rates.items()}


def contacts(command: Command, fresh: ContextManager[str], size: Size) -> Mapping[str, float]:
    """Messages to people of whom 99 in 100 were written to just now: decided a second, refused or sent."""
    with fresh as database:
        told = ask(command("contacts", database, size.keys))
    return {"contacts_per_s": (told["handled"] + told["refused"]) / told["seconds"]}
