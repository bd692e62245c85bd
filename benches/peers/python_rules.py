"""The peer's part without waiting: the route table, the decision, what an answer says about a try, the envelope."""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence

from python_store import Event

Params = dict[str, Any]
Envelope = dict[str, Any]

TABLE = Path(__file__).resolve().parents[2] / "everreach-core/src/routing/table/route_table.json"
TOPIC = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")
TRY_S = 30.0
FINAL = {"invalid_params", "idempotency_conflict", "idempotency_mismatch", "stopped", "internal"}
DETAILS = {
    "stopped": "the stop switch is set",
    "approval_required": "a person has to agree to every call of this action",
    "offline": "the cloud cannot be reached and this call may not run elsewhere",
    "cost_cap_exceeded": "the monthly cap is reached: only essential calls still go to the cloud",
    "idempotency_conflict": "a call with this key is running",
    "idempotency_mismatch": "the key was used for another request",
    "outcome_unknown": "the call may have run and is not tried again",
}


@dataclass(frozen=True)
class Route:
    """What the table says of an action."""

    action: str
    preferred: str = "local"
    fallback: str | None = None
    kind: str = "compute"
    effect: str = "outward"
    essential: bool = False
    cost_micro: int | None = None
    timeout_s: float = TRY_S
    approval: bool = False
    dedupe: str = "none"

    @property
    def is_repeatable(self) -> bool:
        return self.effect in ("read", "compute")

    @classmethod
    def parse(cls, action: str, row: Mapping[str, Any]) -> Route:
        cost = row.get("cost_usd")
        return cls(
            action,
            row["preferred_env"],
            row["fallback_env"],
            row["class"],
            row.get("effect", "outward"),
            row.get("essential", False),
            None if cost is None else round(cost * 1_000_000),
            row.get("timeout_ms", TRY_S * 1000) / 1000,
            row.get("approval", False),
            row.get("dedupe", "none"),
        )


class ActionClassifier:
    """An action's row: its own, else its service's, else the default."""

    def __init__(self, table: Path = TABLE) -> None:
        data = json.loads(table.read_text())
        self._routes = {action: Route.parse(action, row) for action, row in data["routes"].items()}
        self._routes.update((alias, self._routes[action]) for alias, action in data["aliases"].items())

    def resolve(self, action: str) -> Route:
        route = self._routes.get(action)
        if route is not None:
            return route
        if not TOPIC.match(action):
            raise ValueError(f"an action is `service.topic` in lower snake case, not {action!r}")
        service = self._routes.get(action.split(".")[0] + ".*")
        return Route(action) if service is None else Route(action, service.preferred, service.fallback, service.kind)

    def classify(self, action: str) -> str:
        """``"compute"`` or ``"api"``."""
        return self.resolve(action).kind


class Decision(NamedTuple):
    side: str | None
    rule: str
    fallback: str | None = None
    error: str | None = None
    is_fallback: bool = False
    is_capped: bool = False


def decide(route: Route, mode: str, force_env: str | None, is_stopped: bool, is_offline: bool, budget: str) -> Decision:
    """Where a call goes: the first rule that settles the matter wins. ``budget`` is ``open``, ``soft`` or ``exceeded``."""
    if is_stopped and route.effect != "read":
        return Decision(None, "stop_switch", error="stopped")
    if route.approval:
        return Decision(None, "approval", error="approval_required")
    fallback: str | None = None
    may_move = mode == "hybrid"
    if force_env is not None:
        side, rule = force_env, "force_env"
        may_move = may_move and side == "cloud" and route.is_repeatable
    elif mode != "hybrid":
        side, rule = mode, "environment"
    elif route.preferred != "auto":
        side, rule = route.preferred, "table"
    else:
        side, rule = ("cloud" if route.kind == "api" else "local"), "class"
    if may_move and route.fallback != side:
        fallback = route.fallback
    if side == "local":
        return Decision(side, rule, fallback if not is_offline and budget == "open" else None)
    if is_offline:
        return Decision("local", "offline", is_fallback=True) if may_move else Decision(None, "offline", error="offline")
    if budget != "open" and mode == "hybrid":
        return Decision("local", "budget", is_capped=True)
    if budget == "exceeded" and not route.essential:
        return Decision(None, "budget", error="cost_cap_exceeded", is_capped=True)
    return Decision(side, rule, fallback)


class Tried(NamedTuple):
    """What became of one try."""

    outcome: str
    result: Any = None
    error: str | None = None
    detail: str | None = None
    suggestions: Sequence[str] = ()
    retry_after_s: float | None = None

    def may_repeat(self, route: Route) -> bool:
        """Whether the same side may be asked again."""
        return self.error == "rate_limited" or (self.outcome == "unknown" and route.is_repeatable)

    def may_move(self, route: Route) -> bool:
        """Whether the other side may be asked."""
        is_safe = self.outcome == "not_executed" or (self.outcome == "unknown" and route.is_repeatable)
        return self.error is not None and is_safe and self.error not in FINAL


def refused(error: str, detail: str | None = None) -> Tried:
    return Tried("not_executed", error=error, detail=detail or DETAILS.get(error))


def in_doubt(route: Route, error: str, detail: str) -> Tried:
    return Tried("unknown", error=error if route.is_repeatable else "outcome_unknown", detail=detail)


def unwrap(route: Route, answer: Any) -> Tried:
    """A registry's envelope; one without ``ok`` says nothing, a result with ``success: false`` is a failure."""
    if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
        return in_doubt(route, "unreachable", "the answer is no envelope; it may have run")
    if answer["ok"]:
        result = answer.get("result")
        if isinstance(result, dict) and result.get("success") is False:
            return Tried("executed", error="handler_error", detail=str(result.get("error", "it reported `success: false`")))
        return Tried("executed", result)
    detail = str(answer.get("error") or "the action failed without a reason")
    if detail.lower().startswith(("unknown topic", "unknown_action", "topic not found")):
        return Tried("not_executed", error="unknown_action", detail=detail, suggestions=answer.get("suggestions") or ())
    return Tried("executed", error="handler_error", detail=detail)


def fingerprint(action: str, params: Params) -> str:
    text = json.dumps(params, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(f"{action}\n{text}".encode()).hexdigest()


class Flight:
    """One call on its way, and the envelope that fills up."""

    __slots__ = ("route", "params", "force_env", "started", "deadline", "envelope", "rule", "key", "is_sync")

    def __init__(self, route: Route, params: Params, force_env: str | None, timeout: float, is_sync: bool) -> None:
        self.route, self.params, self.force_env = route, params, force_env
        self.started = time.monotonic()
        self.deadline = self.started + timeout
        self.rule: str | None = None
        self.key: str | None = None
        self.is_sync = is_sync
        self.envelope: Envelope = {
            "ok": False,
            "action": route.action,
            "result": None,
            "error": None,
            "detail": None,
            "source": None,
            "outcome": "not_executed",
            "replayed": False,
            "attempts": 0,
            "duration_ms": 0.0,
            "cost_usd": 0.0,
            "cost_guard_triggered": False,
            "cached": None,
            "idempotency_key": None,
            "request_id": str(uuid.uuid4()),
            "suggestions": [],
        }

    def remaining(self) -> float:
        return self.deadline - time.monotonic()

    def answer(self, tried: Tried, source: str | None) -> None:
        envelope = self.envelope
        envelope["ok"] = tried.error is None
        envelope["outcome"] = tried.outcome
        envelope["source"] = None if tried.outcome == "not_executed" else source
        envelope["result"], envelope["error"], envelope["detail"] = tried.result, tried.error, tried.detail
        envelope["suggestions"] = list(tried.suggestions)

    def close(self) -> Event:
        envelope = self.envelope
        envelope["duration_ms"] = round((time.monotonic() - self.started) * 1000, 3)
        return Event(
            time.time(),
            envelope["action"],
            envelope["request_id"],
            self.rule,
            envelope["ok"],
            envelope["outcome"],
            envelope["source"],
            envelope["error"],
            envelope["attempts"],
            envelope["cost_usd"],
        )
