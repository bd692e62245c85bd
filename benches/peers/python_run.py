"""The wheel beside a plain-Python orchestrator of the same behaviour, in one run: what a call, a classification and an import cost.

Run it with the interpreter of a virtual environment that has both the wheel and httpx. The sides take turns, round by round, in
this one process; each single call is timed, and a figure is the median over the rounds of the round's p50 or p99. The collector is off
while a side is measured, and between two sides there is a pause in which batched events are written, so that neither pays for the
other. Ratios are what counts; absolute times depend on the machine and on what else runs there.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator, NamedTuple

import python_orchestrator as peer

HERE = Path(__file__).resolve().parent
READ, OUTWARD = "dm.stats", "dm.send"
PARAMS = {"platform": "instagram", "days": 7}
FAN_OUT = 100
IMPORTS = 15
PAUSE_S = 1.2


def dispatch(topic: str, params: dict[str, Any]) -> dict[str, Any]:
    """A worker's registry whose handler is instant."""
    return {"ok": True, "topic": topic, "result": {"sent": 3, "days": params.get("days")}, "duration_ms": 0.01}


async def async_dispatch(topic: str, params: dict[str, Any]) -> dict[str, Any]:
    return dispatch(topic, params)


Timed = list[int]
Measure = Callable[[], Timed]


class Figure(NamedTuple):
    """Microseconds."""

    p50: float
    p99: float


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def timed(call: Callable[[], Any], count: int) -> Timed:
    """Nanoseconds of each of ``count`` calls."""
    times, now = [], time.perf_counter_ns
    for _ in range(count):
        start = now()
        call()
        times.append(now() - start)
    return times


async def timed_async(call: Callable[[], Awaitable[Any]], count: int) -> Timed:
    times, now = [], time.perf_counter_ns
    for _ in range(count):
        start = now()
        await call()
        times.append(now() - start)
    return times


def check(envelope: Any, source: str = "local") -> None:
    expected = (True, source, {"sent": 3, "days": 7}, False)
    if (envelope["ok"], envelope["source"], envelope["result"], envelope["replayed"]) != expected:
        sys.exit(f"a side does not do the work: {dict(envelope)}")


class Side:
    """One implementation, and the measures that can be taken of it, by name."""

    def __init__(self, name: str, module: Any, folder: Path, calls: int, runner: asyncio.Runner) -> None:
        self.name, self._module, self._folder, self._calls, self._runner = name, module, folder, calls, runner
        self._made: list[Any] = []
        plain, later = self._orchestrator("plain", dispatch), self._orchestrator("async", async_dispatch)
        classify = module.ActionClassifier().classify
        self.measures: dict[str, Measure] = {
            "classify": lambda: timed(lambda: classify(OUTWARD), calls),
            "route_sync": lambda: timed(lambda: plain.route_sync(READ, PARAMS), calls),
            "route, async def": lambda: self._awaited(lambda: later.route(READ, PARAMS)),
            "route, def": lambda: self._awaited(lambda: plain.route(READ, PARAMS)),
            "gather": lambda: self._gathered(later),
            "outward": lambda: self._awaited(lambda: later.route(OUTWARD, PARAMS, idempotency_key=str(uuid.uuid4())), calls // 20),
        }
        check(plain.route_sync(READ, PARAMS))
        for orchestrator in (plain, later):
            check(runner.run(routed(orchestrator, READ)))
            check(runner.run(routed(orchestrator, OUTWARD)))

    def add_inline(self) -> None:
        """The peer's quickest awaited route of a plain function: on the loop, which a slow function would hold up."""
        inline = self._orchestrator("inline", dispatch, plain_local="inline")
        self.measures["route, def inline"] = lambda: self._awaited(lambda: inline.route(READ, PARAMS))

    def close(self) -> None:
        for orchestrator in self._made:
            self._runner.run(closed(orchestrator))

    def _orchestrator(self, name: str, local: Any, **options: Any) -> Any:
        database = f"sqlite://{self._folder}/{self.name}-{name}.db"
        made = self._module.HybridOrchestrator(env="local", local=local, database_url=database, **options)
        self._made.append(made)
        return made

    def _awaited(self, call: Callable[[], Awaitable[Any]], count: int | None = None) -> Timed:
        return self._runner.run(timed_async(call, count or self._calls))

    def _gathered(self, orchestrator: Any) -> Timed:
        async def fan_out() -> None:
            await asyncio.gather(*(orchestrator.route(READ, PARAMS) for _ in range(FAN_OUT)))

        return [total // FAN_OUT for total in self._awaited(fan_out, max(20, self._calls // FAN_OUT))]


async def routed(orchestrator: Any, action: str) -> Any:
    return await orchestrator.route(action, PARAMS, idempotency_key=str(uuid.uuid4()) if action == OUTWARD else None)


async def closed(orchestrator: Any) -> None:
    """The wheel's ``close`` may be either."""
    closing = orchestrator.close()
    if closing is not None:
        await closing


def figure(rounds: list[Timed]) -> Figure:
    def median_of(share: float) -> float:
        return statistics.median(sorted(times)[int(len(times) * share)] for times in rounds) / 1000

    return Figure(median_of(0.5), median_of(0.99))


def measure(sides: list[Side], rounds: int) -> dict[tuple[str, str], Figure]:
    """Every measure of every side; in odd rounds the other side goes first. The first round warms up and is dropped."""
    taken: dict[tuple[str, str], list[Timed]] = defaultdict(list)
    names = list(dict.fromkeys(name for side in sides for name in side.measures))
    for number in range(rounds + 1):
        for name in names:
            for side in sides if number % 2 else reversed(sides):
                if name not in side.measures:
                    continue
                with without_collector():
                    times = side.measures[name]()
                if number:
                    taken[side.name, name].append(times)
                time.sleep(PAUSE_S if name != "classify" else 0)
    return {key: figure(times) for key, times in taken.items()}


def import_ms(modules: dict[str, str]) -> dict[str, float]:
    """How much longer an interpreter runs that imports the module: the difference of medians over processes that take turns."""
    times: dict[str, list[float]] = defaultdict(list)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))}
    # Both from compiled files, as installed packages are.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as compiled:
        env["PYTHONPYCACHEPREFIX"] = compiled
        for number in range(IMPORTS + 1):
            for side, code in {"": "pass", **modules}.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=env)
                if number:
                    times[side].append((time.perf_counter() - start) * 1000)
    floor = statistics.median(times.pop(""))
    return {side: statistics.median(taken) - floor for side, taken in times.items()}


def cell(value: float | None, width: int = 9) -> str:
    digits = 3 if value is not None and value < 1 else 1
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def times(ours: float | None, others: float | None) -> str:
    return f"{'-':>8}" if ours is None or others is None else f"{others / ours:7.1f}x"


def row(name: str, ours: Figure | None, other: Figure | None, goal: str) -> None:
    p50 = ours and ours.p50, other and other.p50
    p99 = ours and ours.p99, other and other.p99
    print(f"{name:46} {cell(p50[0])} {cell(p50[1])} {times(*p50)}   {cell(p99[0])} {cell(p99[1])}   {goal}")


def single(name: str, ours: float | None, other: float | None, unit: str, goal: str) -> None:
    print(f"{f'{name}, {unit}':46} {cell(ours)} {cell(other)} {times(ours, other)}   {'':9} {'':9}   {goal}")


def report(figures: dict[tuple[str, str], Figure], imports: dict[str, float], wheel: Path | None) -> None:
    def ours(name: str) -> Figure | None:
        return figures.get(("everreach", name))

    def others(name: str) -> Figure | None:
        return figures.get(("peer", name))

    print(f"{'':46} {'everreach':>9} {'peer':>9} {'ratio':>8}   {'p99':>9} {'peer':>9}   goal")
    single("import", imports.get("everreach"), imports["peer"], "ms", "<= 150")
    row('classify("dm.send"), µs', ours("classify"), others("classify"), "<= 1")
    row("route_sync, def, µs; peer: await, thread", ours("route_sync"), others("route, def"), "<= 10, >= 5x")
    row("route_sync, def, µs; peer: await, async def", ours("route_sync"), others("route, async def"), "")
    row("route_sync, def, µs; peer: await, on the loop", ours("route_sync"), others("route, def inline"), "")
    row("route_sync, def, µs; peer: route_sync", ours("route_sync"), others("route_sync"), "")
    row("await route, async def, µs", ours("route, async def"), others("route, async def"), "<= 80")
    row("await route, def, µs; peer: thread", ours("route, def"), others("route, def"), "<= 80")
    row("await route, def, µs; peer: on the loop", ours("route, def"), others("route, def inline"), "")
    row(f"gather of {FAN_OUT}, µs per route", ours("gather"), others("gather"), "")
    row("await route, outward and journaled, µs", ours("outward"), others("outward"), "")
    if wheel is not None:
        single("wheel", wheel.stat().st_size / 1024**2, None, "MiB", "<= 25")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="the wheel's file, for its size")
    parser.add_argument("--rounds", type=int, default=7, help="how often each side is measured")
    parser.add_argument("--calls", type=int, default=4_000, help="calls of a side in each round")
    parser.add_argument("--uvloop", action="store_true", help="run both sides on uvloop")
    parser.add_argument("--peer-only", action="store_true", help="measure without the wheel")
    options = parser.parse_args()
    loop_factory = None
    if options.uvloop:
        uvloop = importlib.import_module("uvloop")
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        loop_factory = uvloop.new_event_loop

    modules = {"peer": "import python_orchestrator"}
    if not options.peer_only:
        modules["everreach"] = "import everreach"
    imports = import_ms(modules)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=loop_factory) as runner:
        os.environ["EVERREACH_DATA_DIR"] = folder
        sides = [Side("peer", peer, Path(folder), options.calls, runner)]
        sides[0].add_inline()
        if not options.peer_only:
            sides.append(Side("everreach", importlib.import_module("everreach"), Path(folder), options.calls, runner))
        figures = measure(sides, options.rounds)
        for side in sides:
            side.close()
    report(figures, imports, options.wheel)


if __name__ == "__main__":
    main()
