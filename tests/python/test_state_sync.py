"""State that both sides share, from Python, against a real cloud terminal."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from child import run
from everreach import HybridOrchestrator, StateSync
from everreach.errors import ClosedError, ConfigError, EverReachError, InvalidInputError, OfflineError
from test_sync_bus import until

pytestmark = pytest.mark.prd200

CLOUD_KEY = "er_live_test"
SEALING_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


class Cloud:
    """A cloud terminal in a process of its own, and its database."""

    def __init__(self, folder: Path) -> None:
        self.database_url = f"sqlite://{folder}/cloud.db"
        command = [sys.executable, "-m", "everreach", "--json", "serve", "--env", "cloud", "--listen", "127.0.0.1:0"]
        environment = {
            "EVERREACH_CLOUD_KEY": CLOUD_KEY,
            "SYNC_ENCRYPTION_KEY": SEALING_KEY,
            "DATABASE_URL": self.database_url,
            "EVERREACH_DATA_DIR": str(folder),
            "EVERREACH_SCHEDULE": "off",
        }
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
        assert self.process.stdout
        self.url = str(json.loads(self.process.stdout.readline())["url"])

    def state(self) -> StateSync:
        """The cloud's own side, as a program there sees it."""
        return StateSync(self.database_url, config={"EVERREACH_ENV": "cloud", "SYNC_ENCRYPTION_KEY": SEALING_KEY})

    def settings(self, **more: Any) -> Dict[str, Any]:
        """What the local side is told."""
        return {"CLOUD_ENDPOINT": self.url, "EVERREACH_CLOUD_KEY": CLOUD_KEY, "SYNC_ENCRYPTION_KEY": SEALING_KEY, **more}

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout:
            self.process.stdout.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Cloud]:
    folder = tmp_path / "cloud"
    folder.mkdir()
    cloud = Cloud(folder)
    yield cloud
    cloud.stop()


def test_changes_are_pushed_and_pulled_and_a_conflict_keeps_both_versions(terminal: Cloud, tmp_path: Path) -> None:
    with StateSync(f"sqlite://{tmp_path}/mac.db", config=terminal.settings()) as mac, terminal.state() as cloud:
        assert mac.record_sync("pipeline", "deals", {"open": 3}) is not None
        assert mac.record_sync("pipeline", "deals", {"open": 3}) is None, "it says so already"
        status = mac.status_sync()
        assert (status["side"], status["is_sealed"], status["pending"]) == ("local", True, 1)
        assert mac.push_pending_sync() == {"applied": 1, "overruled": 0, "stale": 0, "refused": 0}
        deals = cloud.get_sync("pipeline", "deals")
        assert deals and (deals["payload"], deals["side"]) == ({"open": 3}, "local")

        cloud.record_sync("crm_stats", "today", {"contacts": 812})
        assert mac.pull_cloud_state_sync()["taken"] == 1
        today = mac.get_sync("crm_stats", "today")
        assert today and today["payload"] == {"contacts": 812} and today["as_of"] and not today["is_pending"]
        assert [one["key"] for one in mac.list_sync("crm_stats")] == ["today"]

        mac.record_sync("pipeline", "deals", {"open": 4})
        cloud.record_sync("pipeline", "deals", {"open": 9})
        assert mac.push_pending_sync()["overruled"] == 1
        (conflict,) = mac.conflicts_sync()
        assert (conflict["kind"], conflict["key"], conflict["winner"]) == ("pipeline", "deals", "cloud")
        assert (conflict["local"]["payload"], conflict["cloud"]["payload"]) == ({"open": 4}, {"open": 9})
        assert mac.record_sync("pipeline", "deals", None) is not None, "it is removed"
        assert mac.get_sync("pipeline", "deals") is not None


def test_what_is_awaited_is_the_same(terminal: Cloud, tmp_path: Path) -> None:
    async def main() -> None:
        async with StateSync(f"sqlite://{tmp_path}/mac.db", config=terminal.settings()) as mac:
            assert await mac.record("workflow", "week/47", {"active": True})
            assert (await mac.push_pending())["applied"] == 1
            assert (await mac.pull_cloud_state())["conflicts"] == 0
            kept = await mac.get("workflow", "week/47")
            assert kept and kept["payload"] == {"active": True} and await mac.get("workflow", "week/48") is None
            assert [one["key"] for one in await mac.list("workflow", limit=5)] == ["week/47"]
            assert await mac.conflicts() == [] and (await mac.status())["pending"] == 0
        with pytest.raises(ClosedError, match="state sync is closed"):
            await mac.status()

    asyncio.run(main())


def test_an_orchestrator_keeps_both_sides_in_step_by_itself(terminal: Cloud, tmp_path: Path) -> None:
    database_url = f"sqlite://{tmp_path}/mac.db"
    with StateSync(database_url, config=terminal.settings()) as mac:
        mac.record_sync("crm_stats", "mac", 1)
        assert mac.status_sync()["pending"] == 1, "by itself it only records"
    with terminal.state() as cloud:
        cloud.record_sync("crm_stats", "cloud", 2)
        with HybridOrchestrator("local", config=terminal.settings(), database_url=database_url) as orchestrator:
            until(lambda: cloud.get_sync("crm_stats", "mac") is not None)
            until(lambda: orchestrator.state.get_sync("crm_stats", "cloud") is not None)
            assert orchestrator.state.status_sync()["pending"] == 0
    with pytest.raises(ClosedError, match="orchestrator is closed"):
        orchestrator.state.status_sync()


def test_what_may_not_leave_is_refused_when_it_is_recorded() -> None:
    with StateSync("sqlite::memory:") as state:
        for kind, key, payload, field in (
            ("prospect_embeddings", "all", 1, "kind"),
            ("pipeline", "jane@client.example", 1, "key"),
        ):
            with pytest.raises(InvalidInputError) as refused:
                state.record_sync(kind, key, payload)
            assert refused.value.context["field"] == field
        with pytest.raises(InvalidInputError):
            state.record_sync("pipeline", "deals", {"client_email": "jane@client.example"})
        with pytest.raises(InvalidInputError, match="number of at least 1"):
            state.list_sync("pipeline", limit=0)
        assert state.list_sync("pipeline") == []


def test_without_a_cloud_or_a_key_an_exchange_says_what_is_missing() -> None:
    cloud = {"CLOUD_ENDPOINT": "http://127.0.0.1:9", "EVERREACH_CLOUD_KEY": CLOUD_KEY}
    for config, missing, kind in (
        ({"SYNC_ENCRYPTION_KEY": SEALING_KEY}, "CLOUD_ENDPOINT", ConfigError),
        (cloud, "SYNC_ENCRYPTION_KEY", ConfigError),
        ({**cloud, "SYNC_ENCRYPTION_KEY": SEALING_KEY, "OFFLINE_MODE": True}, "offline", OfflineError),
    ):
        with StateSync("sqlite::memory:", config=config) as state:
            state.record_sync("pipeline", "deals", {"open": 3})
            for exchange in (state.push_pending_sync, state.pull_cloud_state_sync):
                with pytest.raises(kind, match=missing):
                    exchange()
            assert state.status_sync()["pending"] == 1
    with pytest.raises(EverReachError) as refused:
        StateSync("sqlite::memory:", config={"SYNC_ENCRYPTION_KEY": "hunter2"})
    assert "SYNC_ENCRYPTION_KEY" in str(refused.value) and "hunter2" not in f"{refused.value!r} {refused.value.context}"


def test_after_a_fork_it_says_so() -> None:
    run(
        """
        import os, signal, warnings
        from everreach import StateSync
        from everreach.errors import ForkError
        used, unused = StateSync(), StateSync("sqlite://child.db")
        used.record_sync("pipeline", "deals", 1)
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            for use in (used.status_sync, used.push_pending_sync, used.open, used.close):
                try:
                    use()
                except ForkError:
                    pass
                else:
                    raise AssertionError("no ForkError")
            with unused:
                assert unused.status_sync()["pending"] == 0
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert status == 0, status
        assert used.status_sync()["pending"] == 1
        used.close()
        """
    )
