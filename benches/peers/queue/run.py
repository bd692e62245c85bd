"""The Safari queue beside what users would pick instead, in one run: enqueue, drain, pick-up, memory, and what limits and backlogs cost.

Every side is one worker in a process of its own, measured one after the other; the sides take turns, round by round. Ratios are what
counts; absolute figures depend on the machine and on what else runs there. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Mapping

import sides
from figures import goal_table, median, number, side_table
from goals import goals
from measures import FULL, QUICK, Databases, Size, backlog, contacts, drain, in_process, keyed, limits, pickup
from postgres import Cluster, cluster
from sides import ROOT, Side

Figures = dict[str, dict[str, float]]
LEVELS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def noted(figures: Mapping[str, float]) -> Mapping[str, float]:
    """Shown at once: a long run may end early."""
    note("  " + ", ".join(f"{name} {number(value)}" for name, value in figures.items()))
    return figures


def is_memory(folder: Path) -> bool:
    """Whether fsync costs nothing there."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if folder.is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2] in ("tmpfs", "ramfs")


def measure_sides(found: list[Side], databases: Databases, size: Size) -> Figures:
    rounds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for turn in range(size.rounds):
        for side in found:
            note(f"round {turn + 1} of {size.rounds}: {side.label} (load {os.getloadavg()[0]:.1f})")
            for measure in (drain, pickup):
                for name, value in noted(measure(side, databases, size)).items():
                    rounds[side.label][name].append(value)
    return {label: {name: median(values) for name, values in figures.items()} for label, figures in rounds.items()}


def measure_ours(store: str, command: sides.Callable[..., list[str]], databases: Databases, size: Size) -> dict[str, float]:
    figures: dict[str, float] = {}
    for measure in (in_process, keyed, backlog, contacts):
        note(f"{store}: ours, {measure.__name__} (load {os.getloadavg()[0]:.1f})")
        figures.update(noted(measure(command, databases.fresh(store), size)))
    note(f"{store}: ours, limits (load {os.getloadavg()[0]:.1f})")
    figures.update(noted(limits(command, lambda: databases.fresh(store), size)))
    return figures


def report(found: Figures, ours: Figures) -> None:
    side_table(found)
    levels = {LEVELS[int(side["synchronous"])] for side in found.values() if "synchronous" in side}
    if levels:
        print(f"\nSQLite's synchronous setting: {', '.join(sorted(levels))} in honker, FULL in ours")
    for store, figures in ours.items():
        print(f"\n{store}: ours, further figures")
        for name, value in figures.items():
            print(f"  {name:36} {number(value):>12}")
    print()
    goal_table(goals(found, ours))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="a release build of the example bench_safari_queue")
    parser.add_argument("--quick", action="store_true", help="2,000 jobs and one round: does all of it run?")
    parser.add_argument("--rounds", type=int, help="how often each side is measured; the median counts")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"], help="one database")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    parser.add_argument("--dependencies", type=Path, help="where the peers are installed; under CARGO_TARGET_DIR when left out")
    temporary = Path(tempfile.gettempdir())
    parser.add_argument("--folder", type=Path, default=temporary, help="where the databases are: on a disk, not in memory")
    options = parser.parse_args()
    # What was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if is_memory(options.folder.resolve()):
        sys.exit(f"{options.folder} is kept in memory, where fsync costs nothing: name another with --folder")
    size = QUICK if options.quick else FULL
    if options.rounds:
        size = size._replace(rounds=options.rounds)
    dependencies = options.dependencies or Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "queue-peers"
    dependencies = dependencies.resolve()
    dependencies.mkdir(parents=True, exist_ok=True)
    stores = [options.only] if options.only else ["SQLite", "PostgreSQL"]
    binary = str(Path(options.binary).resolve())

    with tempfile.TemporaryDirectory(prefix="everreach-bench-", dir=options.folder) as folder:
        scratch = Path(folder)
        found = [side for store in stores for side in sides.ours(binary, scratch, store)]
        if not options.no_peers:
            found += peers(stores, dependencies)
        if "PostgreSQL" in stores:
            with cluster(options.folder.resolve()) as running:
                measured = measure(found, stores, binary, scratch, running, size)
        else:
            measured = measure(found, stores, binary, scratch, None, size)
    report(*measured)
    if options.json:
        write(options.json, size, *measured)


def peers(stores: list[str], dependencies: Path) -> list[Side]:
    note(f"the peers are installed in {dependencies}")
    found = []
    if "SQLite" in stores:
        found += sides.honker(dependencies)
    if "PostgreSQL" in stores:
        found += [*sides.graphile(dependencies), *sides.river(dependencies)]
    return found


def measure(
    found: list[Side], stores: list[str], binary: str, scratch: Path, running: Cluster | None, size: Size
) -> tuple[Figures, Figures]:
    databases = Databases(scratch, running)
    in_order = sorted(found, key=lambda side: (side.store, side.name))
    by_side = measure_sides(in_order, databases, size)
    command = sides.ours_command(binary, scratch)
    return by_side, {store: measure_ours(store, command, databases, size) for store in stores}


def write(path: Path, size: Size, found: Figures, ours: Figures) -> None:
    machine = {"processors": os.cpu_count(), "load": os.getloadavg(), "system": platform.platform()}
    asked = [goal.as_json() for goal in goals(found, ours)]
    path.write_text(json.dumps({"size": size._asdict(), "machine": machine, "sides": found, "ours": ours, "goals": asked}, indent=1) + "\n")


if __name__ == "__main__":
    main()
