"""A dispatcher of your own for Safari's queue: it carries direct messages out by itself, is checked against the law that EverReach's
own one keeps, and meets a slow page, a busy one and one that breaks. Run it with ``python examples/python/own_dispatcher.py``."""

from __future__ import annotations

import asyncio
from typing import Dict, List

from everreach import DispatchOutcome, SafariDispatcher, SafariQueue
from everreach.errors import RateLimitedError
from everreach.safari import Dispatchable, DmWork, Limit, Service, ServiceHealth
from everreach.testing import check_safari_dispatcher

OURS: Service = "twitter-dm"


class Page:
    """Stands in for the browser. It counts each press of Send."""

    def __init__(self) -> None:
        self.pressed: List[str] = []

    async def open_conversation(self, name: str) -> bool:
        if name == "busy":
            raise RateLimitedError("the page asks for a pause", retry_after=60)
        return name != "nobody"

    async def send(self, name: str, text: str) -> bool:
        self.pressed.append(f"{name}: {text}")
        if name == "hangs":
            await asyncio.sleep(60)
        if name == "breaks":
            raise ConnectionError("the page closed while it was sending")
        return name != "shy"


class Messages(SafariDispatcher):
    """One service, one page."""

    timeout = 20.0

    def __init__(self, page: Page) -> None:
        self.page = page

    def health(self, service: Service) -> ServiceHealth:
        return ServiceHealth.healthy("the page is open") if service == OURS else ServiceHealth.down("not carried out here")

    def limits(self, service: Service) -> Limit:
        return Limit(per_hour=20, per_day=60)

    async def dispatch(self, command: Dispatchable) -> DispatchOutcome:
        if not isinstance(command.work, DmWork):
            return DispatchOutcome.refused("invalid_request", "only messages are carried out here", repeat="never")
        name, text = command.work.recipient, command.work.text
        # Until Send is pressed, whatever goes wrong is a refusal: RateLimitedError says so by itself.
        if not await self.page.open_conversation(name):
            return DispatchOutcome.refused("recipient_not_found", f"there is no {name}", repeat="never")
        # From here on an exception means that nobody knows, and the queue holds the command for a person.
        if await self.page.send(name, text):
            return DispatchOutcome.sent("seen in the conversation", answer={"key": command.command_id})
        return DispatchOutcome.sent_unverified("the conversation does not show it")


def message(name: str) -> Dict[str, object]:
    return {"action": "send_dm", "platform": "twitter", "params": {"username": name, "text": f"Hello {name}"}}


def check() -> None:
    page = Page()
    check_safari_dispatcher(
        Messages(page), message("ada"), refused=message("nobody"), doubtful=message("breaks"), hanging=message("hangs"),
        submissions=lambda: len(page.pressed),
    )  # fmt: skip
    print("the dispatcher keeps its law")


async def work() -> None:
    page = Page()
    settings = {"SAFARI_ACTIVE_HOURS": "0-24", "SAFARI_MIN_DELAY_MS": 0, "SAFARI_REST_AFTER_UNKNOWN_SEC": 0}
    async with SafariQueue("sqlite::memory:", dispatcher=Messages(page), config=settings) as queue:
        names = ("ada", "shy", "nobody", "busy", "breaks")
        ids = {name: await queue.enqueue_dm("twitter", name, f"Hello {name}", idempotency_key=name) for name in names}
        print(await queue.run_once())
        for name, id in ids.items():
            row = await queue.get(id)
            print(f"{name:<7}{row['status']:<10}{row['outcome'] or 'waits':<16}{row['why']}")
        # Somebody looked: the message to "breaks" never arrived.
        await queue.resolve(ids["breaks"], "drop")
    assert sorted(page.pressed) == ["ada: Hello ada", "breaks: Hello breaks", "shy: Hello shy"]


if __name__ == "__main__":
    check()
    asyncio.run(work())
