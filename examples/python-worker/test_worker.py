"""Tests of the worker: ``python3 -m unittest discover -s examples/python-worker``."""

from __future__ import annotations

import doctest
import http.client
import json
import threading
import unittest
from typing import Any, Dict, Optional, Tuple

import service_registry
from service_registry import ServiceRegistry
from topics import registry
from worker import LARGEST_BODY, Worker


def load_tests(loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: Optional[str]) -> unittest.TestSuite:
    tests.addTests(doctest.DocTestSuite(service_registry))
    return tests


def result(name: str, /, **params: Any) -> Dict[str, Any]:
    answer = registry.dispatch(name, params)
    assert answer["ok"], answer
    return answer["result"]


class RegistryTests(unittest.TestCase):
    def test_an_unknown_topic_is_answered_with_the_nearest_names(self) -> None:
        answer = registry.dispatch("content.genrate")
        self.assertFalse(answer["ok"])
        self.assertIn("content.generate", answer["suggestions"])

    def test_a_handler_that_raises_becomes_an_answer(self) -> None:
        own = ServiceRegistry()
        own.register("a.b", "fails")(lambda params: 1 / 0)
        answer = own.dispatch("a.b")
        self.assertEqual((answer["ok"], answer["error"]), (False, "ZeroDivisionError: division by zero"))
        self.assertGreaterEqual(answer["duration_ms"], 0)

    def test_what_must_run_first_runs_once(self) -> None:
        own, runs = ServiceRegistry(), []
        own.on_init(lambda: runs.append(1))
        own.register("a.b", "looks")(lambda params: len(runs))
        self.assertEqual([own.dispatch("a.b")["result"] for _ in range(3)], [1, 1, 1])

    def test_names_are_checked_and_unique(self) -> None:
        own = ServiceRegistry()
        own.register("a.b", "one")
        for name in ("ab", "A.b", "a.b.c", "a.b\n"):
            with self.assertRaises(ValueError):
                own.register(name, "wrong")
        own.register("a.b", "one")(lambda params: None)
        with self.assertRaises(ValueError):
            own.register("a.b", "again")


class TopicTests(unittest.TestCase):
    def test_a_strong_opening_and_an_ending_with_a_request_score_higher(self) -> None:
        strong = result("content.analyze_video", transcript="Why do you fail? Do this instead. Follow for more.")
        weak = result("content.analyze_video", transcript="Today it was raining and the bus was late again. It went on.")
        self.assertGreater(strong["score"], weak["score"])
        self.assertEqual(strong["call_to_action"]["found"], ["follow"])
        self.assertIn("ask for one thing, at the end", weak["advice"])

    def test_pace_comes_from_words_and_duration(self) -> None:
        video = result("content.analyze_video", transcript="one two three four", duration_s=2)
        self.assertEqual(video["pace"]["words_per_minute"], 120)

    def test_variants_differ_and_repeat_for_the_same_input(self) -> None:
        once = result("content.generate", topic="cold email", audience="founders", count=5)
        self.assertEqual(once, result("content.generate", topic="cold email", audience="founders", count=5))
        texts = [variant["text"] for variant in once["variants"]]
        self.assertEqual(len(set(texts)), 5)
        self.assertTrue(all("founders" in text for text in texts))

    def test_youtube_limits_are_kept(self) -> None:
        payload = result("content.youtube_payload", title="x" * 300, transcript="tea " * 900, chapters=[{"at_s": 65, "name": "Brew"}])
        self.assertEqual(len(payload["snippet"]["title"]), 100)
        self.assertLessEqual(len(",".join(payload["snippet"]["tags"])), 500)
        self.assertTrue(payload["snippet"]["description"].endswith("1:05 Brew"))

    def test_rates_of_nothing_are_unknown_rather_than_a_division_by_zero(self) -> None:
        self.assertEqual(result("twitter.metrics", impressions=2000, likes=30)["likes_per_1000"], 15)
        self.assertIsNone(result("twitter.metrics")["engagement_rate"])

    def test_the_best_post_is_the_one_with_most_engagement_per_view(self) -> None:
        posts = [
            {"id": "many-views", "views": 10000, "likes": 100, "text": "plain news"},
            {"id": "well-liked", "views": 1000, "likes": 90, "shares": 10, "text": "honest numbers"},
        ]
        analysis = result("feedback.analysis", posts=posts)
        self.assertEqual(analysis["best"], {"id": "well-liked", "engagement": 0.12})
        self.assertEqual(analysis["words_of_the_best"], ["honest", "numbers"])

    def test_accounts_of_a_platform_are_added_up(self) -> None:
        accounts = [{"platform": "X", "followers": 10}, {"platform": "x", "followers": 5}, {"platform": "tiktok", "views": 10, "likes": 5}]
        summary = result("social.summary", accounts=accounts)
        self.assertEqual((summary["followers"], summary["strongest"]), (15, "tiktok"))

    def test_wrong_parameters_are_named(self) -> None:
        for topic, params in [
            ("content.generate", {}),
            ("content.generate", {"topic": "x", "count": 9}),
            ("content.analyze_video", {"transcript": "x", "duration_s": -1}),
            ("twitter.metrics", {"impressions": True}),
            ("feedback.analysis", {"posts": []}),
            ("social.summary", {"accounts": [{}]}),
        ]:
            answer = registry.dispatch(topic, params)
            self.assertTrue(answer["error"].startswith("invalid params: "), answer)


class HttpTests(unittest.TestCase):
    secret: Optional[str] = None

    def setUp(self) -> None:
        self.worker = Worker(0, registry, self.secret)
        thread = threading.Thread(target=self.worker.serve_forever, args=(0.01,))
        thread.start()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.worker.server_port, timeout=10)
        for end in (thread.join, self.worker.server_close, self.worker.shutdown, self.connection.close):
            self.addCleanup(end)

    def ask(self, method: str, path: str, body: Optional[bytes] = None, **headers: str) -> Tuple[int, Any]:
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def test_requests_follow_each_other_on_one_connection(self) -> None:
        self.assertEqual(self.ask("GET", "/health")[1]["status"], "ok")
        held = self.connection.sock
        status, envelope = self.ask("POST", "/api/services/twitter/metrics", b'{"impressions": 10, "likes": 1}')
        self.assertEqual((status, envelope["ok"], envelope["topic"]), (200, True, "twitter.metrics"))
        self.assertIs(self.connection.sock, held)

    def test_every_topic_is_listed(self) -> None:
        services = self.ask("GET", "/api/services")[1]["services"]
        names = [f"{service['name']}.{topic['name']}" for service in services for topic in service["topics"]]
        self.assertEqual(names, [topic["name"] for topic in registry.list_topics()])

    def test_bad_requests_get_a_status_and_a_reason(self) -> None:
        path = "/api/services/twitter/metrics"
        for status, target, body in [(400, path, b"{"), (400, path, b"[" * 100_000), (422, path, b"[]"), (404, "/api/other", b"{}")]:
            self.assertEqual(self.ask("POST", target, body)[0], status)
        self.assertEqual(self.ask("POST", path, None, Content_Length=str(LARGEST_BODY + 1))[0], 413)

    def test_an_unknown_topic_is_an_envelope(self) -> None:
        status, envelope = self.ask("POST", "/api/services/twitter/metrcs", b"{}")
        self.assertEqual((status, envelope["ok"], envelope["suggestions"][0]), (200, False, "twitter.metrics"))


class SecretTests(HttpTests):
    secret = "s3cret"

    def ask(self, method: str, path: str, body: Optional[bytes] = None, **headers: str) -> Tuple[int, Any]:
        headers.setdefault("X_Worker_Secret", "s3cret")
        return super().ask(method, path, body, **headers)

    def test_nothing_but_health_answers_without_the_secret(self) -> None:
        self.assertEqual(self.ask("GET", "/health", X_Worker_Secret="")[0], 200)
        for secret in ("", "wrong", "s3cre\xe4"):
            self.assertEqual(self.ask("GET", "/api/services", X_Worker_Secret=secret)[0], 401)
            self.assertEqual(self.ask("POST", "/api/services/system/heartbeat", b"{}", X_Worker_Secret=secret)[0], 401)
        self.assertEqual(self.ask("GET", "/api/services", X_Worker_Secret="", Authorization="Bearer s3cret")[0], 200)


if __name__ == "__main__":
    unittest.main()
