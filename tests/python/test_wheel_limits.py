"""Time limits, and calls that are cancelled."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import Any, Dict, List

import pytest
from cloud_stub import CloudStub
from conftest import Open
from everreach import HybridOrchestrator
from registry import Registry, done
from test_wheel_handlers import PATIENCE, Runner, loop_of

__all__ = ["loop_of"]

#: Long enough for a handler to begin on a busy machine, in seconds.
LIMIT = 0.5


class Handler:
    """Takes for ever, and notes how it ended."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.ended: List[str] = []
        self.has_ended = threading.Event()

    async def coroutine(self, topic: str, params: Dict[str, Any]) -> Any:
        self.begun.set()
        try:
            while not self.go_on.is_set():
                await asyncio.sleep(0.005)
            self.ended.append("well")
            return done(topic, "late")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.has_ended.set()

    def plain(self, topic: str, params: Dict[str, Any]) -> Any:
        self.begun.set()
        self.go_on.wait(PATIENCE)
        self.ended.append("well")
        self.has_ended.set()
        return done(topic, "late")


@pytest.fixture
def handler() -> Any:
    handler = Handler()
    yield handler
    handler.go_on.set()


def test_a_coroutine_that_takes_too_long_is_cancelled(make: Open, handler: Handler) -> None:
    with make("local", local=handler.coroutine) as orchestrator:
        envelope = orchestrator.route_sync("dm.stats", {}, timeout=LIMIT)
    assert (envelope.ok, envelope.error) == (False, "timeout")
    assert 0.9 * LIMIT < envelope.duration_ms / 1e3 < 10 * LIMIT
    assert handler.has_ended.wait(PATIENCE) and handler.ended == ["cancelled"]


def test_an_awaited_coroutine_that_takes_too_long_is_cancelled(make: Open, handler: Handler, loop_of: Runner) -> None:
    async def limited() -> None:
        async with make("local", local=handler.coroutine) as orchestrator:
            assert (await orchestrator.route("dm.stats", {}, timeout=LIMIT)).error == "timeout"
            # The loop gets to it in its own time.
            assert await asyncio.get_running_loop().run_in_executor(None, handler.has_ended.wait, PATIENCE)

    loop_of(limited())
    assert handler.ended == ["cancelled"]


def test_a_plain_handler_that_takes_too_long_is_no_longer_waited_for(make: Open, handler: Handler) -> None:
    begun = time.monotonic()
    envelope = make("local", local=handler.plain).route_sync("dm.stats", {}, timeout=LIMIT)
    assert (envelope.error, handler.ended) == ("timeout", [])
    assert time.monotonic() - begun < 5
    handler.go_on.set()


def test_an_outward_handler_that_takes_too_long_leaves_the_outcome_unknown(make: Open, handler: Handler) -> None:
    with make("local", local=handler.coroutine) as orchestrator:
        envelope = orchestrator.route_sync("telegram.send", {}, timeout=LIMIT)
    assert handler.begun.is_set()
    assert (envelope.error, envelope.outcome) == ("outcome_unknown", "unknown")


def test_each_call_of_a_batch_has_its_own_limit(make: Open, handler: Handler) -> None:
    async def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        return await handler.coroutine(topic, params) if topic == "dm.stats" else done(topic, "quick")

    calls: List[Dict[str, Any]] = [
        {"action": "dm.stats", "timeout": LIMIT},
        {"action": "dm.conversations"},
        {"action": "dm.stats", "timeout_ms": LIMIT * 1e3},
    ]
    envelopes = make("local", local=dispatch).batch_execute_sync(calls)
    assert [envelope.error for envelope in envelopes] == ["timeout", None, "timeout"]


async def cancelled_once_begun(handler: Handler, call: "asyncio.Task[Any]") -> None:
    """Cancels a call whose handler runs."""
    assert await asyncio.get_running_loop().run_in_executor(None, handler.begun.wait, PATIENCE)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_a_cancelled_read_cancels_its_coroutine(make: Open, handler: Handler, loop_of: Runner) -> None:
    async def cancelled() -> None:
        orchestrator = make("local", local=handler.coroutine)
        await cancelled_once_begun(handler, asyncio.ensure_future(orchestrator.route("dm.stats")))
        assert await asyncio.get_running_loop().run_in_executor(None, handler.has_ended.wait, PATIENCE)

    loop_of(cancelled())
    assert handler.ended == ["cancelled"]


def test_a_cancelled_read_in_the_cloud_is_given_up(
    hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry, loop_of: Runner
) -> None:
    cloud.hang("research.platform")

    async def cancelled() -> None:
        call = asyncio.ensure_future(hybrid.route("research.platform"))
        assert await asyncio.get_running_loop().run_in_executor(None, cloud.arrived.wait, PATIENCE)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    loop_of(cancelled())
    assert registry.calls == []


def test_an_exception_of_a_signal_handler_ends_the_wait(make: Open, handler: Handler) -> None:
    class Alarm(Exception):
        """What many programs limit their calls with."""

    def ring(*_: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        orchestrator = make("local", local=handler.coroutine)
        orchestrator.open()
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        with pytest.raises(Alarm):
            orchestrator.route_sync("dm.stats")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert handler.has_ended.wait(PATIENCE) and handler.ended == ["cancelled"]


@pytest.mark.parametrize("use", ["route_sync", "close"])
def test_a_signal_handler_may_make_calls_and_close(make: Open, handler: Handler, use: str) -> None:
    orchestrator, other = make("local", local=handler.coroutine), make("local", local=lambda topic, params: done(topic, "other"))
    seen: List[Any] = []

    def ring(*_: Any) -> None:
        if use == "route_sync":
            seen.append(other.route_sync("dm.stats").result)
        else:
            other.close()
            seen.append("closed")
        handler.go_on.set()

    before = signal.signal(signal.SIGALRM, ring)
    try:
        orchestrator.open()
        other.open()
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
        assert orchestrator.route_sync("dm.stats").result == "late"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == ["other" if use == "route_sync" else "closed"]


def test_wait_for_keeps_its_limit(make: Open, handler: Handler, loop_of: Runner) -> None:
    async def limited() -> None:
        async with make("local", local=handler.coroutine) as orchestrator:
            call = asyncio.ensure_future(orchestrator.route("dm.stats"))
            assert await asyncio.get_running_loop().run_in_executor(None, handler.begun.wait, PATIENCE)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(call, 0.1)

    loop_of(limited())
    assert handler.has_ended.wait(PATIENCE) and handler.ended == ["cancelled"]


@pytest.mark.parametrize("kind", ["coroutine", "plain"])
def test_a_cancelled_outward_call_goes_on_and_is_journaled(
    make: Open, handler: Handler, loop_of: Runner, kind: str
) -> None:
    message = {"message": "hello"}

    async def cancelled() -> None:
        async with make("local", local=getattr(handler, kind)) as orchestrator:
            call = asyncio.ensure_future(orchestrator.route("telegram.send", message, idempotency_key="k"))
            await cancelled_once_begun(handler, call)
            running = await orchestrator.route("telegram.send", message, idempotency_key="k")
            assert running.error == "idempotency_conflict"
            handler.go_on.set()
            # Leaving waits for what is under way.

    loop_of(cancelled())
    assert handler.ended == ["well"]
    again = make("local", local=handler.plain).route_sync("telegram.send", message, idempotency_key="k")
    assert (again.ok, again.replayed, again.result) == (True, True, "late")


def test_a_loop_that_ends_in_the_middle_of_an_outward_call_leaves_it_held(make: Open, handler: Handler) -> None:
    orchestrator = make("local", local=handler.coroutine)

    async def left() -> None:
        call = asyncio.ensure_future(orchestrator.route("telegram.send", {}, idempotency_key="k"))
        await cancelled_once_begun(handler, call)

    asyncio.run(left())
    assert handler.ended == ["cancelled"]
    orchestrator.close()
    again = make("local", local=handler.plain).route_sync("telegram.send", {}, idempotency_key="k")
    assert (again.ok, again.outcome, again.error) == (False, "unknown", "outcome_unknown")


def test_closing_waits_for_what_is_under_way(make: Open, handler: Handler) -> None:
    orchestrator = make("local", local=handler.plain)
    answers: List[Any] = []
    caller = threading.Thread(target=lambda: answers.append(orchestrator.route_sync("telegram.send", {})))
    caller.start()
    assert handler.begun.wait(PATIENCE)
    threading.Timer(0.1, handler.go_on.set).start()
    orchestrator.close()
    caller.join(PATIENCE)
    assert (handler.ended, answers[0].ok) == (["well"], True)
