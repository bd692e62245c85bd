"""Executors, classifiers and cost guards written in Python keep the same laws as the core's own, and are told when they do not."""

from __future__ import annotations

import asyncio
import inspect
import random
from typing import Any, Dict, List, Tuple, Type

import pytest
from cloud_stub import CloudStub
from conftest import Open
from everreach import ActionClassifier, Call, CostGuard, Execution, HybridOrchestrator, Reservation, RouteTable
from everreach.errors import ConflictError, OutcomeUnknownError, UnknownActionError, UnreachableError
from everreach.testing import check_classifier, check_cost_guard, check_executor
from memory_guard import AsyncMemoryGuard, MemoryGuard
from registry import Registry


class OwnExecutor:
    """Three topics, one of which fails and one of which hangs."""

    def __init__(self) -> None:
        self.calls: List[Call] = []

    async def execute(self, call: Call) -> Any:
        self.calls.append(call)
        topic = call.action.split(".")[1]
        if topic == "echo":
            return call.params
        if topic == "fail":
            raise ValueError("as asked")
        if topic == "hang":
            await asyncio.sleep(60)
        return Execution.not_executed(UnknownActionError(f"no {call.action} here"), ["own.echo"])

    def services(self) -> Dict[str, str]:
        return {"own.echo": "gives the parameters back", "own.fail": "fails", "own.hang": "takes a minute"}


class PlainExecutor(OwnExecutor):
    """The same without a loop."""

    def execute(self, call: Call) -> Any:
        self.calls.append(call)
        topic = call.action.split(".")[1]
        if topic == "fail":
            return Execution.failed(ValueError("as asked"))
        if topic == "echo":
            return Execution.done(call.params)
        return Execution.not_executed(UnknownActionError(f"no {call.action} here"))


# Executors


def test_an_async_executor_passes_the_suite() -> None:
    check_executor(OwnExecutor(), "own.echo", failing="own.fail", hanging="own.hang")


def test_a_plain_executor_passes_the_suite() -> None:
    check_executor(PlainExecutor(), "own.echo", failing="own.fail")


class Claims(OwnExecutor):
    """Says that an action it does not know has run."""

    async def execute(self, call: Call) -> Any:
        return Execution.done("done")


class Breaks(OwnExecutor):
    """Fails what works."""

    async def execute(self, call: Call) -> Any:
        raise RuntimeError("broken")


class Swallows(OwnExecutor):
    """Calls a failure a success."""

    async def execute(self, call: Call) -> Any:
        return Execution.done() if call.action == "own.fail" else await super().execute(call)


class Hides(OwnExecutor):
    """Lists nothing of what it has."""

    def services(self) -> Dict[str, str]:
        return {"own.other": "something else"}


@pytest.mark.parametrize(
    "executor, law",
    [
        (Claims, "an unknown action is not executed"),
        (Breaks, "a working action is executed"),
        (Swallows, "a failing action is executed with handler_error"),
        (Hides, "a list of services has the working action"),
    ],
)
def test_an_executor_that_breaks_a_law_is_told_which(executor: Type[OwnExecutor], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_executor(executor(), "own.echo", failing="own.fail")


def test_an_executor_sees_the_whole_call(make: Open) -> None:
    executor = OwnExecutor()
    orchestrator = make("local", local=None, executor=executor)
    envelope = orchestrator.route_sync("own.echo", {"n": 1}, idempotency_key="k", timeout=20)
    assert envelope.result == {"n": 1}
    (call,) = executor.calls
    assert (call.action, call.params, call.effect, call.idempotency_key, call.hops) == ("own.echo", {"n": 1}, "outward", "k", 0)
    assert call.request_id == envelope.request_id
    assert 0 < call.timeout <= 20


def test_an_executors_word_decides_what_happens_next(make: Open, cloud: CloudStub) -> None:
    class Own:
        def execute(self, call: Call) -> Execution:
            if call.action == "email.send":
                return Execution.not_executed(UnreachableError("the mail server is away"))
            return Execution.unknown(OutcomeUnknownError("the window closed"))

    orchestrator = make("local", local=None, executor=Own())
    away, unsure = orchestrator.route_sync("email.send"), orchestrator.route_sync("telegram.send")
    assert (away.error, away.outcome) == ("unreachable", "not_executed")
    assert (unsure.error, unsure.outcome) == ("outcome_unknown", "unknown")
    assert orchestrator.route_sync("email.sned", {}).outcome == "unknown"


# Classifiers


class OwnClassifier:
    """Content computes, everything else calls somebody."""

    def classify(self, action: str) -> str:
        return "compute" if action.startswith("content.") else "api"


class AsyncClassifier:
    """The same with a reason, on a loop."""

    async def classify(self, action: str) -> Tuple[str, str]:
        return OwnClassifier().classify(action), "by its service"


@pytest.mark.parametrize("classifier", [OwnClassifier(), AsyncClassifier(), ActionClassifier()])
def test_classifiers_pass_the_suite(classifier: Any) -> None:
    check_classifier(classifier)


class Raises:
    def classify(self, action: str) -> str:
        raise KeyError(action)


class Wavers:
    def __init__(self) -> None:
        self.dice = random.Random(7)

    def classify(self, action: str) -> str:
        return self.dice.choice(("api", "compute"))


class Mumbles:
    def classify(self, action: str) -> str:
        return "perhaps"


@pytest.mark.parametrize(
    "classifier, law",
    [
        (Raises(), "has a class and a reason"),
        (Wavers(), "the same name has the same class"),
        (Mumbles(), "has a class and a reason"),
    ],
)
def test_a_classifier_that_breaks_a_law_is_told_which(classifier: Any, law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_classifier(classifier)


#: Rows that leave the side to the class.
API, COMPUTE = "crm.stats", "content.generate"


@pytest.mark.parametrize("classifier", [OwnClassifier(), AsyncClassifier()])
def test_a_classifier_of_ones_own_decides_where_calls_run(make: Open, classifier: Any) -> None:
    orchestrator = make("hybrid", classifier=classifier)
    assert [orchestrator.route_sync(action).source for action in (API, COMPUTE)] == ["cloud", "local"]

    class Reversed:
        def classify(self, action: str) -> str:
            return {"compute": "api", "api": "compute"}[OwnClassifier().classify(action)]

    assert make("hybrid", classifier=Reversed()).route_sync(API).source == "local"


class Thrifty:
    """Asks the books before it sends anything to the cloud."""

    def __init__(self) -> None:
        self.guard = CostGuard()

    def classify(self, action: str) -> str:
        return "compute" if self.guard.is_soft_cap_reached() else "api"


def test_a_classifier_may_wait_when_it_is_awaited(make: Open) -> None:
    assert asyncio.run(make("hybrid", classifier=Thrifty()).route(API)).source == "cloud"


def test_a_classifier_may_wait_when_it_is_waited_for(make: Open) -> None:
    assert make("hybrid", classifier=Thrifty()).route_sync(API).source == "cloud"


def test_an_async_classifier_can_be_asked_from_a_loop(make: Open) -> None:
    async def ask() -> None:
        orchestrator = make("hybrid", classifier=AsyncClassifier())
        assert (await orchestrator.route(API)).source == "cloud"

    asyncio.run(ask())


@pytest.mark.parametrize("classifier", [Raises(), Mumbles()])
def test_what_a_broken_classifier_is_asked_counts_as_compute(make: Open, classifier: Any) -> None:
    orchestrator = make("hybrid", classifier=classifier)
    assert orchestrator.route_sync(API).source == "local"
    assert orchestrator.explain(API)["class"] == "compute"


def test_the_classifier_says_why() -> None:
    assert ActionClassifier().reason("dm.send") and ActionClassifier().reason("zzz.qqq")
    assert "dm.send" in RouteTable().nearest("dm.sned")


# Cost guards


@pytest.mark.parametrize("make_guard", [MemoryGuard, AsyncMemoryGuard])
def test_cost_guards_pass_the_suite(make_guard: Any) -> None:
    check_cost_guard(make_guard)


class Miser(MemoryGuard):
    """Keeps what is given back."""

    def release(self, reservation: Reservation) -> None:
        self.settle(reservation, reservation.usd)


class Generous(MemoryGuard):
    """Lets everybody pass."""

    def room_for(self, micros: int, essential: bool) -> bool:
        return True


class Forgetful(MemoryGuard):
    """Books a second settlement too."""

    def settle(self, reservation: Reservation, usd: float) -> None:
        super().settle(reservation, usd)
        self.closed.discard(reservation.id)


class Greenwich(MemoryGuard):
    """Does not know of time zones."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "timezone": "UTC"})


@pytest.mark.parametrize(
    "make_guard, law",
    [
        (Miser, "the first decides"),
        (Generous, "the last millionth of a dollar"),
        (Forgetful, "the first decides"),
        (Greenwich, "the old month of the configured zone"),
    ],
)
def test_a_cost_guard_that_breaks_a_law_is_told_which(make_guard: Type[MemoryGuard], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check_cost_guard(make_guard)


@pytest.mark.parametrize("kind", [MemoryGuard, AsyncMemoryGuard])
def test_a_guard_of_ones_own_books_and_refuses(make: Open, kind: Type[Any], cloud: CloudStub, registry: Registry) -> None:
    guard = kind(cap_usd=0.003, soft_cap_usd=0.003)
    orchestrator = make("cloud", cost_guard=guard)
    assert orchestrator.route_sync("research.platform", {"n": 1}).cost_usd == 0.002
    assert MemoryGuard.get_monthly_cost(guard)["total_usd"] == 0.002
    refused = orchestrator.route_sync("research.platform", {"n": 2})
    assert (refused.ok, refused.error, refused.outcome) == (False, "cost_cap_exceeded", "not_executed")
    assert len(cloud.requests) == 1


def test_a_guard_of_ones_own_sends_hybrid_home_from_its_soft_cap_on(make: Open) -> None:
    guard = MemoryGuard(cap_usd=1, soft_cap_usd=0.002)
    orchestrator = make("hybrid", cost_guard=guard)
    assert orchestrator.route_sync("research.platform", {"n": 1}).source == "cloud"
    envelope = orchestrator.route_sync("research.platform", {"n": 2})
    assert (envelope.source, envelope.cost_guard_triggered) == ("local", True)


def test_a_guard_that_raises_refuses_the_call(make: Open, cloud: CloudStub) -> None:
    class Broken(MemoryGuard):
        def reserve(self, *arguments: Any, **more: Any) -> Reservation:
            raise ConflictError("the books are locked")

    envelope = make("cloud", cost_guard=Broken()).route_sync("research.platform", {})
    assert (envelope.ok, envelope.outcome) == (False, "not_executed")
    assert cloud.requests == []


def test_the_guard_of_the_package_serves_several_orchestrators(make: Open) -> None:
    guard = CostGuard(cap_usd=1, soft_cap_usd=1, database_url="sqlite://data/books.db")
    for number in range(2):
        assert make("cloud", cost_guard=guard).route_sync("research.platform", {"n": number}).ok
    assert guard.get_monthly_cost_sync()["total_usd"] == 0.004


def test_the_suites_take_what_they_say(local: HybridOrchestrator) -> None:
    assert list(inspect.signature(check_executor).parameters) == ["executor", "working", "failing", "hanging"]
    for check in (check_classifier, check_cost_guard):
        with pytest.raises(Exception, match="wanted|callable|has reserve"):
            check(object())  # type: ignore[arg-type]
