"""A FastAPI app whose lifespan opens and closes the orchestrator; its endpoints answer the envelope, and the explanation.
Run it with ``python examples/python/fastapi_app.py``; with ``--once`` it calls itself once over HTTP and ends."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import tempfile
from typing import Any, AsyncIterator, Dict, Optional

import httpx
import uvicorn
from fastapi import Body, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse

from everreach import HybridOrchestrator
from everreach.errors import InvalidInputError

#: The HTTP status of a failure; what is not here is 502.
STATUS = {"invalid_params": 422, "unknown_action": 404, "rate_limited": 429, "cost_cap_exceeded": 402, "stopped": 503}


async def dispatch(topic: str, params: Dict[str, Any]) -> Dict[str, Any]:
    if topic != "content.generate":
        return {"ok": False, "topic": topic, "error": f"unknown topic: {topic}"}
    return {"ok": True, "topic": topic, "result": {"text": f"Three things about {params['topic']} that nobody tells you."}}


def make_app(data_dir: str) -> FastAPI:
    """The app. The orchestrator is made here, so that wrong settings are heard of at once, and opened by each worker process."""
    orchestrator = HybridOrchestrator(local=dispatch, config={"EVERREACH_DATA_DIR": data_dir})

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with orchestrator:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(InvalidInputError)
    async def refuse(_: Request, error: Exception) -> Response:
        return JSONResponse({"ok": False, "error": "invalid_input", "detail": str(error)}, status_code=422)

    @app.post("/actions/{action}")
    async def act(
        action: str,
        response: Response,
        params: Dict[str, Any] = Body(default_factory=dict),
        idempotency_key: Optional[str] = Header(default=None),
    ) -> Dict[str, Any]:
        envelope = await orchestrator.route(action, params, idempotency_key=idempotency_key)
        response.status_code = 200 if envelope.ok else STATUS.get(envelope.error, 502)
        return envelope

    @app.get("/actions/{action}/explain")
    def explain(action: str) -> Dict[str, Any]:
        return orchestrator.explain(action)

    return app


async def call_once(url: str) -> None:
    """What a client sees."""
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        first = await client.post("/actions/content.generate", json={"topic": "tea"}, headers={"Idempotency-Key": "tea-1"})
        print(first.status_code, first.json()["result"])
        assert first.status_code == 200 and first.json()["result"]["text"].startswith("Three things about tea")
        again = await client.post("/actions/content.generate", json={"topic": "tea"}, headers={"Idempotency-Key": "tea-1"})
        assert again.json()["replayed"] is True
        unknown = await client.post("/actions/content.genrate", json={})
        assert unknown.status_code == 404 and "content.generate" in unknown.json()["suggestions"]
        wrong = await client.post("/actions/nonsense", json={})
        assert (wrong.status_code, wrong.json()["error"]) == (422, "invalid_input")
        explained = (await client.get("/actions/content.generate/explain")).json()
        print(explained["would"])
        assert explained["decision"]["env"] == "local"


async def serve(once: bool) -> None:
    with tempfile.TemporaryDirectory() as data_dir, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        print(f"listening on {url}", flush=True)
        server = uvicorn.Server(uvicorn.Config(make_app(data_dir), log_level="warning"))
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        if once:
            # Connections wait in the socket's queue until the server takes them.
            try:
                await call_once(url)
            finally:
                server.should_exit = True
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--once", action="store_true", help="call it once and end")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().once))
