"""The same dispatch in FastAPI: what users would write without EverReach.

One process, uvloop, a pydantic request, a dictionary of handlers, a preference table, an envelope as the answer. The cloud
hop uses httpx or aiohttp with one shared client. It keeps no journal, no budget and no event log, which flatters it.
"""

import os
import time
import uuid
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

CLOUD = os.environ.get("PEER_CLOUD", "")
CLIENT = os.environ.get("PEER_CLIENT", "httpx")

app = FastAPI()
state: dict[str, Any] = {}

PREFERRED = {"demo.word_count": "local", "research.list_results": "cloud"}


class Dispatch(BaseModel):
    action: str
    params: dict[str, Any] = {}
    force_env: str | None = None
    idempotency_key: str | None = None
    timeout_ms: int | None = None


async def word_count(params: dict[str, Any]) -> dict[str, Any]:
    words = str(params.get("text", "")).split()
    return {"words": len(words), "characters": len(str(params.get("text", "")))}


HANDLERS = {"demo.word_count": word_count}


async def call_cloud(action: str, params: dict[str, Any]) -> Any:
    service, topic = action.split(".", 1)
    url = f"{CLOUD}/api/services/{service}/{topic}"
    if CLIENT == "aiohttp":
        import aiohttp

        if "session" not in state:
            state["session"] = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        async with state["session"].post(url, json=params, headers={"Authorization": "Bearer peer"}) as answer:
            return (await answer.json())["result"]
    import httpx

    if "client" not in state:
        state["client"] = httpx.AsyncClient(timeout=30)
    answer = await state["client"].post(url, json=params, headers={"Authorization": "Bearer peer"})
    return answer.json()["result"]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/dispatch")
async def dispatch(body: Dispatch) -> dict[str, Any]:
    start = time.perf_counter()
    side = body.force_env or PREFERRED.get(body.action, "local")
    if side == "cloud":
        result = await call_cloud(body.action, body.params)
    else:
        result = await HANDLERS[body.action](body.params)
    return {
        "ok": True,
        "action": body.action,
        "result": result,
        "error": None,
        "detail": None,
        "source": side,
        "outcome": "executed",
        "replayed": False,
        "attempts": 1,
        "duration_ms": (time.perf_counter() - start) * 1000,
        "cost_usd": 0.0,
        "cost_guard_triggered": False,
        "cached": None,
        "idempotency_key": None,
        "request_id": str(uuid.uuid4()),
        "suggestions": [],
    }
