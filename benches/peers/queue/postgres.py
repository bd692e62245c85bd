"""A PostgreSQL of our own: fresh, on loopback, with fsync on and all else at its defaults, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

USER = "postgres"


def binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise SystemExit("PostgreSQL is missing: apt-get install postgresql")
    return found[-1]


def as_server(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


def run(command: list[str]) -> str:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Cluster:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str) -> str:
        command = [str(binaries() / "psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", self.url("postgres"), "-c", statement]
        return run(command).strip()

    def create(self, database: str) -> str:
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.sql(f'DROP DATABASE "{database}" WITH (FORCE)')


@contextmanager
def cluster(parent: Path) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="everreach-bench-postgres-", dir=parent))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data, control = str(folder / "data"), str(binaries() / "pg_ctl")
    settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=on -c synchronous_commit=on"
    try:
        run(as_server([str(binaries() / "initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]))
        run(as_server([control, "-D", data, "-w", "-l", str(folder / "log"), "-o", settings, "start"]))
        try:
            found = Cluster(folder, port)
            if found.sql("SHOW fsync") != "on":
                raise SystemExit("fsync is off: the figures would not be about a durable queue")
            yield found
        finally:
            run(as_server([control, "-D", data, "-w", "-m", "fast", "stop"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
