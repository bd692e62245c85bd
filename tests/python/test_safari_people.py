"""What people say about Safari's queue from Python: campaigns, approvals, doubts, and whom never to write to."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Dict, Iterator, List

import pytest
from everreach import DispatchOutcome, HybridOrchestrator, SafariQueue
from everreach.errors import ConflictError, InvalidInputError, NotFoundError
from everreach.safari import Campaigns, CommentWork
from everreach.testing import ScriptedDispatcher
from test_safari_dispatcher import AT_ONCE

pytestmark = pytest.mark.prd040

WORDS = {"comments": ["Nice, {handle}"], "first_dm": "Hi {handle}", "follow_up": "Still there?", "final_touch": "Bye"}

POSTS = [f"https://x.com/bob/status/{number}" for number in (1, 2, 3)]


@pytest.fixture
def dispatcher() -> ScriptedDispatcher:
    return ScriptedDispatcher()


@pytest.fixture
def queue(dispatcher: ScriptedDispatcher) -> Iterator[SafariQueue]:
    with SafariQueue("sqlite::memory:", dispatcher=dispatcher, config=AT_ONCE) as queue:
        yield queue


# Campaigns


def test_a_campaign_is_started_moved_on_and_ended_by_a_reply(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    campaign = queue.campaign_sync("comment_warmup", "twitter", ["bob"], posts={"bob": POSTS}, templates=WORDS, id="spring")
    assert (campaign["id"], campaign["status"], campaign["platform"]) == ("spring", "running", "twitter")
    assert queue.run_once_sync()["completed"] >= 1
    assert isinstance(dispatcher.seen[0].work, CommentWork) and dispatcher.seen[0].work.text == "Nice, bob"
    assert [one["id"] for one in queue.campaigns.list_sync()] == ["spring"]
    (target,) = queue.campaigns.show_sync("spring")["targets"]
    assert (target["handle"], target["comments_posted"]) == ("bob", len(dispatcher.seen))
    queue.campaign_sync("dm_sequence", "twitter", ["eve"], templates=WORDS, id="autumn")
    (target,) = queue.campaigns.replied_sync("autumn", "@Eve")["targets"]
    assert target["state"] == "replied"
    with pytest.raises(NotFoundError):
        queue.campaigns.replied_sync("autumn", "bob")


def test_a_campaign_is_held_goes_on_and_is_taken_back(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    queue.campaigns.start_sync("dm_sequence", "twitter", ["bob"], templates=WORDS, id="spring")
    assert queue.campaigns.pause_sync("spring")["status"] == "paused"
    assert queue.run_once_sync()["executed"] == 0
    assert queue.campaigns.resume_sync("spring")["status"] == "running"
    assert queue.run_once_sync()["executed"] == 1
    assert queue.campaigns.cancel_sync("spring")["status"] == "cancelled"
    with pytest.raises(ConflictError):
        queue.campaigns.resume_sync("spring")
    with pytest.raises(ConflictError):
        queue.campaigns.start_sync("dm_sequence", "twitter", ["eve"], templates=WORDS, id="spring")


def test_posts_may_be_named_later(queue: SafariQueue) -> None:
    queue.campaigns.start_sync("comment_warmup", "twitter", ["eve"], templates=WORDS, id="without")
    named = queue.campaigns.name_posts_sync("without", "eve", ["https://x.com/eve/status/1"])
    assert named["targets"][0]["handle"] == "eve"
    with pytest.raises(InvalidInputError) as refused:
        queue.campaigns.name_posts_sync("without", "eve", ["http://x.com/eve"])
    assert refused.value.context["field"] == "posts.0"
    with pytest.raises(InvalidInputError, match="list"):
        queue.campaigns.name_posts_sync("without", "eve", "https://x.com/eve/status/1")
    with pytest.raises(InvalidInputError, match="list"):
        queue.campaign_sync("comment_warmup", "twitter", "bob")


def test_who_opted_out_is_out_of_every_campaign_and_is_never_written_to(queue: SafariQueue) -> None:
    queue.campaigns.start_sync("dm_sequence", "twitter", ["bob", "eve"], templates=WORDS, id="spring")
    assert queue.campaigns.opted_out_sync("twitter", "@Bob") == {"cancelled": 0, "targets": 1}
    states = {target["handle"]: target["state"] for target in queue.campaigns.show_sync("spring")["targets"]}
    assert states["bob"] != states["eve"]
    assert [(one["platform"], one["handle"], one["reason"]) for one in queue.denied_sync()] == [("twitter", "bob", "opt_out")]


def test_what_is_wrong_with_a_campaign_is_named(queue: SafariQueue) -> None:
    for arguments, field in (
        (("dance", "twitter", ["bob"]), "type"),
        (("dm_sequence", "myspace", ["bob"]), "platform"),
        (("dm_sequence", "twitter", ["b b"]), "handles.0"),
        (("dm_sequence", "twitter", []), "handles"),
    ):
        with pytest.raises(InvalidInputError) as refused:
            queue.campaign_sync(*arguments, templates=WORDS)
        assert refused.value.context["field"] == field
    assert queue.campaigns.list_sync() == []


def test_an_orchestrator_writes_the_words_that_a_campaign_leaves_out(dispatcher: ScriptedDispatcher) -> None:
    asked: List[Dict[str, Any]] = []

    def local(topic: str, params: Dict[str, Any]) -> Dict[str, Any]:
        asked.append(params)
        return {"ok": True, "topic": topic, "result": {"text": "Words of its own"}}

    made = HybridOrchestrator("local", local=local, database_url="sqlite::memory:", config=AT_ONCE, safari_dispatcher=dispatcher)
    with made as orchestrator:
        queue = orchestrator.safari
        queue.campaign_sync("comment_warmup", "twitter", ["bob"], posts={"bob": POSTS})
        assert queue.run_once_sync()["completed"] >= 1, queue.campaigns.list_sync()
        assert isinstance(dispatcher.seen[0].work, CommentWork) and dispatcher.seen[0].work.text == "Words of its own"
        queue.close()
        assert orchestrator.safari.status_sync()["commands"]["completed"] == len(dispatcher.seen)
    assert asked


# Decisions


def eleven() -> List[Dict[str, Any]]:
    return [{"action": "send_dm", "platform": "twitter", "params": {"username": f"bob{n}", "text": "hi"}} for n in range(11)]


def test_more_than_ten_messages_go_when_a_person_agrees(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    (group,) = {one["waits_for"] for one in queue.enqueue_sync(eleven())}
    assert queue.run_once_sync()["executed"] == 0
    assert queue.approve_sync(group) == 11
    assert queue.run_once_sync(max=11)["completed"] == 11 == len(dispatcher.seen)
    (other,) = {one["waits_for"] for one in queue.enqueue_sync([{**one, "platform": "instagram"} for one in eleven()])}
    assert queue.deny_group_sync(other) == 11
    assert queue.status_sync()["commands"]["cancelled"] == 11
    with pytest.raises(ConflictError):
        queue.approve_sync(other)
    with pytest.raises(NotFoundError):
        queue.approve_sync("batch:none")


def test_a_doubt_is_held_until_a_person_says_what_happened(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    dispatcher._outcomes.extend([DispatchOutcome.unknown("timed_out", "no answer")] * 3)
    ids = [queue.enqueue_dm_sync("twitter", name, "hello") for name in ("ada", "bob", "eve")]
    assert queue.run_once_sync()["unknown"] == 3
    assert queue.retry_failed_sync() == [] and queue.run_once_sync()["executed"] == 0
    happened, again, dropped = ids
    assert queue.resolve_sync(happened, "happened")["status"] == "completed"
    assert queue.resolve_sync(again, "retry")["status"] == "pending"
    assert queue.resolve_sync(dropped, "drop")["status"] == "failed"
    assert queue.run_once_sync()["completed"] == 1
    with pytest.raises(ConflictError):
        queue.resolve_sync(happened, "happened")
    with pytest.raises(InvalidInputError) as refused:
        queue.resolve_sync(happened, "maybe")  # type: ignore[arg-type]
    assert refused.value.context["field"] == "verdict"
    assert [command.command_id for command in dispatcher.seen] == [*ids, again]


def test_what_failed_is_tried_again_when_asked(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    dispatcher._outcomes.extend([DispatchOutcome.refused("page_failed", "it did not load", repeat="never")] * 2)
    ids = [queue.enqueue_dm_sync("twitter", name, "hello") for name in ("bob", "eve")]
    assert queue.run_once_sync()["failed"] == 2
    assert queue.retry_failed_sync([ids[0]]) == [ids[0]]
    assert queue.retry_failed_sync() == [ids[1]]
    assert queue.run_once_sync()["completed"] == 2
    for wrong in ([], ["bob"]):
        with pytest.raises(InvalidInputError) as refused:
            queue.retry_failed_sync(wrong)
        assert refused.value.context["field"] == "ids"
    with pytest.raises(InvalidInputError, match="list"):
        queue.retry_failed_sync(ids[0])


def test_whom_never_to_write_to(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")
    assert queue.deny_sync("@Bob", "twitter", reason="asked for it") == {"platform": "twitter", "handle": "bob", "cancelled": 1, "targets": 0}
    assert queue.get_sync(id)["status"] == "cancelled"
    assert queue.deny_sync("eve")["platform"] is None
    assert {(one["handle"], one["reason"]) for one in queue.denied_sync()} == {("bob", "asked for it"), ("eve", "a person said so")}
    assert queue.allow_sync("bob", "twitter")["removed"] and not queue.allow_sync("bob", "twitter")["removed"]
    with pytest.raises(InvalidInputError) as refused:
        queue.deny_sync("b b")
    assert refused.value.context["field"] == "handle"


def test_an_account_that_met_a_captcha_stops_until_a_person_mends_it(queue: SafariQueue, dispatcher: ScriptedDispatcher) -> None:
    dispatcher._outcomes.append(DispatchOutcome.refused("captcha", "solve this", repeat="free"))
    queue.enqueue_dm_sync("twitter", "bob", "hello")
    queue.run_once_sync()
    held = queue.enqueue_dm_sync("twitter", "eve", "hello")
    assert queue.run_once_sync()["executed"] == 0
    assert [one["cause"] for one in queue.halts_sync()] == ["captcha"]
    assert queue.lift_halts_sync("twitter", "comment") == 0 and queue.lift_halts_sync("twitter") == 1
    assert queue.run_once_sync()["completed"] == 1 and queue.get_sync(held)["status"] == "completed"
    for arguments, field in ((("myspace",), "platform"), (("twitter", "dance"), "action")):
        with pytest.raises(InvalidInputError) as refused:
            queue.lift_halts_sync(*arguments)
        assert refused.value.context["field"] == field


# Twins


@pytest.mark.parametrize("cls", [SafariQueue, Campaigns])
def test_everything_awaitable_has_a_twin_that_waits(cls: type) -> None:
    awaitable = {name: method for name, method in inspect.getmembers(cls, inspect.iscoroutinefunction) if name[0] != "_"}
    assert len(awaitable) > 8
    for name, method in awaitable.items():
        if name != "aclose":
            twin = getattr(cls, f"{name}_sync")
            assert inspect.signature(twin) == inspect.signature(method), name


def test_what_people_say_may_be_awaited() -> None:
    dispatcher = ScriptedDispatcher([DispatchOutcome.unknown("timed_out", "no answer")])

    async def people() -> None:
        async with SafariQueue("sqlite::memory:", dispatcher=dispatcher, config=AT_ONCE) as queue:
            doubtful = await queue.enqueue_dm("twitter", "ada", "hello")
            assert (await queue.run_once())["unknown"] == 1
            assert (await queue.resolve(doubtful, "drop"))["id"] == doubtful
            assert await queue.retry_failed() == []
            groups = {one["waits_for"] for one in await queue.enqueue(eleven())}
            assert await queue.approve(groups.pop()) == 11
            other = {one["waits_for"] for one in await queue.enqueue([{**one, "platform": "tiktok"} for one in eleven()])}
            assert await queue.deny_group(other.pop()) == 11
            assert (await queue.deny("bob0", "twitter"))["cancelled"] == 1
            assert await queue.denied() == queue.denied_sync()
            assert (await queue.allow("bob0", "twitter"))["removed"]
            assert await queue.halts() == [] and await queue.lift_halts("twitter") == 0
            assert len(await queue.services()) == 9
            campaigns = queue.campaigns
            await queue.campaign("dm_sequence", "twitter", ["bob"], templates=WORDS, id="a")
            await campaigns.start("comment_warmup", "twitter", ["eve"], templates=WORDS, id="b")
            assert (await campaigns.pause("a"))["status"] == "paused"
            assert (await campaigns.resume("a"))["status"] == "running"
            assert (await campaigns.replied("a", "bob"))["targets"][0]["state"] == "replied"
            assert (await campaigns.name_posts("b", "eve", ["https://x.com/eve/status/1"]))["id"] == "b"
            assert (await campaigns.opted_out("twitter", "eve"))["targets"] == 1
            assert await campaigns.show("b") == campaigns.show_sync("b")
            assert await campaigns.list() == campaigns.list_sync()
            await campaigns.start("dm_sequence", "twitter", ["joe"], templates=WORDS, id="c")
            assert (await campaigns.cancel("c"))["status"] == "cancelled"

    asyncio.run(people())
