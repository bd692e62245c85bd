"""A dispatcher written in Python: what it gets, what its answers and its failures mean, and what the suite finds."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Type, get_args

import pytest
from everreach import DispatchOutcome, SafariDispatcher, SafariQueue
from everreach.errors import (
    CallTimeoutError, CircuitOpenError, ConfigError, EverReachError, InvalidInputError, InvalidParamsError, OfflineError,
    OutcomeUnknownError, RateLimitedError, StoppedError, UnauthorizedError, UnreachableError, of_kind,
)  # fmt: skip
from everreach.safari import (
    CommentWork, Dispatchable, DmWork, Limit, NavigationWork, Reason, ResearchWork, Service, ServiceHealth, Verb,
)  # fmt: skip
from everreach.testing import ScriptedDispatcher, check_safari_dispatcher

pytestmark = pytest.mark.prd040

#: Any hour will do, nothing is spaced out, and nothing rests.
AT_ONCE = {"SAFARI_ACTIVE_HOURS": "0-24", "SAFARI_MIN_DELAY_MS": 0, "SAFARI_REST_AFTER_UNKNOWN_SEC": 0}
POST = "https://x.com/bob/status/1"
CORE = Path(__file__).resolve().parents[2] / "everreach-core/src/safari"


class Healthy(SafariDispatcher):
    """All is well until a subclass says otherwise."""

    def health(self, service: Service) -> Any:
        return ServiceHealth.healthy()

    def dispatch(self, command: Dispatchable) -> Any:
        return DispatchOutcome.sent("seen")


Make = Callable[[SafariDispatcher], SafariQueue]


@pytest.fixture
def over() -> Iterator[Make]:
    """Queues over dispatchers, closed after the test."""
    made: List[SafariQueue] = []

    def make(dispatcher: SafariDispatcher) -> SafariQueue:
        made.append(SafariQueue("sqlite::memory:", dispatcher=dispatcher, config=AT_ONCE))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


def after_a_dm(queue: SafariQueue) -> Dict[str, Any]:
    """A direct message, as it stands after one run."""
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")
    queue.run_once_sync()
    return queue.get_sync(id)


def last_try(row: Dict[str, Any]) -> Dict[str, Any]:
    tries: List[Dict[str, Any]] = row["tries"]
    return tries[-1]


# What it gets


def test_a_dispatch_gets_the_whole_command_and_can_change_nothing(over: Make) -> None:
    dispatcher = ScriptedDispatcher()
    queue = over(dispatcher)
    id = queue.enqueue_dm_sync("instagram", "@Bob", "Great work!")
    queue.enqueue_comment_sync("twitter", POST, "Well said")
    queue.enqueue_research_sync("tiktok", "tea", 7)
    queue.enqueue_sync([{"action": "navigate", "platform": "linkedin", "params": {"url": "https://www.linkedin.com/in/bob/"}}])
    assert queue.run_once_sync()["completed"] == 4, queue.history_sync()
    seen = {command.verb: command for command in dispatcher.seen}
    dm, comment, search, page = seen["send_dm"], seen["comment"], seen["market_research"], seen["navigate"]
    assert (dm.command_id, dm.attempt, dm.platform, dm.service) == (id, 1, "instagram", "instagram-dm")
    assert (dm.action, dm.contact) == ("dm", "bob")
    assert dm.work == DmWork("instagram", "instagram-dm", "Bob", "bob", "Great work!", force=False)
    assert comment.work == CommentWork("twitter", "twitter-comments", POST, "bob", "Well said")
    assert (comment.action, comment.contact) == ("comment", "bob")
    assert search.work == ResearchWork("tiktok", "tea", 7) and (search.action, search.contact) == (None, None)
    assert isinstance(page.work, NavigationWork) and page.work.opener == "linkedin_profile"
    with pytest.raises(dataclasses.FrozenInstanceError):
        dm.work.text = "something else"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        dm.attempt = 2  # type: ignore[misc]


def test_a_second_try_says_that_it_is_the_second(over: Make) -> None:
    dispatcher = ScriptedDispatcher([DispatchOutcome.refused("safari_busy", "busy", repeat="free", retry_after=0)])
    queue = over(dispatcher)
    id = queue.enqueue_dm_sync("twitter", "bob", "hello")
    running = threading.Thread(target=queue.run_sync, args=[0.1])
    running.start()
    assert dispatcher.wait_begun(2)
    queue.close()
    running.join(30)
    assert [(command.command_id, command.attempt) for command in dispatcher.seen] == [(id, 1), (id, 2)]


# What its answers mean


@pytest.mark.parametrize(("outcome", "status", "verdict"), [
    (DispatchOutcome.sent("seen in the conversation", answer={"id": 1}), "completed", "sent"),
    (DispatchOutcome.done("nothing to see"), "completed", "sent"),
    (DispatchOutcome.sent_unverified("not seen"), "completed", "sent_unverified"),
    (DispatchOutcome.duplicate("messaged last week"), "completed", "duplicate"),
    (DispatchOutcome.refused("no_tab", "no tab", repeat="free"), "pending", "refused"),
    (DispatchOutcome.refused("page_failed", "it did not load", repeat="counted"), "pending", "refused"),
    (DispatchOutcome.refused("recipient_not_found", "nobody", repeat="never"), "failed", "refused"),
    (DispatchOutcome.unknown("connection_lost", "the line went dead"), "failed", "unknown"),
])  # fmt: skip
def test_an_outcome_stands_in_the_row_and_its_tries(outcome: DispatchOutcome, status: str, verdict: str, over: Make) -> None:
    row = after_a_dm(over(ScriptedDispatcher([outcome])))
    tried = last_try(row)
    assert (row["status"], tried["verdict"]) == (status, verdict), row
    assert (tried["reason"], tried["detail"]) == (outcome.reason, outcome.detail)
    assert row["retry_count"] == (1 if outcome.repeat == "counted" else 0)


def test_what_does_not_go_together_cannot_be_said() -> None:
    wrong: List[Callable[[], Any]] = [
        lambda: DispatchOutcome.sent(""),
        lambda: DispatchOutcome("sent", "no_tab", "seen"),
        lambda: DispatchOutcome("sent", "verified", "seen", "free"),
        lambda: DispatchOutcome("refused", "no_tab", "no tab"),
        lambda: DispatchOutcome("unknown", "timed_out", "late", retry_after=1),
        lambda: DispatchOutcome("maybe", "no_tab", "?"),  # type: ignore[arg-type]
        lambda: DispatchOutcome.refused("worker_lost", "gone", repeat="free"),  # type: ignore[arg-type]
        lambda: DispatchOutcome.refused("no_tab", "no tab", repeat="later"),  # type: ignore[arg-type]
        lambda: DispatchOutcome.refused("no_tab", "no tab", repeat="never", retry_after=5),
        lambda: DispatchOutcome.refused("no_tab", "no tab", repeat="free", retry_after=float("nan")),
        lambda: DispatchOutcome.unknown("verified", "seen"),  # type: ignore[arg-type]
        lambda: ServiceHealth.down(" "),
        lambda: ServiceHealth("fine", "up"),  # type: ignore[arg-type]
        lambda: Limit(per_day=-1),
        lambda: Limit(per_hour=1.5),  # type: ignore[arg-type]
    ]
    for made in wrong:
        with pytest.raises(InvalidInputError):
            made()


def test_the_words_are_those_of_the_core(over: Make) -> None:
    codes = set(re.findall(r'=> "(\w+)",', (CORE / "outcome/reason.rs").read_text(encoding="utf-8")))
    ours = {"verified", "done", "unverified", "already_messaged", "already_in_conversation", "worker_lost"}
    assert set(get_args(Reason)) == codes - ours
    assert {one["service"] for one in over(Healthy()).services_sync()} == set(get_args(Service))
    verbs = (CORE / "verb.rs").read_text(encoding="utf-8").split("pub const fn effect")[0]
    assert set(get_args(Verb)) == set(re.findall(r'=> "(\w+)",', verbs))


# What its failures mean


@pytest.mark.parametrize(("error", "status", "reason"), [
    (ValueError("the page closed"), "unknown", "service_failed"),
    (CallTimeoutError("no answer"), "unknown", "timed_out"),
    (OutcomeUnknownError("who knows"), "unknown", "service_failed"),
    (UnreachableError("reset by peer"), "unknown", "service_failed"),
    (EverReachError("a fault"), "unknown", "service_failed"),
    (of_kind("rate_limited", "says a call within the dispatch"), "unknown", "service_failed"),
    (SystemExit(1), "unknown", "service_failed"),
    (RateLimitedError("later", retry_after=90), "again", "rate_limited"),
    (CircuitOpenError("resting"), "again", "service_unavailable"),
    (StoppedError("stopped"), "again", "service_unavailable"),
    (UnauthorizedError("the token"), "again", "token_refused"),
    (OfflineError("away"), "again", "service_unreachable"),
    (InvalidParamsError("too long"), "failed", "invalid_request"),
], ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None)  # fmt: skip
def test_an_exception_is_unknown_unless_it_says_that_nothing_was_begun(
    error: BaseException, status: str, reason: str, over: Make
) -> None:
    row = after_a_dm(over(ScriptedDispatcher([error])))
    outcome = last_try(row)
    stands = {"again": ("pending", "refused"), "failed": ("failed", "refused"), "unknown": ("failed", "unknown")}[status]
    assert (row["status"], outcome["verdict"]) == stands, row
    assert outcome["reason"] == reason and (status != "unknown" or "may have been sent" in outcome["detail"])


def test_what_sends_nothing_is_tried_again_after_any_failure(over: Make) -> None:
    unknown = DispatchOutcome.unknown("timed_out", "no answer")
    queue = over(ScriptedDispatcher([ValueError("the page closed"), unknown]))
    for keyword in ("tea", "coffee"):
        queue.enqueue_research_sync("twitter", keyword)
    assert queue.run_once_sync() == {"executed": 2, "completed": 0, "failed": 0, "unknown": 0, "rescheduled": 2}


@pytest.mark.parametrize("answer", [None, True, "sent", {"verdict": "sent"}])
def test_what_is_no_outcome_leaves_it_unknown(answer: Any, over: Make) -> None:
    class Vague(Healthy):
        def dispatch(self, command: Dispatchable) -> Any:
            return answer

    outcome = last_try(after_a_dm(over(Vague())))
    assert (outcome["verdict"], outcome["reason"]) == ("unknown", "bad_answer")


def test_after_the_time_limit_it_is_unknown_and_what_it_says_later_is_logged(over: Make, caplog: pytest.LogCaptureFixture) -> None:
    class Late(ScriptedDispatcher):
        timeout = 0.2

    dispatcher = Late(held=True)
    queue = over(dispatcher)
    row = after_a_dm(queue)
    outcome = last_try(row)
    assert (row["status"], outcome["verdict"], outcome["reason"]) == ("failed", "unknown", "timed_out")
    dispatcher.release()
    wait_for(lambda: [r for r in caplog.records if row["id"] in r.getMessage() and "after its time" in r.getMessage()])
    assert queue.get_sync(row["id"])["status"] == "failed" and len(dispatcher.seen) == 1


def test_a_coroutine_past_its_limit_is_not_cut_off(over: Make, caplog: pytest.LogCaptureFixture) -> None:
    class Late(Healthy):
        timeout = 0.2
        ended: List[str] = []

        async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
            await asyncio.sleep(0.5)
            self.ended.append(command.command_id)
            return DispatchOutcome.sent("seen at last")

    row = after_a_dm(over(Late()))
    assert last_try(row)["reason"] == "timed_out"
    wait_for(lambda: Late.ended == [row["id"]])
    wait_for(lambda: [r for r in caplog.records if "seen at last" in r.getMessage()])


def test_a_cancelled_dispatch_is_unknown(over: Make) -> None:
    class Cancelled(Healthy):
        async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
            task = asyncio.current_task()
            assert task
            task.cancel()
            await asyncio.sleep(0)
            return DispatchOutcome.sent("never")

    outcome = last_try(after_a_dm(over(Cancelled())))
    assert outcome["verdict"] == "unknown" and "cancelled" in outcome["detail"]


# Health and limits


def raising(self: Any, service: Service) -> Any:
    raise ValueError("no such host")


async def raising_later(self: Any, service: Service) -> Any:
    raise ValueError("no such host")


def plainly(self: Any, service: Service) -> Any:
    return True


async def hanging(self: Any, service: Service) -> Any:
    await asyncio.sleep(60)


@pytest.mark.parametrize(("health", "status", "says"), [
    (raising, "down", "no such host"),
    (raising_later, "down", "no such host"),
    (plainly, "down", "ServiceHealth"),
    (hanging, "timeout", "did not end"),
    (lambda self, service: ServiceHealth.down("asleep"), "down", "asleep"),
    (lambda self, service: ServiceHealth.timeout("slow"), "timeout", "slow"),
])  # fmt: skip
def test_a_service_that_is_not_healthy_holds_its_commands(health: Any, status: str, says: str, over: Make) -> None:
    dispatcher = type("Own", (Healthy,), {"health": health})()
    queue = over(dispatcher)
    row = after_a_dm(queue)
    assert (row["status"], row["tries"]) == ("pending", []) and "twitter" in row["why"].lower()
    service = next(one for one in queue.services_sync() if one["service"] == "twitter-dm")
    assert service["status"] == status and says in service["detail"]


def test_plain_looks_that_hang_do_not_pile_up(over: Make) -> None:
    never = threading.Event()
    begun: List[str] = []

    class Hanging(Healthy):
        def health(self, service: Service) -> Any:
            begun.append(service)
            never.wait(60)
            return ServiceHealth.healthy()

    queue = over(Hanging())
    try:
        assert {one["status"] for one in queue.services_sync()} == {"timeout"}
        # Another way to ask, which looks again by itself.
        assert after_a_dm(queue)["status"] == "pending"
        assert sorted(begun) == sorted(get_args(Service))
    finally:
        never.set()


def test_the_limits_of_a_service_count_where_they_are_stricter(over: Make) -> None:
    class Closed(ScriptedDispatcher):
        def limits(self, service: Service) -> Optional[Limit]:
            return Limit(per_day=0) if service == "twitter-dm" else None

    queue = over(Closed())
    closed, free = (queue.enqueue_dm_sync(platform, "bob", "hello") for platform in ("twitter", "tiktok"))
    assert "limit" in queue.get_sync(closed)["why"] and "limit" not in queue.get_sync(free)["why"]


# What it is made of


def test_no_constructor_of_ours_need_be_called(over: Make) -> None:
    class Own(Healthy):
        def __init__(self, account: str) -> None:
            self.account = account

    assert after_a_dm(over(Own("main")))["status"] == "completed"


def test_what_is_no_dispatcher_is_refused_when_the_queue_is_made() -> None:
    class Half(SafariDispatcher):
        def health(self, service: Service) -> ServiceHealth:
            return ServiceHealth.healthy()

    with pytest.raises(TypeError, match="dispatch"):
        Half()  # type: ignore[abstract]
    with pytest.raises(ConfigError) as refused:
        SafariQueue("sqlite::memory:", dispatcher=object())  # type: ignore[arg-type]
    assert refused.value.context["missing"] == "dispatch"
    for timeout in (0, -1, "soon", float("inf")):
        dispatcher = type("Own", (Healthy,), {"timeout": timeout})()
        with pytest.raises(ConfigError) as wrong:
            SafariQueue("sqlite::memory:", dispatcher=dispatcher)
        assert wrong.value.context["field"] == "dispatcher.timeout"


# The suite


def command(name: str) -> Dict[str, Any]:
    return {"action": "send_dm", "platform": "twitter", "params": {"username": name, "text": "hello"}}


SUITE: Dict[str, Any] = {"refused": command("nobody"), "doubtful": command("doubtful"), "hanging": command("hanging")}


class Honest(Healthy):
    """Does as the recipient's name says."""

    def __init__(self) -> None:
        self.pressed = 0

    def press(self) -> None:
        self.pressed += 1

    def outcome(self, name: str) -> DispatchOutcome:
        if name == "nobody":
            return DispatchOutcome.refused("recipient_not_found", "there is no such person", repeat="never")
        self.press()
        if name == "doubtful":
            raise ConnectionError("reset by peer")
        return DispatchOutcome.sent("seen")

    async def dispatch(self, command: Dispatchable) -> Any:
        assert isinstance(command.work, DmWork)
        if command.work.recipient == "hanging":
            self.press()
            await asyncio.sleep(60)
        return self.outcome(command.work.recipient)


class Plain(Honest):
    def dispatch(self, command: Dispatchable) -> Any:
        assert isinstance(command.work, DmWork)
        return self.outcome(command.work.recipient)


def test_an_honest_dispatcher_passes_the_suite() -> None:
    honest, plain = Honest(), Plain()
    check_safari_dispatcher(honest, command("bob"), submissions=lambda: honest.pressed, **SUITE)
    without = {name: one for name, one in SUITE.items() if name != "hanging"}
    check_safari_dispatcher(plain, command("bob"), submissions=lambda: plain.pressed, **without)
    check_safari_dispatcher(ScriptedDispatcher(), command("bob"))
    assert honest.pressed == 6 and plain.pressed == 5


class Repeats(Plain):
    def press(self) -> None:
        self.pressed += 2


class Claims(Plain):
    def outcome(self, name: str) -> DispatchOutcome:
        return DispatchOutcome.sent("surely")


class Submits(Plain):
    def outcome(self, name: str) -> DispatchOutcome:
        self.press()
        return super().outcome(name) if name == "nobody" else DispatchOutcome.sent("seen")


class Denies(Plain):
    def outcome(self, name: str) -> DispatchOutcome:
        try:
            return super().outcome(name)
        except ConnectionError:
            return DispatchOutcome.refused("connection_lost", "it broke", repeat="counted")


class Looks(Plain):
    def health(self, service: Service) -> Any:
        self.press()
        return ServiceHealth.healthy()


class GivesUp(Honest):
    async def dispatch(self, command: Dispatchable) -> Any:
        assert isinstance(command.work, DmWork)
        return DispatchOutcome.unknown("timed_out", "soon") if command.work.recipient == "hanging" else self.outcome(command.work.recipient)


@pytest.mark.parametrize(("liar", "law"), [
    (Repeats, "submitted once"), (Claims, "submitted once"), (Submits, "not submitted"), (Denies, "answer got lost is unknown"),
    (Looks, "submit nothing"), (GivesUp, "waited for at least as long"),
])  # fmt: skip
def test_the_suite_finds_whoever_breaks_the_law(liar: Type[Honest], law: str) -> None:
    dispatcher = liar()
    with pytest.raises(AssertionError, match=law):
        check_safari_dispatcher(dispatcher, command("bob"), submissions=lambda: dispatcher.pressed, **SUITE)


def test_the_suite_wants_commands_that_may_be_sent() -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_safari_dispatcher(Honest(), command("bob'; open /"))
    assert refused.value.context["field"] == "working"
    with pytest.raises(TypeError, match="submissions"):
        check_safari_dispatcher(Honest(), command("bob"), hanging=command("hanging"))


def wait_for(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Waits until the condition holds."""
    held = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        held.wait(0.02)
    raise AssertionError("it never came to be")
