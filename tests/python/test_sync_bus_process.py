"""The bus between databases over a real Redis, and life and death of the process: Ctrl-C, fork, the end, garbage."""

from __future__ import annotations

import gc
import signal
import subprocess
import threading
import time
import weakref
from pathlib import Path
from typing import Any, List

import pytest
from child import arguments, run
from everreach import SyncBus
from redis_server import RedisServer
from test_sync_bus import until

pytestmark = pytest.mark.prd200

#: How long Ctrl-C may take: 100 ms are wanted, the rest is for a busy machine.
CTRL_C_MS = 500

PRELUDE = """\
import os, signal, sys, threading, time, warnings
from everreach import SyncBus
from everreach.errors import ForkError
"""


def test_a_message_goes_from_one_database_to_another_over_redis_and_waits_while_it_is_away(tmp_path: Path) -> None:
    heard: List[Any] = []
    quickly = {"SYNC_INTERVAL_SEC": 1}
    with RedisServer("hunter2") as redis:
        with SyncBus(redis.url, f"sqlite://{tmp_path}/mac.db", config=quickly) as mac:
            with SyncBus(redis.url, f"sqlite://{tmp_path}/cloud.db", config=quickly) as cloud:
                cloud.subscribe("crm.updated", heard.append)
                for number in range(10):
                    mac.publish_sync("crm.updated", {"n": number})
                until(lambda: len(heard) == 10, 60)
                status = mac.status_sync()
                assert status["redis"]["is_up"] and "hunter2" not in str(status)
    assert heard == [{"n": number} for number in range(10)]
    with SyncBus(redis.url, f"sqlite://{tmp_path}/mac.db", config=quickly) as mac:
        id = mac.publish_sync("crm.updated", {"n": 10})
        until(lambda: mac.status_sync()["redis"] is not None)
        assert [one.id for one in mac.receive_sync("crm.updated", max=20)][-1] == id, "in its own database it is there at once"
        status = mac.status_sync()
        assert not status["redis"]["is_up"] and status["unsent"] == 1 and "hunter2" not in str(status)


def test_a_redis_that_wants_another_password_is_told_of_without_the_one_that_is_wrong(tmp_path: Path) -> None:
    with RedisServer("correct") as redis:
        url = redis.url.replace("correct", "hunter2")
        printed = run(
            f"""
            import logging
            logging.basicConfig(level=1, stream=sys.stdout)
            logging.getLogger("everreach").setLevel(1)
            with SyncBus({url!r}, "sqlite://{tmp_path}/bus.db") as bus:
                end = time.monotonic() + 30
                while (bus.status_sync()["redis"] or {{}}).get("error") is None:
                    assert time.monotonic() < end
                    time.sleep(0.05)
                print(bus, bus.status_sync())
            """,
            PRELUDE,
        )
    assert "'is_up': False" in printed and "hunter2" not in printed, printed


WAITS = {
    "a wait for a message": 'SyncBus().receive_sync("jobs", timeout=30)',
    "an awaited one": 'asyncio.run(SyncBus().receive("jobs", timeout=30))',
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_ctrl_c_interrupts_at_once(wait: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = f"""
        import asyncio
        warnings.simplefilter("ignore", ResourceWarning)
        with SyncBus() as first:
            first.status_sync()
        print("begun", flush=True)
        try:
            {wait}
        except KeyboardInterrupt:
            print(time.monotonic(), flush=True)
        os._exit(0)
    """
    with subprocess.Popen(arguments(script, PRELUDE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout and child.stderr
            assert child.stdout.readline() == "begun\n", child.stderr.read()
            # The wait has begun when its database is open again: a moment later.
            until(lambda: Path("data/everreach.db-wal").exists())
            time.sleep(0.3)
            pressed = time.monotonic()
            child.send_signal(signal.SIGINT)
            raised = child.stdout.readline()
            _, errors = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, errors) == (0, ""), errors
    took = (float(raised) - pressed) * 1e3
    with capsys.disabled():
        print(f"\nCtrl-C during {wait}: {took:.0f} ms ", end="")
    assert took < CTRL_C_MS


def test_after_a_fork_what_was_used_says_so_and_what_was_not_works() -> None:
    run(
        """
        heard = []
        used, unused = SyncBus(database_url="sqlite://parent.db"), SyncBus(database_url="sqlite://child.db")
        subscription = used.subscribe("jobs", heard.append)
        used.publish_sync("jobs", 1)
        while heard != [1]:
            time.sleep(0.01)
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            for use in (
                lambda: used.publish_sync("jobs", 2),
                lambda: used.subscribe("jobs", print, name="child"),
                lambda: used.receive_sync("jobs"),
                subscription.stop,
                used.open,
                used.close,
            ):
                try:
                    use()
                except ForkError as error:
                    assert error.kind == "forked"
                else:
                    raise AssertionError("no ForkError")
            with unused:
                unused.subscribe("jobs", heard.append)
                unused.publish_sync("jobs", "child")
                while heard[-1] != "child":
                    time.sleep(0.01)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
        used.publish_sync("jobs", 2)
        while heard != [1, 2]:
            time.sleep(0.01)
        used.close()
        """,
        PRELUDE,
    )


def test_the_end_of_the_program_waits_for_the_handler_at_work_and_for_nothing_else() -> None:
    printed = run(
        """
        warnings.simplefilter("ignore", ResourceWarning)
        begun = threading.Event()
        def handler(payload):
            begun.set()
            time.sleep(0.5)
            print("handled", payload, flush=True)
        bus = SyncBus()
        bus.subscribe("jobs", handler)
        bus.subscribe("others", print)
        for number in range(3):
            bus.publish_sync("jobs", number)
        assert begun.wait(20)
        """,
        PRELUDE,
    )
    assert printed == "handled 0\n"


def test_a_closed_bus_leaves_nothing_behind_and_one_in_a_cycle_with_its_handler_is_collected(tmp_path: Path) -> None:
    class Canary:
        """Dies with whatever holds it."""

    def live(close: bool) -> "weakref.ref[Canary]":
        canary, heard = Canary(), threading.Event()
        bus = SyncBus(database_url=f"sqlite://{tmp_path}/bus.db")

        def handler(payload: Any, kept: Any = (canary, bus)) -> None:
            heard.set()

        bus.subscribe("jobs", handler)
        bus.publish_sync("jobs", 1)
        assert heard.wait(30)
        if close:
            bus.close()
        return weakref.ref(canary)

    closed = live(True)

    def is_gone(canary: "weakref.ref[Canary]") -> bool:
        gc.collect()
        return canary() is None

    until(lambda: is_gone(closed))
    with pytest.warns(ResourceWarning):
        left = live(False)
        until(lambda: is_gone(left))
