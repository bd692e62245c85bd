"""Tests of the registry in process; skipped where the wheel `everreach` is not installed."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from typing import Any, Dict

try:
    import in_process
except ModuleNotFoundError as missing:
    if missing.name != "everreach":
        raise
    raise unittest.SkipTest("the wheel everreach is not installed") from None

from everreach import HybridOrchestrator
from topics import registry

POSTS = [{"id": "plain", "views": 10_000, "likes": 100}, {"id": "liked", "views": 1000, "likes": 90, "shares": 10}]
#: Parameters with which each topic of the registry succeeds.
PARAMS: Dict[str, Dict[str, Any]] = {
    "content.analyze_video": {"transcript": in_process.TRANSCRIPT},
    "content.generate": {"topic": "tea"},
    "content.youtube_payload": {"title": "Tea", "transcript": in_process.TRANSCRIPT},
    "feedback.analysis": {"posts": POSTS},
    "social.summary": {"accounts": [{"platform": "x", "followers": 10}]},
    "system.heartbeat": {},
    "twitter.metrics": {"impressions": 2000, "likes": 30},
}


class InProcessTests(unittest.TestCase):
    orchestrator: HybridOrchestrator

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.orchestrator = in_process.make_orchestrator(folder.name)
        self.addCleanup(self.orchestrator.close)

    def test_every_topic_gives_what_the_registry_gives(self) -> None:
        self.assertEqual(sorted(PARAMS), [topic["name"] for topic in registry.list_topics()])
        for topic, params in PARAMS.items():
            envelope = self.orchestrator.route_sync(topic, params)
            self.assertEqual((envelope.ok, envelope.source, envelope.outcome), (True, "local", "executed"), envelope)
            self.assertEqual(envelope.result, registry.dispatch(topic, params)["result"])

    def test_an_unknown_topic_did_not_run_and_the_nearest_name_is_offered(self) -> None:
        envelope = self.orchestrator.route_sync("content.genrate")
        self.assertEqual((envelope.error, envelope.outcome), ("unknown_action", "not_executed"))
        self.assertIn("content.generate", envelope.suggestions)

    def test_the_same_key_runs_once(self) -> None:
        first = self.orchestrator.route_sync("content.generate", {"topic": "tea"}, idempotency_key="k")
        again = self.orchestrator.route_sync("content.generate", {"topic": "tea"}, idempotency_key="k")
        self.assertEqual((first.replayed, again.replayed), (False, True))
        self.assertEqual(first.result, again.result)

    def test_the_program_shows_what_it_says(self) -> None:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            in_process.main()
        self.assertIn("<Envelope content.analyze_video ok source=local", shown.getvalue())


if __name__ == "__main__":
    unittest.main()
