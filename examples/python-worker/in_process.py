"""The registry in this process: the twin of worker.py without a server, a port and a second process.
Run it with ``python examples/python-worker/in_process.py``; the wheel `everreach` has to be installed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Union

from everreach import HybridOrchestrator
from topics import registry

TRANSCRIPT = "Why do most cold messages fail? They talk about the sender. Ask one honest question instead. Follow for more."


def make_orchestrator(data_dir: Union[str, Path]) -> HybridOrchestrator:
    """Everything runs on this machine, by the registry, with the books in this folder.

    The registry goes in whole: `dispatch` runs the calls, `init_all_services` is called once before the first, and `list_topics`
    gives the names that are offered for a slip of the pen.
    """
    return HybridOrchestrator("local", local=registry, config={"EVERREACH_DATA_DIR": str(data_dir)})


def show(data_dir: str) -> None:
    with make_orchestrator(data_dir) as orchestrator:
        video = orchestrator.route_sync("content.analyze_video", {"duration_s": 9, "transcript": TRANSCRIPT})
        print(video)
        print(video.result["score"], video.result["advice"])
        assert video.raise_for_error().result["call_to_action"]["found"] == ["follow"]

        pieces = [{"action": "content.generate", "params": {"topic": "tea", "audience": who}} for who in ("bakeries", "tutors")]
        for piece in orchestrator.batch_execute_sync(pieces, max_concurrent=2):
            print(piece.raise_for_error().result["variants"][0]["text"])

        wrong = orchestrator.route_sync("content.generate", {"count": 3})
        print(wrong)
        assert (wrong.error, wrong.detail) == ("handler_error", "invalid params: topic must be a text that is not empty")

        slip = orchestrator.route_sync("twiter.metrics", {"impressions": 10})
        print(slip, slip.suggestions)
        assert slip.error == "unknown_action" and "twitter.metrics" in slip.suggestions

        once = orchestrator.route_sync("content.generate", {"topic": "tea"}, idempotency_key="tea-1")
    # The answer under a key outlives the process: another orchestrator over the same folder has it.
    with make_orchestrator(data_dir) as orchestrator:
        again = orchestrator.route_sync("content.generate", {"topic": "tea"}, idempotency_key="tea-1")
        assert again.replayed and again.result == once.result


def main() -> None:
    with tempfile.TemporaryDirectory() as data_dir:
        show(data_dir)


if __name__ == "__main__":
    main()
