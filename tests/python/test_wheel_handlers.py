"""Handlers see what their caller sees, on whatever thread or loop they run, and how they end is told."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import queue
import threading
from typing import Any, Callable, Dict, Iterator, List

import pytest
import uvloop
from conftest import Open
from everreach import Call, Envelope, HybridOrchestrator
from registry import Registry, done

Runner = Callable[[Any], Any]
Way = Callable[[HybridOrchestrator, str], Envelope]
PATIENCE = 10.0

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("WHO", default="nobody")


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def loop_of(request: pytest.FixtureRequest) -> Runner:
    """Runs a coroutine, on either kind of event loop."""
    runner: Runner = request.param
    return runner


def by_route(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    return asyncio.run(orchestrator.route(action, {}))


def by_uvloop(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    envelope: Envelope = uvloop.run(orchestrator.route(action, {}))
    return envelope


def by_route_sync(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    return orchestrator.route_sync(action, {})


def by_route_sync_with_a_limit(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    return orchestrator.route_sync(action, {}, timeout=PATIENCE)


def by_batch(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    return asyncio.run(orchestrator.batch_execute([{"action": action}]))[0]


def by_batch_sync(orchestrator: HybridOrchestrator, action: str) -> Envelope:
    return orchestrator.batch_execute_sync([{"action": action}])[0]


WAYS = [by_route, by_uvloop, by_route_sync, by_route_sync_with_a_limit, by_batch, by_batch_sync]


# Context variables


def plain(topic: str, params: Dict[str, Any]) -> Any:
    return done(topic, WHO.get())


async def coroutine(topic: str, params: Dict[str, Any]) -> Any:
    before = WHO.get()
    await asyncio.sleep(0)
    return done(topic, before if before == WHO.get() else "changed on the way")


def returning_a_coroutine(topic: str, params: Dict[str, Any]) -> Any:
    return coroutine(topic, params)


class CallableObject:
    """Neither a function nor a module."""

    async def __call__(self, topic: str, params: Dict[str, Any]) -> Any:
        return await coroutine(topic, params)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dispatch", [plain, coroutine, returning_a_coroutine, CallableObject()])
@pytest.mark.parametrize("action", ["dm.stats", "telegram.send"])
def test_context_variables_reach_the_handler(make: Open, way: Way, dispatch: Any, action: str) -> None:
    token = WHO.set("ada")
    try:
        assert way(make("local", local=dispatch), action).result == "ada"
    finally:
        WHO.reset(token)


@pytest.mark.parametrize("way", WAYS)
def test_context_variables_reach_an_executor_and_the_initialisation(make: Open, way: Way) -> None:
    seen: List[str] = []

    class Own:
        async def execute(self, call: Call) -> Any:
            return WHO.get()

    token = WHO.set("ada")
    try:
        assert way(make("local", local=None, executor=Own()), "dm.stats").result == "ada"
        assert way(make("local", local=plain, init=lambda: seen.append(WHO.get())), "dm.stats").ok
        assert seen == ["ada"]
    finally:
        WHO.reset(token)


def test_what_a_handler_sets_stays_with_the_handler(make: Open) -> None:
    async def changing(topic: str, params: Dict[str, Any]) -> Any:
        WHO.set("eve")
        return done(topic, None)

    for way in (by_route, by_route_sync_with_a_limit, by_batch):
        assert way(make("local", local=changing), "dm.stats").ok
        assert WHO.get() == "nobody"


def test_a_coroutine_runs_on_the_loop_of_whoever_awaits(make: Open, loop_of: Runner) -> None:
    async def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        return done(topic, [id(asyncio.get_running_loop()), threading.get_ident()])

    async def here() -> None:
        wanted = [id(asyncio.get_running_loop()), threading.get_ident()]
        for action in ("dm.stats", "telegram.send"):
            assert (await make("local", local=dispatch).route(action)).result == wanted

    loop_of(here())


def test_a_plain_handler_never_blocks_the_loop(make: Open, loop_of: Runner) -> None:
    go_on = threading.Event()

    def waiting(topic: str, params: Dict[str, Any]) -> Any:
        return done(topic, go_on.wait(PATIENCE))

    async def both() -> None:
        call = asyncio.create_task(make("local", local=waiting).route("dm.stats"))
        # Would never come to this while the handler blocked the loop.
        asyncio.get_running_loop().call_soon(go_on.set)
        assert (await call).result is True

    loop_of(both())


def test_route_sync_also_works_where_a_loop_runs(make: Open, loop_of: Runner) -> None:
    async def cell() -> None:
        for dispatch in (plain, coroutine):
            orchestrator = make("local", local=dispatch)
            assert orchestrator.route_sync("dm.stats").ok
            assert orchestrator.batch_execute_sync([{"action": "dm.stats"}])[0].ok
            assert orchestrator.explain("dm.stats")["action"] == "dm.stats"

    loop_of(cell())


def test_awaiting_without_a_loop_says_what_to_do(local: HybridOrchestrator) -> None:
    with pytest.raises(RuntimeError, match="_sync"):
        local.route("dm.stats", {}).send(None)


# Calls within calls


def test_a_plain_handler_may_make_a_call_of_its_own(make: Open) -> None:
    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        inner = orchestrator.route_sync("dm.stats", {}).result if topic == "dm.top_contacts" else "inner"
        return done(topic, inner)

    orchestrator = make("local", local=dispatch)
    for way in WAYS:
        assert way(orchestrator, "dm.top_contacts").result == "inner"


def test_calls_within_calls_go_some_way_down(make: Open) -> None:
    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        depth = params["depth"]
        return done(topic, orchestrator.route_sync("dm.stats", {"depth": depth - 1}).result + 1 if depth else 0)

    orchestrator = make("local", local=dispatch)
    assert orchestrator.route_sync("dm.stats", {"depth": 6}).result == 6
    assert asyncio.run(orchestrator.route("dm.stats", {"depth": 6})).result == 6


def test_a_coroutine_may_make_a_call_of_its_own(make: Open) -> None:
    async def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        inner = (await orchestrator.route("dm.stats")).result if topic == "dm.top_contacts" else "inner"
        return done(topic, inner)

    orchestrator = make("local", local=dispatch)
    for way in WAYS:
        assert way(orchestrator, "dm.top_contacts").result == "inner"


def a_coroutine_that_waits(make: Open) -> HybridOrchestrator:
    """Its handler makes a call of its own with route_sync, as old code called from new does."""

    async def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        inner = orchestrator.route_sync("dm.stats", timeout=2).result if topic == "dm.top_contacts" else "inner"
        return done(topic, inner)

    orchestrator = make("local", local=dispatch)
    return orchestrator


@pytest.mark.parametrize("way", [by_route, by_uvloop, by_batch])
def test_a_coroutine_may_wait_for_a_call_of_its_own_on_its_callers_loop(make: Open, way: Way) -> None:
    assert way(a_coroutine_that_waits(make), "dm.top_contacts").result == "inner"


@pytest.mark.parametrize("way", [by_route_sync, by_batch_sync])
def test_a_coroutine_may_wait_for_a_call_of_its_own_on_our_loop(make: Open, way: Way) -> None:
    assert way(a_coroutine_that_waits(make), "dm.top_contacts").result == "inner"


def test_a_hanging_handler_in_one_thread_holds_up_no_other(make: Open) -> None:
    begun, go_on = threading.Event(), threading.Event()
    all_at_once = threading.Barrier(8)

    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        if topic == "dm.top_contacts":
            begun.set()
            return done(topic, go_on.wait(PATIENCE))
        return done(topic, all_at_once.wait(PATIENCE))

    orchestrator, answers = make("local", local=dispatch), queue.Queue[Envelope]()

    def ask(action: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.put(orchestrator.route_sync(action)))
        thread.start()
        return thread

    hanging = ask("dm.top_contacts")
    assert begun.wait(PATIENCE)
    threads = [ask("dm.stats") for _ in range(8)]
    others = [answers.get(timeout=PATIENCE) for _ in threads]
    assert all(envelope.ok and envelope.action == "dm.stats" for envelope in others)
    go_on.set()
    assert answers.get(timeout=PATIENCE).result is True
    for thread in [hanging, *threads]:
        thread.join()


def test_two_orchestrators_share_one_database(make: Open, registry: Registry) -> None:
    one, other = make("local"), make("local")
    message = {"handle": "ada", "text": "hello"}
    assert one.route_sync("dm.send", message).ok and other.route_sync("dm.send", message).replayed
    one.close()
    assert other.route_sync("dm.send", {**message, "text": "bye"}).ok


# How handlers end


class Records(logging.Handler):
    """Hands over records from whatever thread they come."""

    def __init__(self) -> None:
        super().__init__()
        self.records: queue.Queue[logging.LogRecord] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put(record)

    def wait_for(self, text: str) -> logging.LogRecord:
        while True:
            record = self.records.get(timeout=PATIENCE)
            if text in record.getMessage():
                return record


@pytest.fixture
def records() -> Iterator[Records]:
    """What the package logs."""
    logger, handler = logging.getLogger("everreach"), Records()
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("action", ["dm.stats", "telegram.send"])
def test_an_exception_becomes_an_envelope_and_its_traceback_is_logged(
    make: Open, records: Records, way: Way, action: str
) -> None:
    async def the_line_that_broke(topic: str, params: Dict[str, Any]) -> Any:
        raise LookupError("100%s of it")

    envelope = way(make("local", local=the_line_that_broke), action)
    assert (envelope.error, envelope.outcome) == ("handler_error", "executed")
    assert envelope.detail == "LookupError: 100%s of it"
    record = records.wait_for("in the_line_that_broke")
    assert (record.levelno, record.name.split(".")[0]) == (logging.WARNING, "everreach")
    assert "LookupError: 100%s of it" in record.getMessage()


class Unspeakable(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


ODD = [StopIteration(1), GeneratorExit(), Unspeakable(), MemoryError(), ValueError("\ud800"), asyncio.CancelledError()]

@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("raised", ODD, ids=repr)
def test_odd_exceptions_end_in_an_envelope_too(make: Open, way: Way, raised: BaseException) -> None:
    def odd(topic: str, params: Dict[str, Any]) -> Any:
        raise raised

    async def odd_coroutine(topic: str, params: Dict[str, Any]) -> Any:
        raise raised

    for dispatch in (odd, odd_coroutine):
        envelope = way(make("local", local=dispatch), "telegram.send")
        assert (envelope.ok, envelope.source) == (False, "local")
        assert envelope.error in ("handler_error", "outcome_unknown")


def test_a_change_of_the_loggers_level_is_picked_up(make: Open, records: Records) -> None:
    def broken(topic: str, params: Dict[str, Any]) -> Any:
        raise LookupError(f"number {params['n']}")

    orchestrator, changed = make("local", local=broken), threading.Event()
    logging.getLogger("everreach").setLevel(logging.CRITICAL)
    # The level is read again once a second; each call waits on nothing but a tenth of that.
    for level, is_wanted in ((logging.CRITICAL, False), (logging.WARNING, True)):
        logging.getLogger("everreach").setLevel(level)
        for number in range(40):
            orchestrator.route_sync("dm.stats", {"n": f"{number} at {level}"})
            changed.wait(0.1)
            if (not records.records.empty()) == is_wanted:
                break
            while not is_wanted and not records.records.empty():
                records.records.get()
        assert (not records.records.empty()) == is_wanted
    assert f"at {logging.WARNING}" in records.wait_for("number").getMessage()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_handler_on_the_callers_thread_reaches_the_caller(make: Open, raised: Any) -> None:
    def interrupted(topic: str, params: Dict[str, Any]) -> Any:
        raise raised

    orchestrator = make("local", local=interrupted)
    with pytest.raises(raised):
        orchestrator.route_sync("dm.stats")


@pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_handler_on_another_thread_leaves_the_outcome_unknown(make: Open, raised: Any) -> None:
    def interrupted(topic: str, params: Dict[str, Any]) -> Any:
        raise raised

    envelope = make("local", local=interrupted).route_sync("telegram.send")
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "outcome_unknown", "unknown")
