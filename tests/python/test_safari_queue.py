"""Safari's queue from Python: what is written, refused, shown, taken back and carried out."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from child import run
from everreach import SafariQueue
from everreach.errors import (
    ConfigError, ConflictError, IdempotencyMismatchError, InvalidInputError, InvalidParamsError, NotFoundError,
)  # fmt: skip

pytestmark = pytest.mark.prd040

SERVICES = (
    "INSTAGRAM_DM", "TWITTER_DM", "THREADS_COMMENTS", "INSTAGRAM_COMMENTS", "TIKTOK_COMMENTS", "TWITTER_COMMENTS", "TIKTOK_DM",
    "LINKEDIN_AUTOMATION", "MARKET_RESEARCH",
)  # fmt: skip

POST = "https://x.com/bob/status/1"


@pytest.fixture(autouse=True)
def no_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """All nine services are installed where nobody listens, and any hour will do."""
    for service in SERVICES:
        monkeypatch.setenv(f"SAFARI_{service}_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SAFARI_ACTIVE_HOURS", "0-24")


def routes(*arguments: str) -> Any:
    """What the routes answer over the database of the settings: the command line goes through them."""
    command = [sys.executable, "-m", "everreach", "--json", "safari", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)


@pytest.fixture
def demo_services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The services of the demo, over real sockets, installed as the nine."""
    command = [sys.executable, "-m", "everreach", "demo", "safari-services", "--ephemeral", "--any-hour"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout and demo.stderr
            assert "ready" in demo.stderr.readline()
            missing = {f"SAFARI_{service}_URL" for service in SERVICES}
            while missing:
                # Some have a token too.
                name, value = demo.stdout.readline().strip().split("=", 1)
                monkeypatch.setenv(name, value)
                missing.discard(name)
            yield
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=30)


@pytest.fixture
def queue() -> Iterator[SafariQueue]:
    yield SafariQueue("sqlite::memory:")


def test_each_kind_of_command_is_written_as_the_routes_write_it(queue: SafariQueue) -> None:
    ids = [
        queue.enqueue_dm_sync("instagram", "bob", "Great work!"),
        queue.enqueue_comment_sync("twitter", POST, "Well said", priority=1),
        queue.enqueue_research_sync("twitter", "ai automation", 50),
        queue.enqueue_research_sync("tiktok", "tea"),
    ]
    assert len({uuid.UUID(id) for id in ids}) == 4
    rows = [queue.get_sync(id) for id in ids]
    assert [(row["action"], row["platform"], row["params"]) for row in rows] == [
        ("send_dm", "instagram", {"username": "bob", "text": "Great work!"}),
        ("comment", "twitter", {"postUrl": POST, "text": "Well said"}),
        ("market_research", "twitter", {"keyword": "ai automation", "maxPosts": 50}),
        ("market_research", "tiktok", {"keyword": "tea"}),
    ]
    assert [row["priority"] for row in rows] == [5, 1, 5, 5]
    assert {row["status"] for row in rows} == {"pending"} and all(row["why"] and row["tries"] == [] for row in rows)


def test_what_is_awaited_is_what_is_waited_for() -> None:
    queue = SafariQueue("sqlite::memory:")

    async def all_of_it() -> Dict[str, Any]:
        dm = await queue.enqueue_dm("instagram", "bob", "Great work!")
        comment = await queue.enqueue_comment("twitter", POST, "Well said")
        await queue.enqueue_research("twitter", "tea", max_posts=5)
        (score,) = await queue.enqueue([{"action": "score"}])
        assert (await queue.get(dm))["id"] == dm
        assert (await queue.cancel(score["id"]))["status"] == "cancelled"
        assert (await queue.rate_limits())["limits"] == queue.rate_limits_sync()["limits"]
        status, page = await queue.status(), await queue.history(status="pending", limit=2)
        assert status["commands"] == queue.status_sync()["commands"]
        assert page == queue.history_sync(status="pending", limit=2) and len(page["commands"]) == 2
        assert await queue.cancel(comment) == queue.get_sync(comment)
        return status

    assert asyncio.run(all_of_it())["commands"]["pending"] == 3
    assert asyncio.run(queue.history())["commands"] == queue.history_sync()["commands"]


def test_a_key_writes_once_and_belongs_to_one_command(queue: SafariQueue) -> None:
    first = queue.enqueue_dm_sync("instagram", "bob", "hello", idempotency_key="bob-1")
    assert queue.enqueue_dm_sync("instagram", "bob", "hello", idempotency_key="bob-1") == first
    (again,) = queue.enqueue_sync([
        {"action": "send_dm", "platform": "instagram", "params": {"username": "bob", "text": "hello"}, "idempotency_key": "bob-1"}
    ])
    assert again == {"id": first, "status": "pending", "created": False}
    with pytest.raises(IdempotencyMismatchError):
        queue.enqueue_dm_sync("instagram", "eve", "hello", idempotency_key="bob-1")
    assert len(queue.history_sync()["commands"]) == 1


def test_the_options_stand_in_the_row(queue: SafariQueue) -> None:
    tomorrow = datetime.now(timezone(timedelta(hours=2))) + timedelta(days=1)
    id = queue.enqueue_dm_sync("twitter", "bob", "hello", priority=0, at=tomorrow, campaign="spring", batch="monday")
    row = queue.get_sync(id)
    assert (row["priority"], row["campaign_id"], row["batch_id"]) == (0, "spring", "monday")
    assert datetime.fromisoformat(row["scheduled_for"].replace("Z", "+00:00")) == tomorrow
    text = queue.enqueue_research_sync("twitter", "tea", at="2099-01-02T03:04:05Z")
    assert queue.get_sync(text)["scheduled_for"].startswith("2099-01-02T03:04:05")


@pytest.mark.parametrize("command", [
    pytest.param(lambda queue, at: queue.enqueue_dm_sync("twitter", "bob", "hello", at=at), id="at"),
    pytest.param(lambda queue, at: queue.enqueue_sync([{"action": "score", "scheduled_for": at}]), id="commands.0.scheduled_for"),
])  # fmt: skip
def test_a_time_without_a_zone_is_refused(command: Any, queue: SafariQueue, request: pytest.FixtureRequest) -> None:
    with pytest.raises(InvalidInputError, match="time zone") as refused:
        command(queue, datetime(2099, 1, 1))
    assert refused.value.context["field"] == request.node.callspec.id
    assert queue.history_sync()["commands"] == []


def test_what_the_gate_refuses_raises_and_names_the_field(queue: SafariQueue) -> None:
    refusals: List[Tuple[Callable[[], Any], str, str]] = [
        (lambda: queue.enqueue_dm_sync("instagram", "bob'; open /", "hi"), "username", "forbidden_character"),
        (lambda: queue.enqueue_dm_sync("instagram", "bob", ""), "text", "missing_text"),
        (lambda: queue.enqueue_dm_sync("myspace", "bob", "hi"), "platform", "unknown_platform"),
        (lambda: queue.enqueue_comment_sync("twitter", "http://x.com/bob/status/1", "hi"), "postUrl", "not_https"),
        (lambda: queue.enqueue_research_sync("twitter", "tea", max_posts=101), "maxPosts", "out_of_range"),
        (lambda: asyncio.run(queue.enqueue_dm("instagram", "b b", "hi")), "username", "forbidden_character"),
    ]  # fmt: skip
    for refused, field, code in refusals:
        with pytest.raises(InvalidParamsError) as error:
            refused()
        assert (error.value.context["field"], error.value.context["code"]) == (field, code)
        assert not error.value.retryable
    assert queue.history_sync()["commands"] == []


def test_of_many_commands_all_are_written_or_none(queue: SafariQueue) -> None:
    good = {"action": "market_research", "platform": "twitter", "params": {"keyword": "tea"}}
    with pytest.raises(InvalidParamsError) as refused:
        queue.enqueue_sync([good, {**good, "action": "dance"}])
    assert (refused.value.context["command"], refused.value.context["field"]) == ("1", "action")
    with pytest.raises(InvalidInputError) as misshapen:
        queue.enqueue_sync([good, {**good, "priority": "high"}])
    assert misshapen.value.context["field"] == "commands.1.priority"
    for number in (0, 1001):
        with pytest.raises(InvalidInputError, match="1 to 1000"):
            queue.enqueue_sync([good] * number)
    assert queue.history_sync()["commands"] == []
    written = queue.enqueue_sync([good, {"action": "score"}])
    assert [(one["status"], one["created"]) for one in written] == [("pending", True)] * 2
    assert {row["id"] for row in queue.history_sync()["commands"]} == {one["id"] for one in written}


def test_more_than_ten_messages_at_once_wait_for_a_person(queue: SafariQueue) -> None:
    messages = [
        {"action": "send_dm", "platform": "twitter", "params": {"username": f"bob{number}", "text": "hi"}} for number in range(11)
    ]
    (group,) = {one["waits_for"] for one in queue.enqueue_sync(messages)}
    assert len(queue.status_sync()["approvals"]) == 1
    assert all(row["batch_id"] == group.split(":")[-1] for row in queue.history_sync()["commands"])
    assert queue.run_once_sync()["executed"] == 0


def test_a_command_is_taken_back_once_and_an_unknown_one_is_not_found(queue: SafariQueue) -> None:
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")
    assert queue.cancel_sync(id)["status"] == "cancelled"
    assert queue.cancel_sync(id)["status"] == "cancelled"
    for use in (queue.get_sync, queue.cancel_sync):
        with pytest.raises(NotFoundError):
            use(str(uuid.uuid4()))
        with pytest.raises(InvalidInputError) as unreadable:
            use("bob")
        assert unreadable.value.context["field"] == "id"


def test_history_is_filtered_and_comes_in_pages(queue: SafariQueue) -> None:
    dm = queue.enqueue_dm_sync("twitter", "bob", "hello", campaign="spring")
    comment = queue.enqueue_comment_sync("twitter", POST, "Well said")
    search = queue.enqueue_research_sync("tiktok", "tea")
    queue.cancel_sync(comment)

    def ids(**filters: Any) -> List[str]:
        return [row["id"] for row in queue.history_sync(**filters)["commands"]]

    assert ids() == [search, comment, dm]
    assert ids(platform="twitter") == [comment, dm]
    assert ids(action="market_research") == [search]
    assert ids(status="cancelled") == [comment]
    assert ids(campaign="spring") == [dm]
    assert ids(platform="tiktok", status="cancelled") == []
    page = queue.history_sync(limit=2)
    assert ids(limit=2, cursor=page["next"]) == [dm]
    assert queue.history_sync(limit=2, cursor=page["next"])["next"] is None


@pytest.mark.parametrize(("field", "value"), [("platform", "myspace"), ("status", "sent"), ("cursor", "2")])
def test_a_filter_that_cannot_be_read_is_named(field: str, value: str, queue: SafariQueue) -> None:
    filters: Dict[str, Any] = {field: value}
    with pytest.raises(InvalidInputError) as refused:
        queue.history_sync(**filters)
    assert refused.value.context["field"] == field
    for limit in (0, -1, 1001):
        with pytest.raises(InvalidInputError, match="1 to 1000"):
            queue.history_sync(limit=limit)


def test_the_status_counts_the_commands_and_lists_the_services(queue: SafariQueue) -> None:
    queue.enqueue_dm_sync("instagram", "bob", "hello")
    status = queue.status_sync()
    assert status["commands"] == {
        "pending": 1, "running": 0, "completed": 0, "failed": 0, "cancelled": 0, "unknown": 0,
    }  # fmt: skip
    assert (status["stopped"], status["halts"], status["approvals"], len(status["services"])) == (False, [], [], 9)
    assert {service["url"] for service in status["services"]} == {"http://127.0.0.1:1"}


def test_the_limits_say_what_is_used_and_when_they_begin_again(queue: SafariQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = queue.rate_limits_sync()
    assert {"instagram", "twitter", "tiktok", "linkedin", "threads", "facebook"} == {one["platform"] for one in limits["limits"]}
    assert all(set(one) == {"platform", "action", "counts_with", "half_rate_until", "limit", "used"} for one in limits["limits"])
    assert limits["combined"]["limit"] == {"per_hour": 30, "per_day": 150}
    assert limits["resets_at"]["day"] >= limits["resets_at"]["hour"] > datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    monkeypatch.setenv("SAFARI_LIMITS", '{"twitter": {"dm": 3}}')
    changed = SafariQueue("sqlite::memory:").rate_limits_sync()["limits"]
    (twitter,) = [one for one in changed if (one["platform"], one["action"]) == ("twitter", "dm")]
    assert twitter["limit"]["per_day"] == 3


def test_a_run_without_services_carries_out_nothing_and_says_why(queue: SafariQueue) -> None:
    nothing = {"executed": 0, "completed": 0, "failed": 0, "unknown": 0, "rescheduled": 0}
    assert queue.run_once_sync() == nothing
    id = queue.enqueue_dm_sync("instagram", "bob", "hello")
    ran = asyncio.run(queue.run_once(max=1))
    row = queue.get_sync(id)
    assert ran["completed"] == ran["unknown"] == 0
    assert row["status"] == "pending" and "instagram" in row["why"].lower(), row
    for max in (0, -1, 2**32):
        with pytest.raises(InvalidInputError) as refused:
            queue.run_once_sync(max=max)
        assert refused.value.context["field"] == "max"


def test_a_run_carries_out_what_waits_and_what_is_over_is_not_taken_back(
    demo_services: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFARI_MIN_DELAY_MS", "0")
    queue = SafariQueue("sqlite::memory:")
    ids = [queue.enqueue_dm_sync("instagram", "bob", "Great work!"), queue.enqueue_research_sync("twitter", "tea", 5)]
    ran = queue.run_once_sync()
    assert (ran["executed"], ran["completed"]) == (2, 2), queue.history_sync()
    rows = [queue.get_sync(id) for id in ids]
    assert [(row["status"], len(row["tries"])) for row in rows] == [("completed", 1)] * 2
    used = {(one["platform"], one["action"]): one["used"]["today"] for one in queue.rate_limits_sync()["limits"]}
    assert (used["instagram", "dm"], used["twitter", "dm"]) == (1, 0)
    with pytest.raises(ConflictError):
        queue.cancel_sync(ids[0])


def test_the_answers_are_those_of_the_routes() -> None:
    queue = SafariQueue()
    id = queue.enqueue_dm_sync("twitter", "bob", "hello", campaign="spring")
    queue.enqueue_research_sync("twitter", "tea")
    queue.cancel_sync(id)
    assert queue.history_sync() == routes("history")
    assert queue.get_sync(id) == routes("show", id)
    assert queue.rate_limits_sync()["limits"] == routes("rate-limits")["limits"]
    mine, theirs = queue.status_sync(), routes("status")
    assert list(mine) == list(theirs) and len(mine["services"]) == len(theirs["services"]) == 9
    for name in ("stopped", "commands", "depth", "completion_rate", "limits", "halts", "approvals"):
        assert mine[name] == theirs[name], name


def test_it_shares_the_database_of_the_settings(data_dir: Path) -> None:
    id = SafariQueue().enqueue_dm_sync("twitter", "bob", "hello", idempotency_key="bob-1")
    assert SafariQueue().get_sync(id)["params"]["username"] == "bob"
    assert any(data_dir.iterdir())
    with pytest.raises(ConfigError):
        SafariQueue("mysql://nobody")


def test_after_a_fork_a_queue_that_was_used_says_so() -> None:
    printed = run(
        """
        import os, signal, warnings
        from everreach import SafariQueue
        from everreach.errors import ForkError
        used, unused = SafariQueue("sqlite://parent.db"), SafariQueue("sqlite://child.db")
        id = used.enqueue_dm_sync("twitter", "bob", "hello")
        with warnings.catch_warnings():
            # Newer interpreters warn of forking while threads run: that is what is tried here.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            try:
                used.get_sync(id)
            except ForkError as error:
                assert "fork" in str(error)
                assert unused.history_sync()["commands"] == []
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(pid, 0)
        print(status, used.get_sync(id)["status"])
        """
    )
    assert printed == "0 pending\n"
