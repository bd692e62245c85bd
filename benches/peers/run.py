"""EverReach beside FastAPI in one run: requests per second and median latency of the same dispatch, and start-up figures.

Every server is one process on loopback, measured one after the other with wrk. Ratios are what counts; absolute times depend
on the machine and on what else runs there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
LOCAL_BODY = {"action": "demo.word_count", "params": {"text": "the quick brown fox jumps over the lazy dog"}}
CLOUD_BODY = {"action": "research.list_results", "params": {"platform": "threads", "limit": 3}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_ready(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{url} did not answer within {seconds} s")


@contextmanager
def server(command: list[str], health: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_ready(health, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def check(url: str, body: dict[str, object]) -> None:
    request = urllib.request.Request(f"{url}/dispatch", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        envelope = json.load(answer)
    if not envelope["ok"]:
        sys.exit(f"{url} does not do the work: {envelope}")


def load(url: str, body: dict[str, object], connections: int, seconds: int) -> tuple[float, float]:
    """Requests per second and median latency in microseconds."""
    check(url, body)
    with tempfile.NamedTemporaryFile("w", suffix=".lua", delete=False) as script:
        script.write(f"wrk.method = 'POST'\nwrk.body = [==[{json.dumps(body)}]==]\nwrk.headers['Content-Type'] = 'application/json'\n")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, f"{url}/dispatch"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    os.unlink(script.name)
    if "Non-2xx" in output:
        sys.exit(f"{url} answered with errors:\n{output}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", output).groups()
    return rate, float(value) * {"us": 1, "ms": 1_000, "s": 1_000_000}[unit]


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def start_up(binary: str, seconds: int) -> None:
    times = []
    for _ in range(20):
        start = time.perf_counter()
        subprocess.run([binary, "--help"], check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - start) * 1000)
    print(f"everreach --help                       {statistics.median(times):8.1f} ms   (goal 20)")
    times = []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            process = subprocess.Popen([binary, "dev", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            process.stdout.readline()
            times.append((time.perf_counter() - start) * 1000)
            time.sleep(seconds)
            idle = resident_mib(process.pid)
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=15)
    print(f"dev ready on an empty database         {statistics.median(times):8.1f} ms   (goal 300)")
    print(f"resident memory when idle              {idle:8.1f} MiB  (goal 30)")


def row(name: str, ours: tuple[float, float], peer: tuple[float, float], goal: str) -> None:
    rate, latency = ours[0] / peer[0], peer[1] / ours[1]
    print(f"{name:38} {ours[0]:9.0f} {peer[0]:9.0f} {rate:6.1f}x   {ours[1]:8.0f} {peer[1]:8.0f} {latency:6.1f}x   {goal}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the release build of everreach")
    parser.add_argument("--stub", required=True, help="the release build of bench_cloud_stub")
    parser.add_argument("--seconds", type=int, default=5, help="how long each load lasts")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")

    start_up(options.binary, 1)
    print(f"\n{'':38} {'req/s':>9} {'peer':>9} {'ratio':>7}   {'p50 µs':>8} {'peer':>8} {'ratio':>7}   goal")
    stub_port, our_port, peer_port = free_port(), free_port(), free_port()
    stub, ours, peer = (f"http://127.0.0.1:{port}" for port in (stub_port, our_port, peer_port))
    uvicorn = [sys.executable, "-m", "uvicorn", "fastapi_peer:app", "--app-dir", str(HERE), "--port", str(peer_port), "--log-level", "error", "--no-access-log"]

    with tempfile.TemporaryDirectory() as folder:
        local = [options.binary, "dev", "--demo", "--port", str(our_port)]
        measured = {}
        with server(local, f"{ours}/livez", {"EVERREACH_DATA_DIR": folder, "RUST_LOG": "error"}):
            for connections in (1, 32):
                measured["ours", connections] = load(ours, LOCAL_BODY, connections, options.seconds)
        with server(uvicorn, f"{peer}/health"):
            for connections in (1, 32):
                measured["peer", connections] = load(peer, LOCAL_BODY, connections, options.seconds)
        row("local, 1 connection, FastAPI", measured["ours", 1], measured["peer", 1], "p50 ours <= 90 µs")
        row("local, 32 connections, FastAPI", measured["ours", 32], measured["peer", 32], ">= 8x, p50 >= 6x")

    with tempfile.TemporaryDirectory() as folder, server([options.stub, str(stub_port)], f"{stub}/health"):
        settings = {
            "EVERREACH_ENV": "cloud",
            "CLOUD_ENDPOINT": stub,
            "EVERREACH_CLOUD_KEY": "bench",
            "EVERREACH_DATA_DIR": folder,
            "RUST_LOG": "error",
        }
        command = [options.binary, "serve", "--listen", f"127.0.0.1:{our_port}", "--role", "terminal"]
        with server(command, f"{ours}/livez", settings):
            hop = load(ours, CLOUD_BODY, 32, options.seconds)
        for client, goal in (("httpx", ">= 6x"), ("aiohttp", ">= 3x")):
            with server(uvicorn, f"{peer}/health", {"PEER_CLOUD": stub, "PEER_CLIENT": client}):
                row(f"cloud hop, 32 connections, {client}", hop, load(peer, CLOUD_BODY, 32, options.seconds), goal)


if __name__ == "__main__":
    main()
