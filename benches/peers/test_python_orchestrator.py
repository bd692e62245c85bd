"""Tests of the peer: ``python -m unittest discover -s benches/peers``. It is worth comparing with only if it does the work."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Callable

import httpx

from python_orchestrator import ActionClassifier, HybridOrchestrator

FIELDS = """ok action result error detail source outcome replayed attempts duration_ms cost_usd cost_guard_triggered cached
idempotency_key request_id suggestions""".split()
SEND = {"platform": "instagram", "username": "bob", "text": "hi"}


class Registry:
    """Answers every topic and counts."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def dispatch(self, topic: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(topic)
        if "fail" in params:
            raise RuntimeError(params["fail"])
        return {"ok": True, "topic": topic, "result": {"said": params.get("text")}, "duration_ms": 0.1}


class OrchestratorTests(unittest.IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.registry = Registry()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.cloud_calls: list[httpx.Request] = []

    def orchestrator(self, env: str, answer: Callable[[], httpx.Response] | None = None, **options: Any) -> HybridOrchestrator:
        def respond(request: httpx.Request) -> httpx.Response:
            self.cloud_calls.append(request)
            return answer() if answer else httpx.Response(200, json={"ok": True, "result": {"from": "cloud"}})

        options = {"local": self.registry.dispatch, "cloud_endpoint": "http://cloud.test", "retry_waits_s": (0, 0, 0), **options}
        made = HybridOrchestrator(
            env, database_url=f"sqlite://{self.folder}/peer.db", transport=httpx.MockTransport(respond), **options
        )
        self.addAsyncCleanup(made.close)
        return made

    def rows(self, statement: str) -> list[Any]:
        database = sqlite3.connect(self.folder / "peer.db")
        try:
            return database.execute(statement).fetchall()
        finally:
            database.close()

    async def test_a_local_read_answers_the_whole_envelope_and_leaves_an_event(self) -> None:
        routes = self.orchestrator("local")
        envelope = await routes.route("dm.stats", {"text": "a"})
        self.assertEqual(list(envelope), FIELDS)
        self.assertEqual((envelope["ok"], envelope["result"], envelope["source"]), (True, {"said": "a"}, "local"))
        for _ in range(50):
            if self.rows("SELECT COUNT(*) FROM events") == [(1,)]:
                break
            await asyncio.sleep(0.1)
        self.assertEqual(self.rows("SELECT subject, request_id FROM events"), [("dm.stats", envelope["request_id"])])

    async def test_plain_and_async_functions_run_and_sync_calls_work_inside_and_outside_of_a_loop(self) -> None:
        async def later(topic: str, params: dict[str, Any]) -> dict[str, Any]:
            await asyncio.sleep(0)
            return self.registry.dispatch(topic, params)

        for local in (self.registry.dispatch, later):
            routes = self.orchestrator("local", local=local)
            self.assertTrue((await routes.route("dm.stats"))["ok"])
            self.assertTrue(routes.route_sync("dm.stats")["ok"])
            self.assertTrue((await asyncio.to_thread(routes.route_sync, "dm.stats"))["ok"])

    async def test_what_a_handler_raises_becomes_the_answer(self) -> None:
        envelope = await self.orchestrator("local").route("dm.stats", {"fail": "no luck"})
        self.assertEqual((envelope["error"], envelope["detail"]), ("handler_error", "RuntimeError: no luck"))

    async def test_a_handler_that_does_not_end_is_given_up(self) -> None:
        async def never(topic: str, params: dict[str, Any]) -> None:
            await asyncio.Event().wait()

        routes = self.orchestrator("local", local=never)
        self.assertEqual((await routes.route("dm.stats", timeout=0.01))["error"], "timeout")
        self.assertEqual((await routes.route("telegram.send", timeout=0.01))["error"], "outcome_unknown")

    async def test_an_outward_call_runs_once_per_key(self) -> None:
        routes = self.orchestrator("local")
        first = await routes.route("dm.send", SEND, idempotency_key="k")
        again = await routes.route("dm.send", SEND, idempotency_key="k")
        other = await routes.route("dm.send", {**SEND, "text": "ho"}, idempotency_key="k")
        self.assertEqual((first["replayed"], again["replayed"], len(self.registry.calls)), (False, True, 1))
        self.assertEqual(again["request_id"], first["request_id"])
        self.assertEqual(other["error"], "idempotency_mismatch")
        self.assertEqual(self.rows("SELECT state FROM calls"), [("executed",)])

    async def test_the_same_content_on_one_day_is_one_call(self) -> None:
        routes = self.orchestrator("local")
        answers = [await routes.route("dm.send", SEND) for _ in range(2)]
        self.assertEqual([answer["replayed"] for answer in answers], [False, True])

    async def test_a_key_that_is_being_worked_on_is_a_conflict(self) -> None:
        begun, go = asyncio.Event(), asyncio.Event()

        async def slow(topic: str, params: dict[str, Any]) -> dict[str, Any]:
            begun.set()
            await go.wait()
            return {"ok": True, "result": None}

        routes = self.orchestrator("local", local=slow)
        first = asyncio.create_task(routes.route("dm.send", SEND, idempotency_key="k"))
        await begun.wait()
        self.assertEqual((await routes.route("dm.send", SEND, idempotency_key="k"))["error"], "idempotency_conflict")
        go.set()
        self.assertTrue((await first)["ok"])

    async def test_a_call_whose_owner_is_gone_is_held(self) -> None:
        routes = self.orchestrator("local")
        self.assertTrue((await routes.route("dm.send", SEND, idempotency_key="k"))["ok"])
        lapsed = "UPDATE calls SET state = 'running', envelope = NULL, lease_until = ?"
        await routes.store.run(lambda db: db.execute(lapsed, (time.time() - 1,)))
        for _ in range(2):
            held = await routes.route("dm.send", SEND, idempotency_key="k")
            self.assertEqual((held["error"], held["outcome"]), ("outcome_unknown", "unknown"))
        self.assertEqual(len(self.registry.calls), 1)

    async def test_a_read_is_repeated_and_falls_back_while_an_outward_call_stays(self) -> None:
        routes = self.orchestrator("hybrid", lambda: httpx.Response(503))
        read = await routes.route("dm.stats")
        self.assertEqual((read["ok"], read["source"], len(self.cloud_calls)), (True, "local_fallback", 4))
        sent = await routes.route("dm.send", SEND)
        self.assertEqual((sent["error"], sent["outcome"], len(self.cloud_calls)), ("outcome_unknown", "unknown", 5))
        self.assertEqual(self.registry.calls, ["dm.stats"])

    async def test_an_outward_call_that_provably_did_not_run_moves(self) -> None:
        def refuse() -> httpx.Response:
            raise httpx.ConnectError("refused")

        sent = await self.orchestrator("hybrid", refuse).route("dm.send", SEND)
        self.assertEqual((sent["ok"], sent["source"]), (True, "local_fallback"))

    async def test_money_is_settled_and_the_cap_holds_under_concurrency(self) -> None:
        routes = self.orchestrator("cloud", cap_usd=0.01, soft_cap_usd=0.009)
        answers = await asyncio.gather(*(routes.route("research.platform", {"n": n}) for n in range(20)))
        self.assertEqual((sum(answer["ok"] for answer in answers), len(self.cloud_calls)), (5, 5))
        self.assertEqual({answer["error"] for answer in answers}, {None, "cost_cap_exceeded"})
        self.assertEqual(self.rows("SELECT settled, reserved FROM cost_months"), [(10_000, 0)])
        self.assertTrue((await routes.route("dm.send", SEND))["ok"], "essential calls pass")

    async def test_hybrid_stays_here_from_the_soft_cap_on(self) -> None:
        routes = self.orchestrator("hybrid", cap_usd=0.01, soft_cap_usd=0.002)
        first, second = [await routes.route("research.platform") for _ in range(2)]
        self.assertEqual((first["source"], first["cost_usd"]), ("cloud", 0.002))
        self.assertEqual((second["source"], second["cost_guard_triggered"]), ("local", True))

    async def test_the_stop_file_stops_everything_but_reads(self) -> None:
        routes = self.orchestrator("local")
        (self.folder / "STOP").touch()
        self.assertEqual((await routes.route("dm.send", SEND))["error"], "stopped")
        self.assertTrue((await routes.route("dm.stats"))["ok"])

    async def test_rules_are_heard_in_order(self) -> None:
        routes = self.orchestrator("hybrid")
        self.assertEqual((await routes.route("dm.stats"))["source"], "cloud")
        self.assertEqual((await routes.route("dm.stats", force_env="local"))["source"], "local")
        routes.offline = True
        self.assertEqual((await routes.route("dm.stats"))["source"], "local_fallback")
        self.assertEqual((await routes.route("dm.send", SEND, "cloud"))["error"], "offline")

    def test_classes_come_from_the_row_then_the_service_then_the_default(self) -> None:
        classifier = ActionClassifier()
        classes = [classifier.classify(action) for action in ("dm.send", "dm.new_thing", "content.gen", "nobody.knows")]
        self.assertEqual(classes, ["api", "api", "compute", "compute"])
        with self.assertRaises(ValueError):
            classifier.classify("no topic")


if __name__ == "__main__":
    unittest.main()
