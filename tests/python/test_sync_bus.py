"""The sync bus from Python."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, Callable, List, Tuple

import pytest

from everreach import SyncBus
from everreach.errors import EverReachError


def until(condition: Callable[[], bool], patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def test_a_plain_handler_gets_each_message_in_order(tmp_path: Path) -> None:
    heard: List[int] = []
    with SyncBus(database_url=f"sqlite://{tmp_path}/bus.db") as bus:
        for number in range(20):
            bus.publish_sync("jobs", {"number": number})
        bus.subscribe("jobs", lambda payload: heard.append(payload["number"]))
        until(lambda: len(heard) == 20)
    assert heard == list(range(20))


def test_a_coroutine_runs_on_the_loop_that_subscribed(tmp_path: Path) -> None:
    async def main() -> None:
        here, done = threading.get_ident(), asyncio.Event()
        heard: List[Tuple[Any, str]] = []

        async def handler(payload: Any, id: str) -> None:
            assert threading.get_ident() == here
            heard.append((payload, id))
            done.set()

        async with SyncBus(database_url=f"sqlite://{tmp_path}/bus.db") as bus:
            bus.subscribe("jobs", handler)
            id = await bus.publish("jobs", [1, "two"])
            await asyncio.wait_for(done.wait(), 30)
            assert heard == [([1, "two"], id)]

    asyncio.run(main())


def test_a_handler_that_raises_gets_its_message_again_before_the_next_one(tmp_path: Path) -> None:
    heard: List[int] = []
    failed: List[int] = []

    def handler(payload: int) -> None:
        if payload == 1 and not failed:
            failed.append(payload)
            raise ValueError("not yet")
        heard.append(payload)

    with SyncBus(database_url=f"sqlite://{tmp_path}/bus.db") as bus:
        bus.subscribe("jobs", handler)
        for number in range(4):
            bus.publish_sync("jobs", number)
        until(lambda: len(heard) == 4)
    assert heard == [0, 1, 2, 3]


def test_what_a_script_inserts_is_delivered_and_marked(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    heard: List[int] = []
    with SyncBus(database_url=f"sqlite://{path}") as bus:
        assert bus.publish_sync("jobs", 0, dedup_key="a") == bus.publish_sync("jobs", 9, dedup_key="a")
        with sqlite3.connect(path) as db:
            db.execute("INSERT INTO hybrid_messages (id, topic, payload_json) VALUES ('x', 'jobs', '1')")
        bus.subscribe("jobs", heard.append)
        until(lambda: heard == [0, 1])

        def open_rows() -> int:
            with sqlite3.connect(path) as db:
                return int(db.execute("SELECT COUNT(*) FROM hybrid_messages WHERE consumed_at IS NULL").fetchone()[0])

        until(lambda: open_rows() == 0)


def test_wrong_settings_and_payloads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EverReachError) as refused:
        SyncBus(redis_url="rediss://:hunter2@redis.example", database_url=f"sqlite://{tmp_path}/bus.db")
    assert "TLS" in str(refused.value) and "hunter2" not in str(refused.value)
    with SyncBus(database_url=f"sqlite://{tmp_path}/bus.db") as bus:
        with pytest.raises(EverReachError):
            bus.publish_sync("", 1)
        with pytest.raises(EverReachError):
            bus.publish_sync("jobs", object())
