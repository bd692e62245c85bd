"""Never twice, never over, always stoppable: what a handler and its surroundings can do against it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any, Dict, List

import pytest
from everreach import CostGuard, HybridOrchestrator
from everreach.errors import ClosedError, CostCapExceededError, RateLimitedError

Params = Dict[str, Any]


def thrice(orchestrator: HybridOrchestrator) -> List[str]:
    """The outcomes of the same outward call, sent three times under one key."""
    return [orchestrator.route_sync("email.send", {"to": "ada"}, idempotency_key="k").outcome for _ in range(3)]


def inner_failure(orchestrator: HybridOrchestrator, how: str) -> Any:
    inner = orchestrator.route_sync("crm.stats")
    return inner.raise_for_error() if how == "raised" else inner


@pytest.mark.parametrize("how", ["raised", "returned"])
def test_what_an_inner_call_says_of_itself_is_no_word_about_the_call_around_it(how: str) -> None:
    sent = []

    def dispatch(topic: str, params: Params) -> Any:
        if topic == "crm.stats":
            raise RateLimitedError("ten a minute")
        sent.append(params)
        return inner_failure(orchestrator, how)

    with HybridOrchestrator(local=dispatch) as orchestrator:
        assert thrice(orchestrator) == ["executed"] * 3
    assert len(sent) == 1


def test_a_guard_that_refuses_a_handler_says_nothing_about_its_call() -> None:
    sent = []
    guard = CostGuard(cap_usd=1, soft_cap_usd=1)

    def dispatch(topic: str, params: Params) -> Any:
        sent.append(params)
        guard.reserve_sync("research", "platform", 5)

    with HybridOrchestrator(local=dispatch) as orchestrator:
        assert thrice(orchestrator) == ["executed"] * 3
    assert len(sent) == 1


def test_a_refusal_that_the_handler_makes_itself_leaves_the_key_free() -> None:
    def dispatch(topic: str, params: Params) -> Any:
        raise RateLimitedError("ten a minute", retry_after=6)

    with HybridOrchestrator(local=dispatch) as orchestrator:
        assert thrice(orchestrator) == ["not_executed"] * 3


@pytest.mark.parametrize("word", ["not_executed", "queued", "unknown"])
def test_a_registry_that_says_ok_has_run_whatever_else_it_says(word: str) -> None:
    sent = []

    def dispatch(topic: str, params: Params) -> Any:
        sent.append(params)
        return {"ok": True, "topic": topic, "result": None, "outcome": word}

    with HybridOrchestrator(local=dispatch) as orchestrator:
        assert thrice(orchestrator) == ["executed"] * 3
    assert len(sent) == 1


def test_a_handler_that_found_no_thread_in_time_never_begins() -> None:
    begun, gate = [], threading.Event()

    def dispatch(topic: str, params: Params) -> Any:
        begun.append(params["n"])
        gate.wait(60)
        return {"ok": True}

    async def all_of_them() -> List[str]:
        calls = [orchestrator.route("email.send", {"n": n}, timeout=2) for n in range(300)]
        return [envelope.outcome for envelope in await asyncio.gather(*calls)]

    with HybridOrchestrator(local=dispatch) as orchestrator:
        outcomes = asyncio.run(all_of_them())
        told = len(begun)
        assert outcomes.count("unknown") == told and outcomes.count("not_executed") == 300 - told > 0
        # The core has threads of its own left.
        assert orchestrator.explain("dm.stats")["would"].startswith("run")
        gate.set()
    assert len(begun) == told


def test_what_a_subclass_of_the_guard_refuses_is_not_spent() -> None:
    asked = []

    class Strict(CostGuard):
        async def reserve(self, *arguments: Any, **options: Any) -> Any:
            asked.append(arguments)
            raise CostCapExceededError("not today")

    guard = Strict(cap_usd=10, soft_cap_usd=9)
    hybrid: Dict[str, Any] = {"cloud_endpoint": "http://127.0.0.1:9", "cloud_key": "k", "local": lambda topic, params: {"ok": True}}
    with HybridOrchestrator("hybrid", cost_guard=guard, **hybrid) as orchestrator:
        envelope = orchestrator.route_sync("dm.send", {"text": "hi"}, force_env="cloud")
    assert (envelope.source, envelope.cost_usd, envelope.cost_guard_triggered) == ("local", 0, True)
    assert len(asked) == 1


def test_a_set_is_the_same_json_in_every_process() -> None:
    script = "import json; from everreach._plain import plain; print(json.dumps(plain({'a@x', 'b@x', 'c@x', 'd@x'})))"
    printed = {
        subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in "1234"
    }
    assert [json.loads(text) for text in printed] == [["a@x", "b@x", "c@x", "d@x"]]


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "left"])
def test_a_worker_that_holds_its_orchestrator_is_collected(is_closed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Worker:
        def __init__(self) -> None:
            self.orchestrator = HybridOrchestrator(local=self.dispatch)

        def dispatch(self, topic: str, params: Params) -> Any:
            return {"ok": True}

    def worked() -> "weakref.ref[Worker]":
        worker = Worker()
        assert worker.orchestrator.route_sync("dm.stats").ok
        if is_closed:
            worker.orchestrator.close()
        return weakref.ref(worker)

    # It warns of orchestrators that nobody closed, as this one.
    monkeypatch.setattr(HybridOrchestrator, "__del__", lambda self: None)
    left = worked()
    pause = threading.Event()
    for _ in range(100):
        gc.collect()
        if left() is None:
            return
        pause.wait(0.1)
    raise AssertionError("it is still there")


def test_tasks_that_a_handler_starts_and_leaves_are_no_calls_within_it() -> None:
    seen: List[int] = []

    async def dispatch(topic: str, params: Params) -> Any:
        seen.append(params["n"])
        if params["n"] < 40:
            left.append(asyncio.ensure_future(orchestrator.route("dm.stats", {"n": params["n"] + 1})))
        return {"ok": True}

    left: List["asyncio.Future[Any]"] = []

    async def main() -> None:
        await orchestrator.route("dm.stats", {"n": 0})
        while left:
            await left.pop()

    orchestrator = HybridOrchestrator(local=dispatch)
    asyncio.run(main())
    orchestrator.close()
    assert seen == list(range(41))


def test_a_handler_cannot_close_its_orchestrator_and_a_loop_that_awaits_is_told_of_aclose() -> None:
    told: List[str] = []

    async def dispatch(topic: str, params: Params) -> Any:
        with pytest.raises(RuntimeError, match="waits for itself") as refused:
            orchestrator.close()
        told.append(str(refused.value))
        begun.set()
        await asyncio.sleep(params.get("s", 0))
        return {"ok": True}

    async def main() -> None:
        call = asyncio.ensure_future(orchestrator.route("email.send", {"s": 0.2}))
        await begun.wait()
        with pytest.raises(RuntimeError, match="aclose"):
            orchestrator.close()
        await orchestrator.aclose()
        assert (await call).ok
        with pytest.raises(ClosedError):
            await orchestrator.route("dm.stats")

    orchestrator = HybridOrchestrator(local=dispatch)
    begun = asyncio.Event()
    asyncio.run(main())
    assert told


def test_an_orchestrator_that_is_closed_while_it_opens_is_closed(tmp_path: Path) -> None:
    def open_files() -> int:
        links = (os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd"))
        return sum("race.db" in os.readlink(link) for link in links if os.path.islink(link))

    for _ in range(5):
        orchestrator = HybridOrchestrator(local=lambda topic, params: {"ok": True}, database_url=f"sqlite://{tmp_path}/race.db")
        thread = threading.Thread(target=_open_quietly, args=(orchestrator,))
        thread.start()
        orchestrator.close()
        thread.join()
    assert open_files() == 0


def _open_quietly(orchestrator: HybridOrchestrator) -> None:
    try:
        orchestrator.open()
    except Exception:
        pass


def test_an_initialisation_whose_loop_is_closed_is_tried_again() -> None:
    runs: List[int] = []

    async def init() -> None:
        runs.append(1)
        if len(runs) == 1:
            await asyncio.sleep(3600)

    async def first() -> None:
        left.append(asyncio.ensure_future(orchestrator.route("dm.stats")))
        await asyncio.sleep(0.2)

    left: List["asyncio.Future[Any]"] = []
    orchestrator = HybridOrchestrator(local=lambda topic, params: {"ok": True}, init=init)
    asyncio.run(first())
    deadline = threading.Event()
    for _ in range(50):
        if orchestrator.route_sync("dm.stats", timeout=3).ok:
            break
        deadline.wait(0.1)
    assert orchestrator.route_sync("dm.stats").ok and len(runs) == 2
    orchestrator.close()


def test_a_value_that_changes_its_dict_while_it_is_read_does_no_harm() -> None:
    class Model:
        def model_dump(self) -> Params:
            given["late"] = 1
            return {"n": 1}

    given: Params = {"model": Model(), "other": 2}
    with HybridOrchestrator(local=lambda topic, params: {"ok": True, "result": params}) as orchestrator:
        assert orchestrator.route_sync("dm.stats", given).result == {"model": {"n": 1}, "other": 2}
