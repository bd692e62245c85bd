"""The peer's way to the cloud: one try with httpx, and what its answer says."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import httpx

from python_rules import Flight, Route, Tried, in_doubt, refused, unwrap


class Cloud:
    """Calls ``POST /api/services/{service}/{topic}`` with connections that are kept."""

    def __init__(self, endpoint: str, key: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.endpoint, self._transport = endpoint.rstrip("/"), transport
        self._headers = {"Authorization": f"Bearer {key}"}
        # An httpx client belongs to the loop that it was first used on.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()

    async def call(self, flight: Flight) -> Tried:
        route = flight.route
        path = f"/api/services/{route.action.replace('.', '/')}"
        headers = {"X-Request-Id": flight.envelope["request_id"]}
        if flight.key is not None:
            headers["Idempotency-Key"] = flight.key
        limit = min(route.timeout_s, flight.remaining())
        try:
            async with asyncio.timeout(limit):
                return by_status(route, await self._client().post(path, json=flight.params, headers=headers, timeout=limit))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return refused("unreachable", f"the cloud cannot be reached: {error}")
        except (TimeoutError, httpx.TimeoutException):
            return in_doubt(route, "timeout", "the cloud did not answer in time")
        except httpx.HTTPError as error:
            return in_doubt(route, "unreachable", f"the connection broke; it may have run: {error}")

    async def close(self) -> None:
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = httpx.AsyncClient(base_url=self.endpoint, headers=self._headers, transport=self._transport)
            self._clients[loop] = client
        return client


def by_status(route: Route, answer: httpx.Response) -> Tried:
    code = answer.status_code
    if answer.is_success:
        try:
            return unwrap(route, answer.json())
        except ValueError:
            return in_doubt(route, "unreachable", f"the other side answered {code} without JSON; it may have run")
    if code in (400, 411, 413, 414, 415, 422, 431):
        return refused("invalid_params", answer.text[:500])
    if code in (401, 403):
        return refused("unauthorized", "the other side refused the key")
    if code == 404:
        return refused("unknown_action", "the other side does not know the action")
    if code == 409:
        return Tried("unknown", error="idempotency_conflict", detail="the other side is working on this key")
    if code == 429:
        after = answer.headers.get("retry-after", "")
        asked_s = float(after) if after.isdigit() else None
        return refused("rate_limited", "the other side asks for fewer calls")._replace(retry_after_s=asked_s)
    if code in (301, 307, 308, 405, 410, 421):
        return refused("unreachable", f"the endpoint takes no actions at this address (HTTP {code})")
    return in_doubt(route, "unreachable", f"the other side failed; it may have run (HTTP {code})")
