"""Where a call runs, and what becomes of it when that place fails."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest
from cloud_stub import KEY, CloudStub
from conftest import Open
from everreach import ActionClassifier, HybridOrchestrator, RouteTable
from registry import Registry, done, failed

pytestmark = pytest.mark.prd200

LOCAL_PREFERRED = (
    "content.analyze_video", "content.youtube_payload", "feedback.checkbacks", "feedback.analysis", "feedback.twitter_cycle",
    "feedback.universal_cycle", "twitter.metrics", "twitter.playbook", "blotato.queue_summary", "blotato.queue_audit",
    "system.self_test", "system.heartbeat",
)  # fmt: skip
CLOUD_PREFERRED = (
    "research.platform", "research.keyword", "research.twitter", "dm.send", "dm.conversations", "dm.process_outreach",
    "linkedin.search", "linkedin.prospect", "linkedin.message", "linkedin.campaign", "upwork.search", "upwork.propose",
    "upwork.scan", "publish.auto", "publish.multi", "publish.lite", "safari.health", "safari.ensure_session", "telegram.send",
    "comments.post", "comments.threads_engage",
)  # fmt: skip


# Choosing a side


def test_without_any_setting_everything_is_local() -> None:
    assert HybridOrchestrator().env == "local"


@pytest.mark.parametrize("env", ["local", "cloud", "hybrid"])
def test_the_environment_says_which_sides_are_used(env: str, monkeypatch: pytest.MonkeyPatch, cloud: CloudStub) -> None:
    monkeypatch.setenv("EVERREACH_ENV", env)
    monkeypatch.setenv("CLOUD_ENDPOINT", cloud.url)
    monkeypatch.setenv("EVERREACH_CLOUD_KEY", KEY)
    assert HybridOrchestrator().env == env


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERREACH_ENV", "hybrid")
    assert HybridOrchestrator("local").env == "local"


def test_settings_are_read_from_a_dotenv_file_too(tmp_path: Path, cloud: CloudStub) -> None:
    (tmp_path / ".env").write_text(f"EVERREACH_ENV=hybrid\nCLOUD_ENDPOINT={cloud.url}\nEVERREACH_CLOUD_KEY={KEY}\n")
    assert HybridOrchestrator().env == "hybrid"


@pytest.mark.parametrize("action", LOCAL_PREFERRED)
def test_what_belongs_on_this_machine_counts_as_compute(action: str) -> None:
    assert ActionClassifier().classify(action) == "compute"


@pytest.mark.parametrize("action", CLOUD_PREFERRED)
def test_what_belongs_in_the_cloud_counts_as_api(action: str) -> None:
    assert ActionClassifier().classify(action) == "api"


def test_an_action_without_a_row_is_classified_by_its_service() -> None:
    assert ActionClassifier().classify("feedback.no_such_topic") == "compute"
    assert ActionClassifier().classify("linkedin.no_such_topic") == "api"


@pytest.mark.parametrize("action", LOCAL_PREFERRED)
def test_hybrid_prefers_this_machine_for_compute(hybrid: HybridOrchestrator, action: str) -> None:
    assert hybrid.explain(action)["decision"]["env"] == "local"


@pytest.mark.parametrize("action", [name for name in CLOUD_PREFERRED if name != "dm.process_outreach"])
def test_hybrid_prefers_the_cloud_for_api_work(hybrid: HybridOrchestrator, action: str) -> None:
    assert hybrid.explain(action)["decision"]["env"] == "cloud"


def test_hybrid_sends_api_work_to_the_cloud(hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry) -> None:
    envelope = hybrid.route_sync("research.platform", {"platform": "tiktok"})
    assert (envelope.ok, envelope.source, envelope.result["ran"]) == (True, "cloud", "cloud")
    assert cloud.requests[0].params == {"platform": "tiktok"}
    assert registry.calls == []


def test_hybrid_runs_compute_here(hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry) -> None:
    envelope = hybrid.route_sync("content.analyze_video", {"id": 7})
    assert (envelope.ok, envelope.source, envelope.result["ran"]) == (True, "local", "local")
    assert registry.calls == [("content.analyze_video", {"id": 7})]
    assert cloud.requests == []


def test_local_runs_api_work_here_too(local: HybridOrchestrator) -> None:
    assert local.route_sync("dm.send", {"handle": "ada", "text": "hello"}).source == "local"


def test_cloud_sends_compute_to_the_cloud_too(make: Open, registry: Registry) -> None:
    assert make("cloud").route_sync("content.analyze_video", {}).source == "cloud"
    assert registry.calls == []


@pytest.mark.parametrize("action, env", [("research.platform", "local"), ("content.analyze_video", "cloud")])
def test_a_call_can_insist_on_a_side(hybrid: HybridOrchestrator, action: str, env: str) -> None:
    assert hybrid.route_sync(action, {}, force_env=env).source == env


def test_the_cloud_is_told_the_key(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    hybrid.route_sync("research.platform", {})
    assert cloud.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_an_outward_call_carries_its_idempotency_key_to_the_cloud(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    hybrid.route_sync("publish.auto", {"text": "hello"}, idempotency_key="order-7")
    assert cloud.requests[0].headers["idempotency-key"] == "order-7"


def test_an_old_name_of_an_action_runs_the_new_one(local: HybridOrchestrator, registry: Registry) -> None:
    assert local.route_sync("content.gen", {}).action == "content.generate"
    assert registry.topics == ["content.generate"]


def test_a_route_table_from_a_file_is_laid_over_the_built_in_one(make: Open, tmp_path: Path, registry: Registry) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"version": 1, "routes": {"research.platform": {"preferred_env": "local"}}}))
    orchestrator = make(config={"EVERREACH_ROUTE_TABLE": own})
    assert orchestrator.route_sync("research.platform", {}).source == "local"
    assert orchestrator.route_sync("research.twitter", {}).source == "cloud"
    assert RouteTable(own).resolve("research.platform")["preferred_env"] == "local"


# Falling back


def test_a_read_falls_back_to_this_machine(hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry) -> None:
    cloud.close()
    envelope = hybrid.route_sync("research.platform", {"q": 1})
    assert (envelope.ok, envelope.source) == (True, "local_fallback")
    assert registry.calls == [("research.platform", {"q": 1})]


def test_a_read_that_the_cloud_fails_is_tried_again_there_first(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    cloud.answer("research.platform", {"error": "restarting"}, status=503)
    envelope = hybrid.route_sync("research.platform", {}, timeout=2)
    assert (envelope.ok, envelope.source) == (True, "local_fallback")
    assert cloud.actions == ["research.platform"] * 2


def test_cloud_alone_never_falls_back(make: Open, cloud: CloudStub, registry: Registry) -> None:
    orchestrator = make("cloud")
    cloud.close()
    envelope = orchestrator.route_sync("research.platform", {}, timeout=0.5)
    assert (envelope.ok, envelope.error) == (False, "unreachable")
    assert registry.calls == []


def test_an_outward_call_that_provably_did_not_run_falls_back(hybrid: HybridOrchestrator, cloud: CloudStub) -> None:
    cloud.close()
    envelope = hybrid.route_sync("publish.auto", {"text": "hello"})
    assert (envelope.ok, envelope.source) == (True, "local_fallback")


def test_an_outward_call_never_falls_back_once_it_may_have_run(
    hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry
) -> None:
    cloud.drop("telegram.send")
    envelope = hybrid.route_sync("telegram.send", {"message": "hello"})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "outcome_unknown", "unknown")
    assert (cloud.actions, registry.calls) == (["telegram.send"], [])


def test_an_outward_call_that_times_out_is_held_and_not_tried_again(
    hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry
) -> None:
    cloud.hang("upwork.propose")
    envelope = hybrid.route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1", timeout=0.3)
    again = hybrid.route_sync("upwork.propose", {"job": 1}, idempotency_key="job-1")
    assert (envelope.outcome, again.outcome, again.error) == ("unknown", "unknown", "outcome_unknown")
    assert (cloud.actions, registry.calls) == (["upwork.propose"], [])


def test_a_read_that_times_out_says_so(make: Open, cloud: CloudStub) -> None:
    cloud.hang("research.platform")
    envelope = make("cloud").route_sync("research.platform", {}, timeout=0.3)
    assert (envelope.error, envelope.source) == ("timeout", "cloud")
    assert 250 < envelope.duration_ms < 5_000


def test_offline_mode_keeps_every_call_here(make: Open, cloud: CloudStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLINE_MODE", "1")
    envelope = make().route_sync("research.platform", {})
    assert (envelope.ok, envelope.source) == (True, "local_fallback")
    assert cloud.requests == []


def test_offline_without_another_side_is_an_error(make: Open) -> None:
    envelope = make("cloud", config={"OFFLINE_MODE": True}).route_sync("research.platform", {})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "offline", "not_executed")


def test_offline_the_last_good_answer_comes_from_the_cache(make: Open) -> None:
    with make("cloud") as online:
        assert online.route_sync("upwork.search", {"q": "rust"}).source == "cloud"
    offline = make("cloud", config={"OFFLINE_MODE": True})
    envelope = offline.route_sync("upwork.search", {"q": "rust"})
    assert (envelope.ok, envelope.source, envelope.result["ran"]) == (True, "cache", "cloud")
    assert not offline.route_sync("upwork.search", {"q": "python"}).ok


# The registry's envelope


def test_the_registrys_envelope_is_unwrapped(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("dm.stats", lambda params: done("dm.stats", {"sent": 3}))
    envelope = local.route_sync("dm.stats", {})
    assert (envelope.result, envelope.error) == ({"sent": 3}, None)


@pytest.mark.parametrize(
    "answer, detail",
    [
        (failed("dm.stats", "not logged in"), "not logged in"),
        ({"topic": "dm.stats", "result": 1}, "without an envelope"),
        (None, "without an envelope"),
        ("done", "without an envelope"),
        (done("dm.stats", {"success": False, "error": "tab closed"}), "tab closed"),
    ],
    ids=["ok is false", "ok is missing", "nothing", "a string", "the result says success false"],
)
def test_a_failure_in_the_registrys_envelope_is_a_failure(
    local: HybridOrchestrator, registry: Registry, answer: Any, detail: str
) -> None:
    registry.handle("dm.stats", lambda params: answer)
    envelope = local.route_sync("dm.stats", {})
    assert (envelope.ok, envelope.error, envelope.outcome) == (False, "handler_error", "executed")
    assert detail in envelope.detail


def test_a_handler_that_raises_is_a_failure_with_the_exceptions_text(local: HybridOrchestrator, registry: Registry) -> None:
    def broken(params: Dict[str, Any]) -> Any:
        raise ValueError("no such video")

    registry.handle("content.analyze_video", broken)
    envelope = local.route_sync("content.analyze_video", {})
    assert (envelope.ok, envelope.error, envelope.detail) == (False, "handler_error", "ValueError: no such video")


def test_an_unknown_action_comes_with_the_nearest_names(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("research.platfrom", lambda params: failed("research.platfrom", "Unknown topic: research.platfrom"))
    envelope = local.route_sync("research.platfrom", {})
    assert (envelope.error, envelope.outcome) == ("unknown_action", "not_executed")
    assert "research.platform" in envelope.suggestions


def test_the_registrys_own_suggestions_are_kept_when_no_name_is_near(local: HybridOrchestrator, registry: Registry) -> None:
    answer = failed("zzz.qqq", "Unknown topic: zzz.qqq", suggestions=["yyy.ppp"])
    registry.handle("zzz.qqq", lambda params: answer)
    assert local.route_sync("zzz.qqq", {}).suggestions == ["yyy.ppp"]


def test_every_answer_says_how_long_it_took(hybrid: HybridOrchestrator) -> None:
    for action in ("system.heartbeat", "research.platform", "dm.bulk_send"):
        assert hybrid.route_sync(action, {}).duration_ms > 0


def test_explaining_runs_nothing(hybrid: HybridOrchestrator, cloud: CloudStub, registry: Registry) -> None:
    explained = hybrid.explain("dm.send", {"text": "hello"})
    assert (explained["action"], explained["class"], explained["effect"]) == ("dm.send", "api", "outward")
    assert explained["decision"]["rules"][-1]["verdict"] == "choose"
    assert hybrid.explain("dm.send", force_env="local")["decision"] != explained["decision"]
    assert (cloud.requests, registry.calls) == ([], [])


# What dispatch may be


def test_a_module_with_dispatch_is_taken_as_it_is(make: Open, registry: Registry) -> None:
    module = SimpleNamespace(dispatch=registry.dispatch, init_all_services=registry.init_all_services)
    orchestrator = make("local", local=module)
    assert orchestrator.route_sync("dm.stats", {}).ok
    assert registry.initialised == 1


def test_dispatch_may_be_a_coroutine_function(make: Open, registry: Registry) -> None:
    orchestrator = make("local", local=registry.dispatch_async)
    assert orchestrator.route_sync("dm.stats", {"a": 1}).result["params"] == {"a": 1}
    assert asyncio.run(orchestrator.route("dm.stats", {"a": 2})).result["params"] == {"a": 2}


def test_dispatch_may_return_something_to_await(make: Open, registry: Registry) -> None:
    orchestrator = make("local", local=lambda topic, params: registry.dispatch_async(topic, params))
    assert orchestrator.route_sync("dm.stats", {}).ok
    assert asyncio.run(orchestrator.route("dm.stats", {})).ok


def test_the_services_are_initialised_once_before_the_first_of_many_calls_at_once(make: Open, registry: Registry) -> None:
    order: List[str] = []

    def init() -> None:
        registry.init_all_services()
        order.append("init")

    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        order.append(topic)
        return done(topic, None)

    async def all_at_once() -> None:
        orchestrator = make("local", local=dispatch, init=init)
        envelopes = await asyncio.gather(*(orchestrator.route("dm.stats", {"n": n}) for n in range(12)))
        assert all(envelope.ok for envelope in envelopes)

    asyncio.run(all_at_once())
    assert (registry.initialised, order[0], len(order)) == (1, "init", 13)


def test_a_failed_initialisation_is_tried_again_by_the_next_call(make: Open, registry: Registry) -> None:
    def init() -> None:
        registry.init_all_services()
        if registry.initialised == 1:
            raise RuntimeError("the database is not up yet")

    orchestrator = make("local", init=init)
    first = orchestrator.route_sync("dm.stats", {})
    assert (first.ok, first.outcome, registry.calls) == (False, "not_executed", [])
    assert "the database is not up yet" in first.detail
    assert orchestrator.route_sync("dm.stats", {}).ok
    assert registry.initialised == 2


# Batches


def test_a_batch_answers_in_the_order_of_its_calls(make: Open) -> None:
    async def slower_first(topic: str, params: Dict[str, Any]) -> Any:
        await asyncio.sleep(0.05 if params["n"] == 0 else 0)
        return done(topic, params["n"])

    calls = [{"action": "content.analyze_video", "params": {"n": n}} for n in range(10)]
    envelopes = asyncio.run(make("local", local=slower_first).batch_execute(calls))
    assert [envelope.result for envelope in envelopes] == list(range(10))


def test_one_failure_in_a_batch_does_not_stop_the_others(local: HybridOrchestrator, registry: Registry) -> None:
    registry.handle("dm.stats", lambda params: failed("dm.stats", "not logged in"))
    actions = ["content.analyze_video", "dm.stats", "content.generate"]
    envelopes = local.batch_execute_sync([{"action": action} for action in actions])
    assert [(envelope.action, envelope.ok) for envelope in envelopes] == list(zip(actions, [True, False, True]))


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_batch_runs_no_more_at_once_than_it_may(make: Open, at_once: int) -> None:
    lock, together = threading.Lock(), threading.Barrier(at_once)
    running, most = 0, 0

    def dispatch(topic: str, params: Dict[str, Any]) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Passes only when as many as may run do run.
        together.wait(10)
        with lock:
            running -= 1
        return done(topic, None)

    orchestrator = make("local", local=dispatch)
    envelopes = orchestrator.batch_execute_sync([{"action": "content.generate"}] * 6, max_concurrent=at_once)
    assert [envelope.ok for envelope in envelopes] == [True] * 6
    assert most == at_once
