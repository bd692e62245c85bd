"""What is said about input that cannot be read and settings that do not go together."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any, Dict, Mapping

import pytest
from conftest import Open
from everreach import ActionClassifier, CostGuard, HybridOrchestrator, RouteTable
from everreach.errors import ClosedError, ConfigError, EverReachError, InvalidInputError
from registry import Registry

pytestmark = pytest.mark.prd200


# Settings


@pytest.mark.parametrize(
    "arguments, named",
    [
        ({"env": "moon"}, "EVERREACH_ENV"),
        ({"env": "hybrid"}, "CLOUD_ENDPOINT"),
        ({"env": "hybrid", "cloud_endpoint": "http://127.0.0.1:9"}, "EVERREACH_CLOUD_KEY"),
        ({"env": "hybrid", "cloud_endpoint": "not a url", "cloud_key": "k"}, "CLOUD_ENDPOINT"),
        ({"database_url": "mysql://somewhere"}, "DATABASE_URL"),
        ({"config": {"MONTHLY_COST_CAP": "much"}}, "MONTHLY_COST_CAP"),
        ({"config": {"MONTHLY_COST_CAP": 10, "MONTHLY_COST_SOFT_CAP": 11}}, "soft"),
        ({"config": {"COST_TIMEZONE": "Mars/Olympus"}}, "COST_TIMEZONE"),
        ({"config": {"MONTHLY_COST_CAPP": 1}}, "MONTHLY_COST_CAPP"),
        ({"config": 3}, "config"),
        ({"config": "no/such/file.toml"}, "no/such/file.toml"),
        ({"local": 3}, "local"),
        ({"local": print, "init": 3}, "init"),
        ({"init": print}, "init"),
        ({"executor": object()}, "executor"),
        ({"classifier": object()}, "classifier"),
        ({"cost_guard": object()}, "cost_guard"),
        ({"local": print, "executor": object()}, "executor"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_raise_when_it_is_made_and_name_themselves(
    arguments: Dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        HybridOrchestrator(**arguments)
    assert raised.value.kind == "config"
    assert named in str(raised.value)
    assert not raised.value.retryable


def test_a_mistyped_setting_comes_with_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigError) as raised:
        HybridOrchestrator(config={"MONTHLY_COST_CAPP": 1})
    assert raised.value.context["did you mean"] == "MONTHLY_COST_CAP"


def test_a_key_never_stands_in_an_error_or_a_repr() -> None:
    secret = "er_live\nvery_secret"
    with pytest.raises(ConfigError) as raised:
        HybridOrchestrator("hybrid", cloud_endpoint="http://127.0.0.1:9", cloud_key=secret)
    assert "very_secret" not in f"{raised.value!r} {raised.value} {raised.value.context}"


def test_settings_can_come_from_a_file(tmp_path: Path) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text('env = "hybrid"\n[cloud]\nendpoint = "http://127.0.0.1:9"\nkey = "k"\n')
    assert HybridOrchestrator(config=settings).env == "hybrid"
    assert HybridOrchestrator("local", config=str(settings)).env == "local"


def test_a_broken_line_of_a_settings_file_is_named(tmp_path: Path) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text('env = "hybrid"\ncloud = [\n')
    with pytest.raises(ConfigError, match="own.toml"):
        HybridOrchestrator(config=settings)


def test_a_broken_route_table_is_named(tmp_path: Path) -> None:
    own = tmp_path / "routes.json"
    own.write_text('{"version": 1, "routes": {"dm.send": {"preferred_env": "moon"}}}')
    for take in (RouteTable, ActionClassifier):
        with pytest.raises(ConfigError, match="dm.send"):
            take(own)


def test_a_cap_that_is_no_amount_is_refused() -> None:
    for amount in ("much", math.nan, -1, [1]):
        with pytest.raises((ConfigError, InvalidInputError)):
            CostGuard(cap_usd=amount)  # type: ignore[arg-type]


# Calls


@pytest.mark.parametrize("action", ["dm", "dm.", ".send", "dm.send.now", "Dm.Send", "dm send", "dm.send ", "", "dm.s" + "x" * 200])
def test_an_action_of_the_wrong_form_raises(local: HybridOrchestrator, action: str) -> None:
    for ask in (local.route_sync, local.explain, ActionClassifier().classify, RouteTable().resolve):
        with pytest.raises(InvalidInputError):
            ask(action)


@pytest.mark.parametrize("params", [[1], "text", 3, {1, 2}, [("a", 1)]])
def test_params_that_are_no_mapping_raise(local: HybridOrchestrator, params: Any) -> None:
    with pytest.raises(InvalidInputError, match="field: params"):
        local.route_sync("dm.stats", params)


class Unwritable:
    """Has no JSON form."""


def nested(depth: int) -> Dict[str, Any]:
    """That many dicts in each other."""
    inner: Dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    "params, place",
    [
        ({"a": Unwritable()}, "params.a"),
        ({"a": [1, {"b": Unwritable()}]}, "params.a[1].b"),
        ({"a": (Unwritable(),)}, "params.a[0]"),
        ({"a": math.nan}, "params.a"),
        ({"a": math.inf}, "params.a"),
        ({"a": 2**64}, "params.a"),
        ({"a": {1: 2}}, "params.a"),
        ({"a": "\ud800"}, "params.a"),
    ],
)
def test_a_value_without_a_json_form_is_named_by_its_place(
    local: HybridOrchestrator, registry: Registry, params: Dict[str, Any], place: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        local.route_sync("dm.stats", params)
    assert raised.value.context["field"] == place
    assert registry.calls == []


def test_a_value_that_contains_itself_raises_instead_of_hanging(local: HybridOrchestrator) -> None:
    loop: Dict[str, Any] = {}
    loop["again"] = loop
    for params in (loop, nested(500)):
        with pytest.raises(InvalidInputError, match="levels"):
            local.route_sync("dm.stats", params)


def test_params_arrive_as_they_were_given(local: HybridOrchestrator, registry: Registry) -> None:
    class Own(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            return {"b": 1}[name]

        def __iter__(self) -> Any:
            return iter(["b"])

        def __len__(self) -> int:
            return 1

    given: Dict[str, Any] = {"text": "Grüße 🎈", "none": None, "yes": True, "small": -1, "large": 2**64 - 1, "float": 0.1}
    given.update({"list": [], "own": Own()})
    local.route_sync("dm.stats", given)
    assert registry.calls[0][1] == {**given, "own": {"b": 1}}
    assert registry.calls[0][1]["yes"] is True


def test_no_params_are_an_empty_mapping(local: HybridOrchestrator, registry: Registry) -> None:
    local.route_sync("dm.stats")
    local.route_sync("dm.stats", None)
    assert registry.calls == [("dm.stats", {}), ("dm.stats", {})]


@pytest.mark.parametrize("word", ["moon", "hybrid", "", "LOCAL "])
def test_a_call_is_forced_to_one_of_two_sides(local: HybridOrchestrator, word: str) -> None:
    with pytest.raises(InvalidInputError, match="force_env"):
        local.route_sync("dm.stats", {}, force_env=word)


@pytest.mark.parametrize("timeout", [-1.0, math.nan, math.inf])
def test_a_timeout_is_a_number_of_seconds(local: HybridOrchestrator, timeout: float) -> None:
    with pytest.raises(InvalidInputError, match="timeout"):
        local.route_sync("dm.stats", {}, timeout=timeout)


@pytest.mark.parametrize(
    "item, said",
    [
        ({}, "action"),
        ({"params": {}}, "action"),
        ({"action": "Bad"}, "service.topic"),
        ({"action": "dm.stats", "parms": {}}, "parms"),
        ({"action": "dm.stats", "params": [1]}, "mapping"),
        ("dm.stats", "mapping"),
    ],
)
def test_a_batch_that_cannot_be_read_runs_nothing_and_names_the_item(
    local: HybridOrchestrator, registry: Registry, item: Any, said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said) as raised:
        local.batch_execute_sync([{"action": "dm.stats"}, item])
    assert raised.value.context["item"] == "1"
    assert registry.calls == []


def test_a_batch_runs_at_least_one_at_a_time(local: HybridOrchestrator) -> None:
    with pytest.raises(InvalidInputError, match="max_concurrent"):
        local.batch_execute_sync([], max_concurrent=0)


def test_an_empty_batch_has_no_answers(local: HybridOrchestrator) -> None:
    assert local.batch_execute_sync([]) == []


# The life of an orchestrator


@pytest.mark.parametrize("how", ["closed", "left", "left async"])
def test_a_closed_orchestrator_takes_no_more_calls(make: Open, how: str) -> None:
    orchestrator = make("local")

    async def leave() -> None:
        async with orchestrator as entered:
            assert (await entered.route("dm.stats", {})).ok

    if how == "closed":
        assert orchestrator.route_sync("dm.stats", {}).ok
        orchestrator.close()
    elif how == "left":
        with orchestrator:
            assert orchestrator.route_sync("dm.stats", {}).ok
    else:
        asyncio.run(leave())
    with pytest.raises(ClosedError):
        orchestrator.route_sync("dm.stats", {})
    orchestrator.close()


def test_a_database_that_cannot_be_opened_raises() -> None:
    orchestrator = HybridOrchestrator(database_url="sqlite:///dev/null/x.db")
    with pytest.raises(EverReachError) as raised:
        orchestrator.open()
    assert raised.value.kind in ("store", "store_unavailable")
