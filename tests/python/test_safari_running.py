"""Working through Safari's queue from Python: loops, threads, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any, Callable, Dict, List, Optional

import pytest
from child import run
from everreach import DispatchOutcome, HybridOrchestrator, SafariQueue
from everreach.errors import ClosedError, InvalidInputError
from everreach.safari import Dispatchable, Service, ServiceHealth
from everreach.testing import ScriptedDispatcher
from test_safari_dispatcher import AT_ONCE, Healthy, wait_for

pytestmark = pytest.mark.prd040


def made(dispatcher: Any, database_url: str = "sqlite::memory:") -> SafariQueue:
    return SafariQueue(database_url, dispatcher=dispatcher, config=AT_ONCE)


class OnLoops(Healthy):
    """Says on which loops it ran."""

    def __init__(self) -> None:
        self.dispatched: List[Any] = []
        self.looked: List[Any] = []

    async def health(self, service: Service) -> ServiceHealth:
        self.looked.append(asyncio.get_running_loop())
        return ServiceHealth.healthy()

    async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
        self.dispatched.append(asyncio.get_running_loop())
        return DispatchOutcome.sent("seen")


# Loops


def test_a_coroutine_runs_on_the_loop_of_whoever_awaits_the_run() -> None:
    dispatcher = OnLoops()

    async def here() -> None:
        async with made(dispatcher) as queue:
            await queue.enqueue_dm("twitter", "bob", "hello")
            assert (await queue.run_once())["completed"] == 1
            assert {*dispatcher.dispatched, *dispatcher.looked} == {asyncio.get_running_loop()}

    asyncio.run(here())


def test_for_a_thread_that_waits_it_runs_on_a_loop_of_ours_even_where_one_stands_still() -> None:
    dispatcher = OnLoops()

    async def blocking() -> None:
        with made(dispatcher) as queue:
            queue.enqueue_dm_sync("twitter", "bob", "hello")
            assert queue.run_once_sync()["completed"] == 1
            (loop,) = {*dispatcher.dispatched, *dispatcher.looked}
            assert loop is not asyncio.get_running_loop()

    asyncio.run(blocking())


def test_who_only_asks_takes_no_command_away_from_the_loop_of_the_run() -> None:
    dispatcher, queue, ready = OnLoops(), made(OnLoops()), threading.Event()
    queue.close()
    queue = made(dispatcher)
    loops: Dict[str, Any] = {}

    async def daemon() -> None:
        loops["daemon"] = asyncio.get_running_loop()
        running = asyncio.ensure_future(queue.run(0.05))
        await asyncio.sleep(0)
        ready.set()
        await running

    thread = threading.Thread(target=asyncio.run, args=[daemon()])
    thread.start()
    assert ready.wait(30)

    async def asks() -> None:
        for number in range(5):
            await queue.enqueue_dm("twitter", f"bob{number}", "hello")
            await queue.status()
        while (await queue.status())["commands"]["completed"] < 5:
            await asyncio.sleep(0.02)
        await queue.aclose()

    asyncio.run(asyncio.wait_for(asks(), 60))
    thread.join(30)
    assert len(dispatcher.dispatched) == 5 and set(dispatcher.dispatched) == {loops["daemon"]}


def test_a_blocking_look_on_the_loop_of_the_run_ends() -> None:
    async def both() -> None:
        async with made(OnLoops()) as queue:
            running = asyncio.ensure_future(queue.run(0.05))
            await asyncio.sleep(0.2)
            # The loop stands still here, and the services are looked at all the same.
            assert {one["status"] for one in queue.services_sync()} == {"healthy"}
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(asyncio.wait_for(both(), 60))


def test_a_loop_that_ends_leaves_what_it_was_sending_unknown() -> None:
    class Slow(Healthy):
        begun = threading.Event()

        async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
            self.begun.set()
            await asyncio.sleep(60)
            return DispatchOutcome.sent("never")

    queue = made(Slow())
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")

    async def leaves() -> None:
        running = asyncio.ensure_future(queue.run_once())
        while not Slow.begun.is_set():
            await asyncio.sleep(0.01)
        del running

    asyncio.run(leaves())
    wait_for(lambda: queue.get_sync(id)["outcome"] == "unknown")
    queue.close()


# The daemon


def test_the_daemon_carries_out_what_is_written_until_the_queue_is_closed() -> None:
    dispatcher = ScriptedDispatcher()
    queue = made(dispatcher)
    told: List[Dict[str, Any]] = []
    daemon = threading.Thread(target=lambda: told.append(queue.run_sync(60)))
    daemon.start()
    for name in ("bob", "eve"):
        queue.enqueue_dm_sync("twitter", name, "hello")
    assert dispatcher.wait_begun(2)
    wait_for(lambda: queue.status_sync()["commands"]["completed"] == 2)
    queue.close()
    daemon.join(30)
    assert told == [{"executed": 2, "completed": 2, "failed": 0, "unknown": 0, "rescheduled": 0}]


def test_a_daemon_that_is_cancelled_starts_nothing_more_and_cuts_nothing_off(tmp_path: Any) -> None:
    dispatcher, url = ScriptedDispatcher(held=True), f"sqlite://{tmp_path}/queue.db"

    async def cancelled() -> List[str]:
        async with made(dispatcher, url) as queue:
            first = await queue.enqueue_dm("twitter", "bob", "hello")
            running = asyncio.ensure_future(queue.run(0.05))
            assert await asyncio.to_thread(dispatcher.wait_begun, 1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            second = await queue.enqueue_dm("twitter", "eve", "hello")
            await asyncio.sleep(0.3)
            threading.Timer(0.3, dispatcher.release).start()
        return [first, second]

    first, second = asyncio.run(cancelled())
    with SafariQueue(url) as queue:
        assert (queue.get_sync(first)["status"], queue.get_sync(second)["status"]) == ("completed", "pending")
    assert len(dispatcher.seen) == 1


@pytest.mark.parametrize(("interval", "max", "field"), [
    (0, None, "interval"), (-1, None, "interval"), (float("nan"), None, "interval"), (1, 0, "max"),
])  # fmt: skip
def test_a_rhythm_that_makes_no_sense_is_refused(interval: float, max: Optional[int], field: str) -> None:
    with made(Healthy()) as queue, pytest.raises(InvalidInputError) as refused:
        queue.run_sync(interval, max)
    assert refused.value.context["field"] == field


# Ends


def test_a_closed_queue_says_so_and_may_be_closed_again() -> None:
    with made(Healthy()) as queue:
        queue.enqueue_dm_sync("twitter", "bob", "hello")
    queue.close()
    with pytest.raises(ClosedError, match="the queue is closed"):
        queue.status_sync()

    async def again() -> None:
        await queue.aclose()
        async with made(Healthy()) as other:
            await other.enqueue_dm("twitter", "bob", "hello")
        with pytest.raises(ClosedError):
            await other.status()

    asyncio.run(again())


def test_closing_waits_for_what_is_being_sent(tmp_path: Any) -> None:
    dispatcher, url = ScriptedDispatcher(held=True), f"sqlite://{tmp_path}/queue.db"
    queue = made(dispatcher, url)
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")
    running = threading.Thread(target=queue.run_once_sync)
    running.start()
    assert dispatcher.wait_begun()
    closing = threading.Thread(target=queue.close)
    closing.start()
    closing.join(0.5)
    assert closing.is_alive()
    dispatcher.release()
    closing.join(30)
    running.join(30)
    with SafariQueue(url) as after:
        assert after.get_sync(id)["status"] == "completed"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_dispatcher_that_closes_its_queue_is_told(is_async: bool) -> None:
    class Closes(Healthy):
        queue: SafariQueue

        def dispatch(self, command: Dispatchable) -> Any:
            if is_async:
                return self.closing()
            self.queue.close()
            return DispatchOutcome.sent("closed")

        async def closing(self) -> DispatchOutcome:
            await self.queue.aclose()
            return DispatchOutcome.sent("closed")

    dispatcher = Closes()
    with made(dispatcher) as queue:
        dispatcher.queue = queue
        id = queue.enqueue_dm_sync("twitter", "bob", "hello")
        queue.run_once_sync()
        assert "waits for itself" in queue.get_sync(id)["error"]


def test_closing_where_the_loop_could_not_end_it_is_refused() -> None:
    class Slow(OnLoops):
        async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
            await super().dispatch(command)
            await asyncio.sleep(0.5)
            return DispatchOutcome.sent("seen")

    async def closes() -> None:
        dispatcher = Slow()
        async with made(dispatcher) as queue:
            await queue.enqueue_dm("twitter", "bob", "hello")
            running = asyncio.ensure_future(queue.run(0.05))
            while not dispatcher.dispatched:
                await asyncio.sleep(0.01)
            with pytest.raises(RuntimeError, match="aclose"):
                queue.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            with pytest.raises(RuntimeError, match="aclose"):
                queue.close()

    asyncio.run(asyncio.wait_for(closes(), 60))


def test_a_dispatcher_and_its_queue_are_let_go_together() -> None:
    def unused() -> weakref.ref[Healthy]:
        dispatcher = Healthy()
        dispatcher.queue = made(dispatcher)  # type: ignore[attr-defined]
        return weakref.ref(dispatcher)

    def used() -> weakref.ref[Healthy]:
        dispatcher = Healthy()
        dispatcher.queue = queue = made(dispatcher)  # type: ignore[attr-defined]
        queue.enqueue_dm_sync("twitter", "bob", "hello")
        assert queue.run_once_sync()["completed"] == 1
        return weakref.ref(dispatcher)

    def lent() -> weakref.ref[Healthy]:
        dispatcher = Healthy()
        orchestrator = HybridOrchestrator("local", database_url="sqlite::memory:", safari_dispatcher=dispatcher)
        dispatcher.queue = orchestrator.safari  # type: ignore[attr-defined]
        return weakref.ref(dispatcher)

    makers: List[Callable[[], weakref.ref[Healthy]]] = [unused, used, lent]
    for make in makers:
        gone = make()
        wait_for(lambda: gc.collect() >= 0 and gone() is None)  # noqa: B023


SENDING = """
import os, signal, threading, time
from everreach import DispatchOutcome, SafariDispatcher, SafariQueue
from everreach.safari import ServiceHealth

begun = threading.Event()

class Slow(SafariDispatcher):
    def health(self, service):
        return ServiceHealth.healthy()

    def dispatch(self, command):
        begun.set()
        time.sleep(1)
        return DispatchOutcome.sent("seen")

config = {"SAFARI_ACTIVE_HOURS": "0-24", "SAFARI_MIN_DELAY_MS": 0}
queue = SafariQueue("sqlite://queue.db", dispatcher=Slow(), config=config)
id = queue.enqueue_dm_sync("twitter", "bob", "hello")
"""


def stands() -> Dict[str, Any]:
    with SafariQueue("sqlite://queue.db") as queue:
        (row,) = queue.history_sync()["commands"]
        return row  # type: ignore[no-any-return]


def test_the_end_of_the_interpreter_waits_for_what_is_being_sent() -> None:
    run(SENDING + "threading.Thread(target=queue.run_once_sync, daemon=True).start()\nassert begun.wait(30)\n", prelude="")
    assert stands()["status"] == "completed"


def test_ctrl_c_ends_the_daemon_and_cuts_nothing_off() -> None:
    run(
        SENDING
        + """
threading.Thread(target=lambda: (begun.wait(30), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    with queue:
        queue.run_sync()
except KeyboardInterrupt:
    pass
else:
    raise AssertionError("it went on")
""",
        prelude="",
    )
    assert stands()["status"] == "completed"


def test_after_a_fork_an_unused_queue_works_in_the_child() -> None:
    run(
        SENDING.replace('id = queue.enqueue_dm_sync("twitter", "bob", "hello")', "")
        + """
pid = os.fork()
if pid == 0:
    signal.alarm(30)
    with queue:
        queue.enqueue_dm_sync("twitter", "bob", "hello")
        os._exit(0 if queue.run_once_sync()["completed"] == 1 else 1)
assert os.waitpid(pid, 0)[1] == 0
""",
        prelude="",
    )
