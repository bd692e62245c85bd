"""What a notebook does: cells that share one running event loop, with `await` and with blocking calls side by side.
Run it with ``python examples/python/notebook_style.py``; in a notebook each cell is the body of one function here."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from typing import Any, Dict, Optional

from everreach import HybridOrchestrator

#: The notebook's global names.
orchestrator: Optional[HybridOrchestrator] = None


async def dispatch(topic: str, params: Dict[str, Any]) -> Dict[str, Any]:
    await asyncio.sleep(0)
    return {"ok": True, "topic": topic, "result": {"asked": topic, "thread": threading.current_thread().name}}


async def cell_1_open(folder: str) -> None:
    global orchestrator
    orchestrator = HybridOrchestrator(local=dispatch, config={"EVERREACH_DATA_DIR": folder})


async def cell_2_await() -> None:
    assert orchestrator is not None
    envelope = await orchestrator.route("twitter.metrics", {"impressions": 2000})
    print(envelope)
    # A coroutine runs on the loop of whoever awaits.
    assert envelope.result["thread"] == threading.current_thread().name


async def cell_3_blocking_in_the_running_loop() -> None:
    assert orchestrator is not None
    envelope = orchestrator.route_sync("twitter.metrics", {"impressions": 2000})
    # This loop stands still meanwhile, so the coroutine ran on another one.
    assert envelope.result["thread"] == "everreach-asyncio"


async def cell_4_batch() -> None:
    assert orchestrator is not None
    actions = [{"action": "content.generate", "params": {"topic": topic}} for topic in ("tea", "bikes", "chess")]
    envelopes = await orchestrator.batch_execute([*actions, {"action": "dm.stats"}], max_concurrent=2)
    assert [envelope.action for envelope in envelopes] == ["content.generate"] * 3 + ["dm.stats"]
    assert all(envelope.ok for envelope in envelopes)


async def cell_5_explain() -> None:
    assert orchestrator is not None
    explained = orchestrator.explain("dm.send", {"handle": "ada"})
    for rule in explained["decision"]["rules"]:
        print(f"{rule['rule']:<12} {rule['verdict']:<7} {rule['detail']}")
    assert explained["would"] == "run dm.send on the local side"


async def cell_6_close() -> None:
    assert orchestrator is not None
    orchestrator.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await cell_1_open(folder)
        await cell_2_await()
        await cell_3_blocking_in_the_running_loop()
        await cell_4_batch()
        await cell_5_explain()
        await cell_6_close()


if __name__ == "__main__":
    asyncio.run(main())
