"""The old agent's flags, run as the dispatcher of the old worker runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

pytestmark = pytest.mark.prd040
SCRIPT = os.path.join(os.path.dirname(sys.executable), "safari_cloud_agent.py")


def agent(*flags: str, by: List[str] = [SCRIPT]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*by, *flags], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def printed(*flags: str) -> str:
    ended = agent(*flags)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_what_is_enqueued_is_in_the_history_and_in_the_status(data_dir: Path) -> None:
    printed("--enqueue-dm", "instagram", "ada", "Hey! Great content")
    printed("--enqueue-comment", "twitter", "https://x.com/ada/status/1", "Great point")
    printed("--enqueue-research", "twitter", "ai automation", "50")
    history = printed("--history", "--limit", "10")
    assert all(verb in history for verb in ("send_dm", "comment", "market_research"))
    assert "send_dm" not in printed("--history", "--platform", "twitter")
    assert printed("--status") and printed("--rate-limits")


def test_a_run_says_how_much_it_executed_and_a_service_that_is_down_is_no_failure(data_dir: Path) -> None:
    assert "executed" in printed("--run-once")
    assert "executed" in printed("--run-once", "--max", "5")
    assert printed("--status")


def test_a_waiting_command_is_taken_back(data_dir: Path) -> None:
    identity = printed("--enqueue-dm", "twitter", "bob", "-- hello --").strip().split()[-1]
    printed("--cancel", identity)
    assert "cancelled" in printed("--history")
    assert agent("--cancel", "00000000-0000-0000-0000-000000000000").returncode == 3


def test_what_the_gate_refuses_is_told_and_not_written(data_dir: Path) -> None:
    refused = agent("--enqueue-dm", "instagram", "b'ob", "x")
    assert refused.returncode == 2 and "username" in refused.stderr
    assert "b'ob" not in printed("--history")


def test_a_warm_up_is_a_campaign_of_comments(data_dir: Path) -> None:
    printed("--campaign", "warmup", "--platform", "twitter", "--handles", "ada,bob")
    assert printed("--retry-failed") is not None
    printed("--create-table")


def test_flags_that_are_wrong_or_missing_are_usage_errors(data_dir: Path) -> None:
    for flags in ([], ["--run-once", "--status"], ["--no-such"], ["--enqueue-dm", "instagram"]):
        assert agent(*flags).returncode == 2, flags


def test_the_module_is_the_same_program(data_dir: Path) -> None:
    ended = agent("--run-once", by=[sys.executable, "-m", "everreach.safari_cloud_agent"])
    assert ended.returncode == 0 and "executed" in ended.stdout
