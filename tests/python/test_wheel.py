"""The values that cross: envelopes, exceptions, and what handlers take and give."""

from __future__ import annotations

import asyncio
import copy
import enum
import json
import pickle
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, List, Type
from uuid import UUID

import pytest
from conftest import Open
from everreach import Envelope, EverReachError, HybridOrchestrator, errors
from registry import Registry, done, failed

FIELDS = {
    "ok", "action", "result", "error", "detail", "source", "outcome", "replayed", "attempts", "duration_ms", "cost_usd",
    "cost_guard_triggered", "cached", "idempotency_key", "request_id", "suggestions",
}  # fmt: skip

KINDS = {
    "unknown_action": errors.UnknownActionError,
    "invalid_params": errors.InvalidParamsError,
    "timeout": errors.CallTimeoutError,
    "offline": errors.OfflineError,
    "unreachable": errors.UnreachableError,
    "circuit_open": errors.CircuitOpenError,
    "cost_cap_exceeded": errors.CostCapExceededError,
    "unpriced": errors.UnpricedError,
    "approval_required": errors.ApprovalRequiredError,
    "stopped": errors.StoppedError,
    "outcome_unknown": errors.OutcomeUnknownError,
    "idempotency_conflict": errors.IdempotencyConflictError,
    "idempotency_mismatch": errors.IdempotencyMismatchError,
    "handler_error": errors.HandlerError,
    "unauthorized": errors.UnauthorizedError,
    "rate_limited": errors.RateLimitedError,
    "requires_local": errors.RequiresLocalError,
    "internal": errors.InternalError,
}


# Envelopes


def test_an_envelope_is_a_dict_with_exactly_the_documented_fields(local: HybridOrchestrator) -> None:
    envelope = local.route_sync("dm.stats", {"a": 1})
    assert isinstance(envelope, dict) and set(envelope) == FIELDS
    assert json.loads(json.dumps(envelope)) == envelope
    types = {name: type(value) for name, value in envelope.items() if value is not None}
    assert (types["ok"], types["attempts"], types["duration_ms"], types["suggestions"]) == (bool, int, float, list)


def test_the_fields_of_an_envelope_are_attributes_too(local: HybridOrchestrator) -> None:
    envelope = local.route_sync("dm.stats", {})
    assert all(getattr(envelope, name) == envelope[name] for name in FIELDS)
    with pytest.raises(AttributeError, match="'resutl'"):
        envelope.resutl
    with pytest.raises(AttributeError):
        setattr(envelope, "colour", "red")
    assert not hasattr(envelope, "resutl")


def test_an_envelope_shows_itself_in_one_line(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("dm.send", lambda params: failed("dm.send", "tab closed"))
    good, bad = local.route_sync("dm.stats", {"secret": "s"}), local.route_sync("dm.send", {})
    assert repr(good).startswith("<Envelope dm.stats ok source=local") and "secret" not in repr(good)
    assert repr(bad) == "<Envelope dm.send handler_error outcome=executed: tab closed>"


def test_an_envelope_can_be_copied_pickled_and_made_a_plain_dict(local: HybridOrchestrator) -> None:
    envelope = local.route_sync("dm.stats", {"a": [1]})
    for twin in (pickle.loads(pickle.dumps(envelope)), copy.deepcopy(envelope), copy.copy(envelope)):
        assert type(twin) is Envelope and twin == envelope and twin.result == envelope.result
    assert type(envelope.to_dict()) is dict and envelope.to_dict() == envelope


def test_a_good_envelope_passes_through_raise_for_error(local: HybridOrchestrator) -> None:
    envelope = local.route_sync("dm.stats", {})
    assert envelope.raise_for_error() is envelope


def test_a_bad_envelope_raises_with_what_is_needed_to_find_the_call(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("dm.send", lambda params: failed("dm.send", "tab closed"))
    envelope = local.route_sync("dm.send", {}, idempotency_key="k")
    with pytest.raises(errors.HandlerError, match="tab closed") as raised:
        envelope.raise_for_error()
    wanted = {"action": "dm.send", "outcome": "executed", "request_id": envelope.request_id, "idempotency_key": "k"}
    assert raised.value.context == wanted


@pytest.mark.parametrize("word, kind", KINDS.items())
def test_every_error_word_has_a_class(word: str, kind: Type[EverReachError]) -> None:
    with pytest.raises(kind) as raised:
        Envelope(ok=False, action="dm.send", error=word, detail="why", outcome="not_executed").raise_for_error()
    assert type(raised.value) is kind
    assert (raised.value.kind, str(raised.value)) == (word, "why")


# Exceptions


@pytest.mark.parametrize(
    "kind, base",
    [
        (errors.ConfigError, ValueError),
        (errors.InvalidInputError, ValueError),
        (errors.UnknownActionError, LookupError),
        (errors.CallTimeoutError, TimeoutError),
        (errors.OfflineError, ConnectionError),
        (errors.UnreachableError, ConnectionError),
        (errors.UnauthorizedError, PermissionError),
        (errors.NotFoundError, LookupError),
        (errors.ForkError, EverReachError),
        (errors.ClosedError, EverReachError),
    ],
)
def test_exceptions_are_the_standard_ones_too(kind: Type[EverReachError], base: Type[Exception]) -> None:
    assert issubclass(kind, EverReachError) and issubclass(kind, base)


@pytest.mark.parametrize("kind", [EverReachError, errors.ConfigError, *KINDS.values()])
def test_exceptions_survive_being_pickled(kind: Type[EverReachError]) -> None:
    one = kind("why", retryable=True, retry_after=1.5, context={"seen": "x"})
    two = pickle.loads(pickle.dumps(one))
    assert type(two) is kind and str(two) == "why"
    assert (two.kind, two.retryable, two.retry_after, two.context) == (one.kind, True, 1.5, {"seen": "x"})


def test_exceptions_of_the_core_have_their_attributes(local: HybridOrchestrator) -> None:
    with pytest.raises(errors.InvalidInputError) as raised:
        local.route_sync("dm.stats", {}, force_env="moon")
    error = raised.value
    assert (error.kind, error.retryable, error.retry_after) == ("invalid_input", False, None)
    assert error.context == {"field": "force_env", "seen": "moon"}
    assert pickle.loads(pickle.dumps(error)).context == error.context


def test_a_handler_says_what_became_of_its_call_by_raising_one_of_ours(local: HybridOrchestrator, registry: Registry) -> None:
    def unsure(params: Dict[str, Any]) -> Any:
        raise errors.OutcomeUnknownError("the window closed while sending")

    registry.handle("telegram.send", unsure)
    envelope = local.route_sync("telegram.send", {})
    assert (envelope.error, envelope.outcome) == ("outcome_unknown", "unknown")


# What handlers give


class Colour(enum.Enum):
    """Has no JSON form of its own."""

    RED = "red"


class Size(enum.IntEnum):
    """Is an int already."""

    LARGE = 3


@dataclass
class Contact:
    """Has one field that needs converting itself."""

    name: str
    since: date


WHEN = datetime(2026, 11, 20, 12, 0, 0, 5, tzinfo=timezone.utc)
NUMBER = UUID("12345678-1234-5678-1234-567812345678")

#: What is no JSON, and what it becomes.
RICH = [
    pytest.param(WHEN, "2026-11-20T12:00:00.000005+00:00", id="datetime"),
    pytest.param(date(2026, 11, 20), "2026-11-20", id="date"),
    pytest.param(Decimal("0.10"), "0.10", id="Decimal"),
    pytest.param(NUMBER, "12345678-1234-5678-1234-567812345678", id="UUID"),
    pytest.param(Path("/tmp/video.mp4"), "/tmp/video.mp4", id="Path"),
    pytest.param(Colour.RED, "red", id="Enum"),
    pytest.param(Contact("Ada", date(2026, 11, 20)), {"name": "Ada", "since": "2026-11-20"}, id="dataclass"),
    pytest.param({1}, [1], id="set"),
    pytest.param(frozenset({"a"}), ["a"], id="frozenset"),
    pytest.param({"deep": [{"when": WHEN}]}, {"deep": [{"when": "2026-11-20T12:00:00.000005+00:00"}]}, id="nested"),
]


@pytest.mark.parametrize("given, becomes", RICH)
def test_what_a_handler_returns_becomes_json(local: HybridOrchestrator, registry: Registry, given: Any, becomes: Any) -> None:
    registry.handle("dm.stats", lambda params: done("dm.stats", given))
    envelope = local.route_sync("dm.stats", {})
    assert (envelope.error, envelope.result) == (None, becomes)


@pytest.mark.parametrize("given, becomes", RICH)
def test_what_a_caller_passes_becomes_json(local: HybridOrchestrator, registry: Registry, given: Any, becomes: Any) -> None:
    local.route_sync("dm.stats", {"value": given})
    assert registry.calls == [("dm.stats", {"value": becomes})]


@pytest.mark.parametrize("given, becomes", [((1, (2,)), [1, [2]]), (Size.LARGE, 3), (True, True), (2**63, 2**63), ("ü", "ü")])
def test_what_is_json_but_for_its_type_crosses(
    local: HybridOrchestrator, registry: Registry, given: Any, becomes: Any
) -> None:
    registry.handle("dm.stats", lambda params: done("dm.stats", given))
    result = local.route_sync("dm.stats", {}).result
    assert result == becomes and type(result) is type(becomes)


def test_a_result_without_a_json_form_is_a_failure_that_names_the_place(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("dm.send", lambda params: done("dm.send", {"sent": [object()]}))
    envelope = local.route_sync("dm.send", {"text": "hello"})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "handler_error", "executed")
    assert "result.sent[0]" in envelope.detail and "object" in envelope.detail


def test_a_handler_may_keep_and_change_what_it_was_given(make: Open) -> None:
    kept: List[Dict[str, Any]] = []

    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        params["list"].append(len(kept))
        kept.append(params)
        return done(topic, params)

    orchestrator, mine = make("local", local=dispatch), {"list": [7]}
    first, second = (orchestrator.route_sync("dm.stats", mine) for _ in range(2))
    assert (mine, first.result, second.result) == ({"list": [7]}, {"list": [7, 0]}, {"list": [7, 1]})
    first.result["list"].clear()
    assert kept[0] == {"list": [7, 0]}


def test_a_large_value_crosses_whole(local: HybridOrchestrator) -> None:
    large = {"rows": [{"n": n, "text": "x" * 100} for n in range(5_000)]}
    assert local.route_sync("dm.stats", large).result["params"] == large
    assert asyncio.run(local.route("dm.stats", large)).result["params"] == large
