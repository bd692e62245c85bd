"""A plain script: a call, a failure raised as an exception, and a budget that holds.
Run it with ``python examples/python/plain_script.py``; it keeps its books in memory and leaves nothing behind."""

from __future__ import annotations

from typing import Any, Dict

from everreach import CostGuard, HybridOrchestrator
from everreach.errors import CostCapExceededError, HandlerError


def dispatch(topic: str, params: Dict[str, Any]) -> Dict[str, Any]:
    return {"ok": True, "topic": topic, "result": {"likes_per_1000": 1000 * params["likes"] / params["impressions"]}}


guard = CostGuard(cap_usd=1, soft_cap_usd="0.90", database_url="sqlite::memory:")
with HybridOrchestrator(local=dispatch, cost_guard=guard, database_url="sqlite::memory:") as orchestrator:
    envelope = orchestrator.route_sync("twitter.metrics", {"impressions": 2000, "likes": 30})
    print(envelope)
    assert envelope.ok and envelope.result == {"likes_per_1000": 15.0}
    failed = orchestrator.route_sync("twitter.metrics", {"impressions": 0, "likes": 0})
    try:
        failed.raise_for_error()
    except HandlerError as error:
        print(f"{error.kind}: {error}")
        assert str(error) == "ZeroDivisionError: division by zero" and error.context["outcome"] == "executed"

held = guard.reserve_sync("research", "platform", 0.25)
guard.settle_sync(held, 0.20)
try:
    guard.reserve_sync("research", "platform", 0.81)
except CostCapExceededError as error:
    print(f"{error.kind}: {error.context['left']} of {error.context['cap']} USD left")
    assert guard.get_monthly_cost_sync()["total_usd"] == 0.2
else:
    raise AssertionError("the cap was passed")
