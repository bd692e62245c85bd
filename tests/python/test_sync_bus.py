"""The sync bus from Python: publishing, handlers and where they run, messages taken by hand."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, List, Tuple

import pytest
from everreach import HybridOrchestrator, Message, SyncBus
from everreach.errors import ClosedError, ConflictError, EverReachError, InvalidInputError

pytestmark = pytest.mark.prd200


def until(condition: Callable[[], bool], patience: float = 30.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def insert(url: str, id: str, payload: str) -> None:
    """What a script of another process does. This one must not: two copies of SQLite in a process undo each other's locks."""
    script = """
import sqlite3, sys
path, id, payload = sys.argv[1:]
with sqlite3.connect(path) as db:
    db.execute("INSERT INTO hybrid_messages (id, topic, payload_json) VALUES (?, 'jobs', ?)", (id, payload))
db.close()
"""
    subprocess.run([sys.executable, "-c", script, url[len("sqlite://") :], id, payload], check=True, timeout=30)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/bus.db"


# Handlers


def test_a_plain_handler_gets_each_message_in_order_in_a_thread(url: str) -> None:
    heard: List[int] = []
    threads: List[int] = []

    def handler(payload: Any) -> None:
        threads.append(threading.get_ident())
        heard.append(payload["number"])

    with SyncBus(database_url=url) as bus:
        for number in range(20):
            bus.publish_sync("jobs", {"number": number})
        bus.subscribe("jobs", handler)
        until(lambda: len(heard) == 20)
    assert heard == list(range(20)) and threading.get_ident() not in threads


def test_a_coroutine_runs_on_the_loop_that_subscribed_and_sees_its_context(url: str) -> None:
    who = contextvars.ContextVar("who", default="nobody")

    async def main() -> None:
        here, done = asyncio.get_running_loop(), asyncio.Event()
        heard: List[Tuple[Any, Message]] = []

        async def handler(payload: Any, message: Message) -> None:
            assert asyncio.get_running_loop() is here and who.get() == "ada"
            heard.append((payload, message))
            done.set()

        who.set("ada")
        async with SyncBus(database_url=url) as bus:
            bus.subscribe("jobs", handler, name="main")
            id = await bus.publish("jobs", [1, "two"])
            await asyncio.wait_for(done.wait(), 30)
        payload, message = heard[0]
        assert payload == message.payload == [1, "two"]
        assert (message.id, message.topic, message.name, message.attempt) == (id, "jobs", "main", 1)

    asyncio.run(main())


def test_a_coroutine_of_a_program_without_a_loop_runs_on_one_of_ours() -> None:
    ran: List[str] = []

    async def handler(payload: Any) -> None:
        ran.append(threading.current_thread().name)

    with SyncBus(database_url="sqlite::memory:") as bus:
        bus.subscribe("jobs", handler)
        bus.publish_sync("jobs", None)
        until(lambda: bool(ran))
    assert ran == ["everreach-asyncio"]


def test_a_handler_that_raises_gets_its_message_again_before_the_next_one(url: str) -> None:
    heard: List[Tuple[int, int]] = []

    def handler(payload: int, message: Message) -> None:
        heard.append((payload, message.attempt))
        if (payload, message.attempt) == (1, 1):
            raise ValueError("not yet")

    with SyncBus(database_url=url) as bus:
        bus.subscribe("jobs", handler)
        for number in range(4):
            bus.publish_sync("jobs", number)
        until(lambda: len(heard) == 5)
    assert heard == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1)]


def test_each_name_gets_every_message_and_one_name_is_read_once(url: str) -> None:
    first: List[int] = []
    second: List[int] = []
    with SyncBus(database_url=url) as bus:
        bus.subscribe("jobs", first.append, name="first")
        bus.subscribe("jobs", second.append, name="second")
        with pytest.raises(ConflictError, match="name of its own"):
            bus.subscribe("jobs", print, name="second")
        for number in range(3):
            bus.publish_sync("jobs", number)
        until(lambda: len(first) == len(second) == 3)
    assert first == second == [0, 1, 2]


def test_two_that_read_by_one_name_share_the_work(url: str) -> None:
    heard: List[int] = []
    with SyncBus(database_url=url) as one, SyncBus(database_url=url) as other:
        one.subscribe("jobs", heard.append)
        other.subscribe("jobs", heard.append)
        for number in range(50):
            other.publish_sync("jobs", number)
        until(lambda: len(heard) >= 50)
        # The one that did not read takes over at once when the other stops properly.
        one.close()
        other.publish_sync("jobs", 50)
        until(lambda: 50 in heard)
    assert heard == list(range(51))


def test_a_new_subscription_may_begin_with_what_comes_from_now_on(url: str) -> None:
    heard: List[int] = []
    with SyncBus(database_url=url) as bus:
        bus.publish_sync("jobs", 0)
        bus.subscribe("jobs", heard.append, start="newest")
        bus.publish_sync("jobs", 1)
        until(lambda: bool(heard))
        with pytest.raises(InvalidInputError, match="oldest or the newest"):
            bus.subscribe("jobs", heard.append, name="other", start="latest")
    assert heard == [1]


def test_a_handler_stops_its_own_subscription_and_the_next_one_goes_on_where_it_was(url: str) -> None:
    heard: List[int] = []
    later: List[int] = []
    with SyncBus(database_url=url) as bus:

        def once(payload: int) -> None:
            heard.append(payload)
            subscription.stop()

        for number in range(3):
            bus.publish_sync("jobs", number)
        subscription = bus.subscribe("jobs", once)
        until(lambda: bool(heard))

        def again() -> bool:
            try:
                bus.subscribe("jobs", later.append)
            except ConflictError:
                return False
            return True

        until(again)
        until(lambda: len(later) == 2)
    assert (heard, later) == ([0], [1, 2])
    assert repr(subscription) == "Subscription(topic='jobs', name='default')"


def test_a_handler_whose_loop_is_gone_leaves_the_messages_to_others(url: str) -> None:
    heard: List[int] = []
    with SyncBus(database_url=url) as bus:

        async def handler(payload: int) -> None:
            raise AssertionError("its loop is closed")

        async def main() -> None:
            bus.subscribe("jobs", handler)

        asyncio.run(main())
        bus.publish_sync("jobs", 7)

        def again() -> bool:
            try:
                bus.subscribe("jobs", heard.append)
            except ConflictError:
                return False
            return True

        until(again)
        until(lambda: heard == [7])


def test_what_a_script_inserts_is_delivered_and_a_dedup_key_keeps_a_repeat_out(url: str) -> None:
    heard: List[int] = []
    with SyncBus(database_url=url) as bus:
        assert bus.publish_sync("jobs", 0, dedup_key="a") == bus.publish_sync("jobs", 9, dedup_key="a")
        insert(url, "x", "1")
        bus.subscribe("jobs", heard.append)
        until(lambda: heard == [0, 1])


# By hand


def test_messages_are_received_acknowledged_and_failed_by_hand(url: str) -> None:
    with SyncBus(database_url=url) as bus:
        assert bus.receive_sync("jobs") == []
        for number in range(4):
            bus.publish_sync("jobs", number)
        taken = bus.receive_sync("jobs", max=3)
        assert [one.payload for one in taken] == [0, 1, 2]
        bus.ack_sync(taken[1])
        retry_at = bus.fail_sync(taken[2], "the printer is out of paper")
        assert retry_at is not None and retry_at.endswith("Z")
        assert bus.receive_sync("jobs", max=3) == [], "it holds back what comes after it"
        again = bus.receive_sync("jobs", max=3, timeout=10)
        assert [(one.payload, one.attempt) for one in again] == [(2, 2)]
        bus.ack_sync(again[0])
        assert [one.payload for one in bus.receive_sync("jobs", max=3)] == [3]
        with SyncBus(database_url=url) as other:
            assert other.receive_sync("jobs") == [], "another one reads by this name"
            with pytest.raises(ConflictError):
                other.ack_sync(taken[0])


def test_what_is_awaited_is_the_same(url: str) -> None:
    async def main() -> None:
        async with SyncBus(database_url=url) as bus:
            await bus.publish("jobs", {"n": 1}, dedup_key="one")
            (message,) = await bus.receive("jobs", name="hand", timeout=10)
            await bus.ack(message)
            assert await bus.receive("jobs", name="hand") == []
            status = await bus.status()
            assert status["redis"] is None and status["parked"] == 0
            assert [(one["name"], one["waiting"]) for one in status["subscriptions"]] == [("hand", 0)]
            assert await bus.unsubscribe("jobs", name="hand") and not await bus.unsubscribe("jobs", name="hand")
            await bus.publish("jobs", {"n": 2})
            first, second = await bus.receive("jobs", name="hand", max=5)
            assert await bus.fail(second, "no") is not None and first.payload == {"n": 1}
            assert await bus.parked() == [] and not await bus.replay("no-such-id")

    asyncio.run(main())


def test_what_cannot_be_read_is_parked_and_replayed(url: str) -> None:
    with SyncBus(database_url=url) as bus:
        bus.open()
        insert(url, "broken", "{")
        bus.publish_sync("jobs", "next")
        assert [one.payload for one in bus.receive_sync("jobs", timeout=10)] == ["next"]
        (parked,) = bus.parked_sync()
        assert parked["id"].endswith("-broken") and (parked["subscription"], parked["payload"]) == ("default", "{")
        assert bus.replay_sync(parked["id"]) and not bus.replay_sync(parked["id"], name="other")
        assert bus.unsubscribe_sync("jobs")


# Beginning and end


def test_wrong_settings_and_payloads_are_refused_and_no_password_is_repeated(url: str) -> None:
    for redis_url in ("rediss://:hunter2@redis.example", "http://:hunter2@redis.example", "hunter2"):
        with pytest.raises(EverReachError) as refused:
            SyncBus(redis_url, url)
        assert "REDIS_URL" in str(refused.value) and "hunter2" not in f"{refused.value!r} {refused.value.context}"
    with pytest.raises(EverReachError) as refused:
        SyncBus(database_url="mysql://me:hunter2@db.example:odd/app")
    assert "hunter2" not in f"{refused.value!r} {refused.value} {refused.value.context}"
    with SyncBus(database_url=url) as bus:
        for topic, payload in (("", 1), ("jobs", object()), ("jobs", "x" * (1 << 20))):
            with pytest.raises(InvalidInputError):
                bus.publish_sync(topic, payload)
        with pytest.raises(InvalidInputError, match="number of at least 1"):
            bus.receive_sync("jobs", max=0)
        with pytest.raises(InvalidInputError, match="number of seconds"):
            bus.receive_sync("jobs", timeout=-1.0)
        with pytest.raises(EverReachError, match="function"):
            bus.subscribe("jobs", "no function")  # type: ignore[arg-type]


def test_closing_waits_for_the_handler_at_work_and_takes_nothing_after_it(url: str) -> None:
    begun, go_on = threading.Event(), threading.Event()
    heard: List[int] = []

    def handler(payload: int) -> None:
        begun.set()
        assert go_on.wait(30)
        heard.append(payload)

    bus = SyncBus(database_url=url)
    bus.subscribe("jobs", handler)
    for number in range(3):
        bus.publish_sync("jobs", number)
    assert begun.wait(30)
    closing = threading.Thread(target=bus.close)
    closing.start()
    # It is told to close before the handler ends: until then publishing works, and afterwards it is refused.
    until(lambda: _is_closed(bus))
    go_on.set()
    closing.join(30)
    assert not closing.is_alive() and heard == [0]
    bus.close()
    with pytest.raises(ClosedError):
        bus.publish_sync("jobs", 4)
    with SyncBus(database_url=url) as other:
        for expected in (1, 2):
            (message,) = other.receive_sync("jobs", timeout=10)
            assert message.payload == expected
            other.ack_sync(message)


def _is_closed(bus: SyncBus) -> bool:
    try:
        bus.status_sync()
    except ClosedError:
        return True
    return False


def test_what_would_wait_for_itself_is_refused(url: str) -> None:
    refused: List[str] = []

    with SyncBus(database_url=url) as bus:

        def closes(payload: Any) -> None:
            try:
                bus.close()
            except RuntimeError as error:
                refused.append(str(error))

        bus.subscribe("jobs", closes)
        bus.publish_sync("jobs", 1)
        until(lambda: bool(refused))
    assert "waits for itself" in refused[0]

    async def main() -> None:
        async def handler(payload: Any) -> None: ...

        bus = SyncBus(database_url=url)
        bus.subscribe("jobs", handler, name="on the loop")
        with pytest.raises(RuntimeError, match="aclose"):
            bus.close()
        await bus.aclose()
        with pytest.raises(ClosedError):
            await bus.publish("jobs", 1)

    asyncio.run(main())


def test_the_bus_of_an_orchestrator_reads_until_the_orchestrator_is_closed() -> None:
    heard: List[str] = []

    def local(topic: str, params: Any) -> Any:
        return {"ok": True, "topic": topic, "result": params}

    with HybridOrchestrator("local", local=local, database_url="sqlite::memory:") as orchestrator:

        def handler(payload: Any) -> None:
            heard.append(orchestrator.route_sync("dm.stats", payload).result["n"])

        orchestrator.bus.subscribe("jobs", handler)
        orchestrator.bus.publish_sync("jobs", {"n": "one"})
        until(lambda: heard == ["one"])
        with orchestrator.bus as bus:
            bus.subscribe("others", heard.append)
            bus.publish_sync("others", "two")
            until(lambda: heard == ["one", "two"])
        # Only what was subscribed through it is stopped.
        orchestrator.bus.publish_sync("jobs", {"n": "three"})
        until(lambda: heard == ["one", "two", "three"])
    with pytest.raises(ClosedError, match="orchestrator is closed"):
        orchestrator.bus.publish_sync("jobs", {})


def test_a_bus_that_is_let_go_without_closing_warns(url: str) -> None:
    bus = SyncBus(database_url=url)
    bus.open()
    with pytest.warns(ResourceWarning, match="never closed"):
        del bus
