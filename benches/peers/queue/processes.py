"""The programs of the sides: started, listened to, measured from outside, and ended."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Sequence

PATIENCE_S = 600


def high_water_mib(status: str) -> float:
    """The most memory a process has had, from its /proc/PID/status."""
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def cpu_seconds(stat: str, ticks: int) -> float:
    """Processor time of a process in user and system mode, from its /proc/PID/stat."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return (int(fields[11]) + int(fields[12])) / ticks


def ask(command: Sequence[str]) -> Any:
    """Runs a command to its end; returns what it tells, if anything."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    lines = done.stdout.splitlines()
    return json.loads(lines[-1]) if lines else None


class Worker:
    """A worker in a process of its own; it goes on until its input ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def hear(self) -> Any:
        """Its next line."""
        impatience = threading.Timer(PATIENCE_S, self._process.kill)
        impatience.start()
        try:
            line = self._process.stdout.readline()
        finally:
            impatience.cancel()
        if not line:
            raise SystemExit(f"{' '.join(self._process.args)} ended without an answer, with {self._process.wait()}")
        return json.loads(line)

    def rss_mib(self) -> float:
        return high_water_mib(self._proc("status"))

    def idle_cpu_percent(self, seconds: float) -> float:
        """Of one processor."""
        before = self._cpu()
        time.sleep(seconds)
        return (self._cpu() - before) / seconds * 100

    def _cpu(self) -> float:
        return cpu_seconds(self._proc("stat"), os.sysconf("SC_CLK_TCK"))

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._process.pid}/{name}").read_text()
