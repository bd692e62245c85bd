"""What every test gets: an environment without settings, a data directory of its own, a registry and a cloud."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Iterator, List, Protocol

import pytest
from cloud_stub import KEY, CloudStub
from everreach import HybridOrchestrator
from registry import Registry

#: How the settings of EverReach begin: none of the machine's own may reach a test.
SETTINGS = (
    "EVERREACH_", "CLOUD_", "LOCAL_", "MONTHLY_", "COST_", "DATABASE_", "SAFARI_", "TELEGRAM_", "SYNC_", "REDIS_", "VECTOR_",
    "OFFLINE_", "WORKER_", "RUST_LOG",
)  # fmt: skip


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a data directory, and no setting but that one."""
    for name in [name for name in os.environ if name.startswith(SETTINGS)]:
        monkeypatch.delenv(name)
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVERREACH_DATA_DIR", str(data))
    return data


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def cloud() -> Iterator[CloudStub]:
    with CloudStub() as stub:
        yield stub


class Open(Protocol):
    """Makes an orchestrator that is closed after the test."""

    def __call__(self, env: str = "local", **more: Any) -> HybridOrchestrator: ...


@pytest.fixture
def opened() -> Iterator[Callable[[HybridOrchestrator], HybridOrchestrator]]:
    """Closes, after the test, what it was given."""
    made: List[HybridOrchestrator] = []

    def keep(orchestrator: HybridOrchestrator) -> HybridOrchestrator:
        made.append(orchestrator)
        return orchestrator

    yield keep
    for orchestrator in made:
        orchestrator.close()


@pytest.fixture
def local(registry: Registry, opened: Callable[[HybridOrchestrator], HybridOrchestrator]) -> HybridOrchestrator:
    """This machine alone, over the recording registry."""
    return opened(HybridOrchestrator("local", local=registry.dispatch))


@pytest.fixture
def make(cloud: CloudStub, registry: Registry, opened: Callable[[HybridOrchestrator], HybridOrchestrator]) -> Open:
    """Orchestrators over the recording registry and the cloud."""

    def build(env: str = "hybrid", **more: Any) -> HybridOrchestrator:
        given = {"local": registry.dispatch, "cloud_endpoint": cloud.url, "cloud_key": KEY, **more}
        return opened(HybridOrchestrator(env, **given))

    return build


@pytest.fixture
def hybrid(make: Open) -> HybridOrchestrator:
    """This machine and the cloud."""
    return make("hybrid")
