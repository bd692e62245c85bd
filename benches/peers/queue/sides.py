"""The sides: how each is installed, outside of the source tree, and called."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
# graphile-worker 0.18 asks for it.
OLDEST_NODE = (22, 18)
TUNED_PARALLEL = 4


class Side(NamedTuple):
    """One queue with its settings. `command` makes the command line from a word, the database and how many jobs."""

    name: str
    store: str
    command: Callable[[str, str, int], list[str]]
    # Whether its schema is made by a command of its own.
    is_prepared: bool

    @property
    def label(self) -> str:
        return f"{self.store}: {self.name}"


def install(command: list[str], folder: Path = HERE, **env: str) -> None:
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed in {folder}:\n{done.stdout}{done.stderr}")


def node_of(folder: Path) -> str:
    """The node of this machine when it is new enough, else one that npm brings."""
    found = shutil.which("node") or sys.exit("node and npm are missing: install them")
    version = subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout.strip().lstrip("v")
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_NODE:
        return found
    own = folder / "node_modules/node/bin/node"
    if not own.exists():
        install(["npm", "install", "--no-save", "--no-audit", "--no-fund", "node@24"], folder)
    return str(own)


def graphile(folder: Path) -> list[Side]:
    folder = folder / "graphile"
    folder.mkdir(parents=True, exist_ok=True)
    lock = HERE / "graphile/package-lock.json"
    is_stale = not (folder / "package-lock.json").exists() or (folder / "package-lock.json").read_bytes() != lock.read_bytes()
    # It resolves what it imports from where it lies.
    shutil.copytree(HERE / "graphile", folder, dirs_exist_ok=True)
    if is_stale or not (folder / "node_modules/graphile-worker").exists():
        install(["npm", "ci", "--no-audit", "--no-fund"], folder)
    program = [node_of(folder), str(folder / "worker.js")]

    def side(name: str, *settings: str) -> Side:
        return Side(name, "PostgreSQL", lambda word, url, count: [*program, word, url, str(count), *settings], True)

    return [side("graphile-worker"), side("graphile-worker, tuned", "tuned")]


def river(folder: Path) -> list[Side]:
    target = folder / "river"
    project = HERE / "river"
    install(["cargo", "build", "--locked", "--release"], project, CARGO_TARGET_DIR=str(target))
    program = str(target / "release/queue-peer-river")

    def command(word: str, url: str, count: int) -> list[str]:
        return [program, word, url, str(count), "tuned"]

    return [Side("River for Rust, tuned", "PostgreSQL", command, True)]


def honker(folder: Path) -> list[Side]:
    python = folder / "honker/bin/python"
    if not python.exists():
        install([sys.executable, "-m", "venv", str(folder / "honker")])
    install([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "honker/requirements.txt"])
    program = [str(python), "-B", str(HERE / "honker/worker.py")]

    def side(name: str, *settings: str) -> Side:
        return Side(name, "SQLite", lambda word, path, count: [*program, word, path, str(count), *settings], False)

    return [side("honker"), side("honker, batched", "tuned")]


def ours_command(binary: str, scratch: Path, *settings: str) -> Callable[..., list[str]]:
    def command(word: str, url: str, count: int, *more: str) -> list[str]:
        url = url if url.startswith("postgres") else f"sqlite://{url}"
        return [binary, word, "--database", url, "--folder", str(scratch), "--count", str(count), *settings, *more]

    return command


def ours(binary: str, scratch: Path, store: str) -> list[Side]:
    tuned = ("--parallel", str(TUNED_PARALLEL))
    return [
        Side("ours", store, ours_command(binary, scratch), False),
        Side("ours, tuned", store, ours_command(binary, scratch, *tuned), False),
    ]
