"""The orchestrator that users would write without EverReach: asyncio, httpx and sqlite3, of the same behaviour.

The same route table, the same rules in the same order, one envelope, an event for every call, a journal for outward calls, money
reserved before it is spent, retries after 1, 3 and 9 s and a fallback where repeating is safe. What it leaves out flatters it:
circuits, the offline cache, waiting for a person, connectivity probes, metrics, a line in the journal for each try.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import random
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial
from typing import Any, Awaitable, Callable, Literal, Sequence

import httpx

import python_store as store
from python_cloud import Cloud
from python_rules import (
    ActionClassifier,
    Decision,
    Envelope,
    Flight,
    Params,
    Route,
    Tried,
    decide,
    fingerprint,
    in_doubt,
    refused,
    unwrap,
)
from python_store import Store

__all__ = ["ActionClassifier", "HybridOrchestrator"]

Local = Callable[[str, Params], Any]
DEADLINE_S, LEASE_MARGIN_S = 120.0, 60.0
log = logging.getLogger(__name__)


class HybridOrchestrator:
    """Routes actions between a registry in this process and the cloud.

    ``local`` is the registry's ``dispatch``. An awaited call runs a plain function in a worker thread, as it may block the loop for
    long otherwise; ``plain_local="inline"`` runs it on the loop, for functions that are known to be
    quick. ``route_sync`` always runs it in the caller's own thread.
    """

    def __init__(
        self,
        env: str | None = None,
        *,
        local: Local | None = None,
        database_url: str = "sqlite://data/peer.db",
        cloud_endpoint: str | None = None,
        cloud_key: str | None = None,
        cap_usd: float = 400,
        soft_cap_usd: float = 380,
        stop_file: str | None = None,
        plain_local: Literal["thread", "inline"] = "thread",
        transport: httpx.AsyncBaseTransport | None = None,
        retry_waits_s: Sequence[float] = (1, 3, 9),
    ) -> None:
        self.env: str = env or os.environ.get("EVERREACH_ENV", "local")
        if self.env not in ("local", "cloud", "hybrid"):
            raise ValueError(f"EVERREACH_ENV is cloud, local or hybrid, not {self.env!r}")
        path = database_url.removeprefix("sqlite://")
        self.offline = os.environ.get("OFFLINE_MODE") == "1"
        self.classifier = ActionClassifier()
        self.store = Store(path)
        self._local, self._is_async = local, inspect.iscoroutinefunction(local)
        self._is_inline = plain_local == "inline"
        self._stop_file = stop_file or os.path.join(os.path.dirname(path), "STOP")
        endpoint = cloud_endpoint or os.environ.get("CLOUD_ENDPOINT", "")
        self._cloud = Cloud(endpoint, cloud_key or os.environ.get("EVERREACH_CLOUD_KEY", ""), transport)
        self._cap, self._soft_cap, self._waits = round(cap_usd * 1_000_000), round(soft_cap_usd * 1_000_000), retry_waits_s
        self._tasks: set[asyncio.Task[Envelope]] = set()
        self._own, self._own_loops = threading.local(), list[asyncio.AbstractEventLoop]()
        self._helpers = ThreadPoolExecutor(thread_name_prefix="peer-sync")

    async def route(
        self,
        action: str,
        params: Params | None = None,
        force_env: str | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: float = DEADLINE_S,
    ) -> Envelope:
        """Runs one call; every failure is an envelope."""
        return await self._route(action, params, force_env, idempotency_key, timeout, False)

    def route_sync(
        self,
        action: str,
        params: Params | None = None,
        force_env: str | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: float = DEADLINE_S,
    ) -> Envelope:
        """The same for callers without a loop.

        On a loop of the calling thread's own, which stays: several times quicker than a trip to a loop in another thread. Where a
        loop is running already (a notebook), a helper thread does it.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._own_loop().run_until_complete(self._route(action, params, force_env, idempotency_key, timeout, True))
        call = self._helpers.submit(self.route_sync, action, params, force_env, idempotency_key=idempotency_key, timeout=timeout)
        return call.result()

    async def close(self) -> None:
        for task in list(self._tasks):
            await task
        await self._cloud.close()
        self._helpers.shutdown()
        for loop in self._own_loops:
            if not loop.is_running():
                loop.close()
        self.store.close()

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        try:
            loop: asyncio.AbstractEventLoop = self._own.loop
        except AttributeError:
            # Not the policy's: uvloop starts and stops more slowly than it runs.
            loop = self._own.loop = asyncio.SelectorEventLoop()
            self._own_loops.append(loop)
        return loop

    async def _route(
        self, action: str, params: Params | None, force_env: str | None, key: str | None, timeout: float, is_sync: bool
    ) -> Envelope:
        try:
            route = self.classifier.resolve(action)
        except ValueError as error:
            flight = Flight(Route(action), {}, None, timeout, is_sync)
            flight.answer(refused("invalid_params", str(error)), None)
            self.store.record(flight.close())
            return flight.envelope
        flight = Flight(route, {} if params is None else params, force_env, timeout, is_sync)
        if route.effect == "outward" or key is not None or route.dedupe == "content_day":
            # In a task of its own, so that a caller who goes away does not cut it off.
            task = asyncio.ensure_future(self._route_journaled(flight, key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return await asyncio.shield(task)
        try:
            await self._run(flight)
        except sqlite3.Error as error:
            flight.answer(refused("internal", f"the database: {error}"), None)
        self.store.record(flight.close())
        return flight.envelope

    async def _route_journaled(self, flight: Flight, key: str | None) -> Envelope:
        route, envelope = flight.route, flight.envelope
        print_ = fingerprint(route.action, flight.params)
        if key is None:
            is_derived = route.dedupe == "content_day"
            key = f"content_day:{datetime.now(timezone.utc):%Y-%m-%d}:{print_}" if is_derived else str(uuid.uuid4())
        flight.key = envelope["idempotency_key"] = key
        lease_s = flight.remaining() + LEASE_MARGIN_S
        try:
            begun = await self.store.run(lambda db: store.begin(db, key, print_, time.time(), lease_s))
            if begun.state == "replay" and begun.envelope is not None:
                return {**begun.envelope, "replayed": True}
            if begun.state == "started":
                await self._run(flight)
                await self._finish(flight, key)
                return envelope
            if begun.state == "replay":
                flight.answer(in_doubt(route, "outcome_unknown", "whoever ran it is gone; it may have run"), None)
            else:
                flight.answer(refused(f"idempotency_{begun.state}"), None)
        except sqlite3.Error as error:
            flight.answer(refused("internal", f"the database: {error}"), None)
        self.store.record(flight.close())
        return envelope

    async def _finish(self, flight: Flight, key: str) -> None:
        """Writes the answer down. Where that fails the call is called unknown once its lease is over, which is safe."""
        event = flight.close()
        try:
            await self.store.run(lambda db: store.finish(db, key, flight.envelope, event))
        except sqlite3.Error:
            log.exception("the answer of %s is not in the journal", key)

    async def _run(self, flight: Flight) -> None:
        decision = await self._decide(flight)
        flight.rule = decision.rule
        flight.envelope["cost_guard_triggered"] = decision.is_capped
        if decision.side is None:
            return flight.answer(refused(decision.error or "internal"), None)
        tried = await self._run_on(flight, decision.side)
        source = "local_fallback" if decision.is_fallback else decision.side
        if tried.error is not None and tried.may_move(flight.route):
            other = decision.fallback
            if tried.error == "cost_cap_exceeded" and self.env == "hybrid":
                flight.envelope["cost_guard_triggered"], other = True, "local"
            if other is not None:
                second = await self._run_on(flight, other)
                if second.outcome != "not_executed":
                    tried, source = second, "cloud" if other == "cloud" else "local_fallback"
        flight.answer(tried, source)

    async def _decide(self, flight: Flight) -> Decision:
        route = flight.route
        # Reads go on when the switch is set, so that they need not look.
        is_stopped = route.effect != "read" and os.path.exists(self._stop_file)
        decision = decide(route, self.env, flight.force_env, is_stopped, self.offline, "open")
        if decision.side == "cloud" or decision.fallback == "cloud":
            budget = await self._budget()
            if budget != "open":
                decision = decide(route, self.env, flight.force_env, is_stopped, self.offline, budget)
        return decision

    async def _budget(self) -> str:
        spent = await self.store.run(lambda db: store.spent(db, month()))
        return "exceeded" if spent >= self._cap else "soft" if spent >= self._soft_cap else "open"

    async def _run_on(self, flight: Flight, side: str) -> Tried:
        if side == "local":
            flight.envelope["attempts"] += 1
            return await self._call_local(flight)
        is_in_doubt = False
        for wait in [*self._waits, None]:
            tried = await self._try_cloud(flight)
            is_in_doubt |= tried.outcome == "unknown"
            if wait is None or tried.error is None or not tried.may_repeat(flight.route):
                break
            wait = tried.retry_after_s or wait * random.uniform(0.8, 1.2)
            if wait >= flight.remaining():
                break
            await asyncio.sleep(wait)
        # The last try did not run, but one before it may have.
        return tried._replace(outcome="unknown") if is_in_doubt and tried.outcome == "not_executed" else tried

    async def _try_cloud(self, flight: Flight) -> Tried:
        route = flight.route
        if not self._cloud.endpoint:
            return refused("unreachable", "no cloud is configured: set CLOUD_ENDPOINT")
        if route.cost_micro is None:
            return refused("unpriced", "its route states no cost_usd")
        cost, reservation = route.cost_micro, None
        if cost:
            hold = partial(store.reserve, month=month(), action=route.action, micro=cost, essential=route.essential, cap=self._cap)
            reservation = await self.store.run(hold)
            if reservation is None:
                return refused("cost_cap_exceeded")
        flight.envelope["attempts"] += 1
        tried = await self._cloud.call(flight)
        # What may have run keeps its money held.
        if reservation is not None and tried.outcome != "unknown":
            is_spent = tried.outcome == "executed"
            flight.envelope["cost_usd"] += cost / 1_000_000 if is_spent else 0.0
            try:
                await self.store.run(partial(store.settle, reservation=reservation, is_spent=is_spent))
            except sqlite3.Error:
                log.exception("the money for %s stays held", route.action)
        return tried

    async def _call_local(self, flight: Flight) -> Tried:
        route, local = flight.route, self._local
        if local is None:
            return refused("unknown_action", "no local registry is configured")
        try:
            if not self._is_async and (self._is_inline or flight.is_sync):
                return unwrap(route, local(route.action, flight.params))
            work = local(route.action, flight.params) if self._is_async else asyncio.to_thread(local, route.action, flight.params)
            return await self._in_time(flight, work)
        except Exception as error:  # a handler's failure is an answer, whatever it is
            log.exception("%s failed", route.action)
            return Tried("executed", error="handler_error", detail=f"{type(error).__name__}: {error}")

    async def _in_time(self, flight: Flight, work: Awaitable[Any]) -> Tried:
        route = flight.route
        limit = asyncio.timeout(min(route.timeout_s, flight.remaining()))
        try:
            async with limit:
                return unwrap(route, await work)
        except TimeoutError:
            if not limit.expired():
                raise
            return in_doubt(route, "timeout", "the action did not end in time and was given up; it may have taken effect")


def month() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m}"
