"""What a call may cost, and that none happens twice or against a person's will."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict

import pytest
from cloud_stub import CloudStub
from conftest import Open
from everreach import CostGuard, HybridOrchestrator
from everreach.errors import CostCapExceededError
from registry import Registry, done

pytestmark = pytest.mark.prd200


def spend(usd: object) -> None:
    """Books it in the database that orchestrators of this test use too."""
    guard = CostGuard()
    amount = Decimal(str(usd))
    guard.settle_sync(guard.reserve_sync("research", "platform", amount), amount)


# Money


def test_a_cloud_call_costs_what_its_row_says_and_is_booked(hybrid: HybridOrchestrator) -> None:
    assert hybrid.route_sync("research.platform", {}).cost_usd == 0.002
    month = CostGuard().get_monthly_cost_sync()
    assert month["total_usd"] == 0.002
    assert [(line["action"], line["calls"]) for line in month["by_service"]] == [("research.platform", 1)]


def test_a_local_call_costs_nothing(hybrid: HybridOrchestrator) -> None:
    assert hybrid.route_sync("content.analyze_video", {}).cost_usd == 0
    assert CostGuard().get_monthly_cost_sync()["total_usd"] == 0


def test_below_the_soft_cap_nothing_changes(make: Open) -> None:
    spend("379.99")
    envelope = make().route_sync("research.platform", {})
    assert (envelope.source, envelope.cost_guard_triggered) == ("cloud", False)


@pytest.mark.parametrize("action", ["research.platform", "crm.stats"])
def test_from_the_soft_cap_on_hybrid_runs_everything_here_and_says_so(make: Open, cloud: CloudStub, action: str) -> None:
    spend(380)
    envelope = make().route_sync(action, {})
    assert (envelope.ok, envelope.source, envelope.cost_guard_triggered) == (True, "local", True)
    assert cloud.requests == []


def test_insisting_on_the_cloud_does_not_change_the_soft_cap(make: Open) -> None:
    spend(380)
    envelope = make().route_sync("research.platform", {}, force_env="cloud")
    assert (envelope.source, envelope.cost_guard_triggered) == ("local", True)


def test_at_the_cap_a_call_that_is_not_essential_is_refused(make: Open, cloud: CloudStub) -> None:
    spend(400)
    envelope = make("cloud").route_sync("research.platform", {})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "cost_cap_exceeded", "not_executed")
    assert envelope.cost_guard_triggered
    assert cloud.requests == []


def test_at_the_cap_an_essential_call_passes(make: Open) -> None:
    spend(400)
    envelope = make("cloud").route_sync("dm.conversations", {})
    assert (envelope.ok, envelope.source) == (True, "cloud")


def test_the_caps_are_settings(make: Open) -> None:
    spend(5)
    caps = {"MONTHLY_COST_CAP": 10, "MONTHLY_COST_SOFT_CAP": 5}
    assert make(config=caps).route_sync("research.platform", {}).cost_guard_triggered


def test_an_unknown_outcome_keeps_its_money_held(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    cloud.drop("upwork.propose")
    assert hybrid.route_sync("upwork.propose", {"job": 1}).outcome == "unknown"
    month = CostGuard().get_monthly_cost_sync()
    assert (month["reserved_usd"], month["total_usd"]) == (0.003, 0)


def test_a_cloud_call_without_a_price_is_refused(make: Open, cloud: CloudStub) -> None:
    envelope = make("cloud").route_sync("zzz.qqq", {})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "unpriced", "not_executed")
    assert cloud.requests == []


def test_the_guard_holds_money_until_it_is_settled_or_released() -> None:
    guard = CostGuard(cap_usd=1, soft_cap_usd="0.9")
    held = guard.reserve_sync("research", "platform", 0.6)
    with pytest.raises(CostCapExceededError) as refused:
        guard.reserve_sync("research", "platform", 0.5)
    assert refused.value.context["left"] == "0.4"
    guard.release_sync(held)
    guard.settle_sync(guard.reserve_sync("research", "research.platform", 0.95), 0.95)
    assert guard.is_soft_cap_reached()


def test_of_many_threads_at_once_exactly_as_many_pass_as_fit() -> None:
    guard, start = CostGuard(cap_usd=1, soft_cap_usd=1), threading.Barrier(20)

    def reserve(_: int) -> bool:
        start.wait(10)
        try:
            return bool(guard.reserve_sync("research", "platform", 0.1))
        except CostCapExceededError:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(reserve, range(20))) == 10


def test_the_guard_can_be_awaited() -> None:
    async def book() -> Dict[str, Any]:
        guard = CostGuard(cap_usd=1, soft_cap_usd=1)
        held = await guard.reserve("research", "platform", Decimal("0.000001"))
        await guard.settle(held, Decimal("0.000001"))
        await guard.settle(held, Decimal("0.5"))
        await guard.release(held)
        return await guard.get_monthly_cost()

    assert asyncio.run(book())["total_usd"] == 0.000001


# Never twice


def test_a_key_runs_once_and_a_repeat_answers_the_same(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    first = hybrid.route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1")
    second = hybrid.route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1")
    assert (first.replayed, second.replayed) == (False, True)
    assert (second.result, second.source, second.attempts) == (first.result, first.source, first.attempts)
    assert len(cloud.requests) == 1


def test_a_repeat_in_another_orchestrator_on_the_same_database_answers_the_same(make: Open, cloud: CloudStub) -> None:
    assert make().route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1").ok
    assert make().route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1").replayed
    assert len(cloud.requests) == 1


def test_a_key_that_was_used_for_another_call_is_refused(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    hybrid.route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1")
    other = hybrid.route_sync("upwork.propose", {"job": 2}, idempotency_key="job-1")
    assert (other.ok, other.error, other.outcome) == (False, "idempotency_mismatch", "not_executed")
    assert len(cloud.requests) == 1


def test_a_second_call_while_the_first_still_runs_conflicts(local: HybridOrchestrator, registry: Registry) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(params: Dict[str, Any]) -> Any:
        begun.set()
        assert go_on.wait(10)
        return done("email.send", "sent")

    registry.handle("email.send", slow)

    async def both() -> None:
        first = asyncio.create_task(local.route("email.send", {"to": "ada"}, idempotency_key="k"))
        assert await asyncio.to_thread(begun.wait, 10)
        second = await local.route("email.send", {"to": "ada"}, idempotency_key="k")
        go_on.set()
        assert (second.ok, second.error) == (False, "idempotency_conflict")
        assert (await first).ok

    asyncio.run(both())
    assert registry.topics == ["email.send"]


def test_the_same_message_to_the_same_person_goes_out_once_a_day(local: HybridOrchestrator, registry: Registry) -> None:
    message = {"platform": "instagram", "handle": "ada", "text": "hello"}
    assert not local.route_sync("dm.send", message).replayed
    assert local.route_sync("dm.send", message).replayed
    assert not local.route_sync("dm.send", {**message, "handle": "bob"}).replayed
    assert not local.route_sync("dm.send", {**message, "text": "hello again"}).replayed
    assert len(registry.calls) == 3


def test_twelve_equal_messages_at_once_go_out_once(local: HybridOrchestrator, registry: Registry) -> None:
    message = {"platform": "instagram", "handle": "ada", "text": "hello"}

    async def all_at_once() -> None:
        envelopes = await asyncio.gather(*(local.route("dm.send", message) for _ in range(12)))
        assert {envelope.error for envelope in envelopes} <= {None, "idempotency_conflict"}

    asyncio.run(all_at_once())
    assert registry.topics == ["dm.send"]


# A person's will


def test_the_stop_file_stops_outward_calls_at_once_and_lets_reads_go_on(
    hybrid: HybridOrchestrator, cloud: CloudStub, data_dir: Path
) -> None:
    assert hybrid.route_sync("publish.auto", {"text": "one"}).ok
    stop = data_dir / "STOP"
    stop.write_text("the platform complains")
    stopped = hybrid.route_sync("publish.auto", {"text": "two"})
    assert (stopped.ok, stopped.error, stopped.outcome) == (False, "stopped", "not_executed")
    assert hybrid.route_sync("publish.auto", {"text": "two"}, force_env="local").error == "stopped"
    assert hybrid.route_sync("research.platform", {}).ok
    stop.unlink()
    assert hybrid.route_sync("publish.auto", {"text": "two"}).ok
    assert cloud.actions.count("publish.auto") == 2


def test_the_stop_files_reason_is_told_from_the_first_refusal_on(local: HybridOrchestrator, data_dir: Path) -> None:
    stop = data_dir / "STOP"
    for number in range(10):
        stop.write_text(f"complaint {number}")
        assert f"complaint {number}" in local.route_sync("telegram.send", {"message": "hello"}).detail
        stop.unlink()


def command(*arguments: str) -> str:
    """What the command line prints, on the same database."""
    done = subprocess.run(
        [sys.executable, "-m", "everreach", *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


def test_a_call_that_needs_a_person_waits(local: HybridOrchestrator, registry: Registry) -> None:
    waiting = local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1")
    assert (waiting.ok, waiting.error, waiting.outcome) == (False, "approval_required", "not_executed")
    assert waiting.suggestions[0].split()[-1] in command("approvals", "list")
    assert local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1").error == "approval_required"
    assert registry.calls == []


def test_a_call_that_a_person_agreed_to_runs_once_in_the_process_that_can(local: HybridOrchestrator, registry: Registry) -> None:
    waiting = local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1")
    command(*waiting.suggestions[0].split()[1:])
    assert local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1").ok
    assert local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1").replayed
    assert registry.topics == ["dm.bulk_send"]


def test_a_call_that_a_person_denied_never_runs(local: HybridOrchestrator, registry: Registry) -> None:
    waiting = local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1")
    command("approvals", "deny", waiting.suggestions[0].split()[-1])
    assert not local.route_sync("dm.bulk_send", {"text": "hello"}, idempotency_key="bulk-1").ok
    assert registry.calls == []
