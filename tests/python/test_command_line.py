"""The console script is the same program as the binary."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Dict, List
from urllib.request import urlopen

import everreach
import pytest
from cloud_stub import KEY, CloudStub
from everreach import HybridOrchestrator

SCRIPT = [str(Path(sysconfig.get_path("scripts")) / "everreach")]
MODULE = [sys.executable, "-X", "dev", "-W", "error", "-m", "everreach"]
BOTH = pytest.mark.parametrize("program", [SCRIPT, MODULE], ids=["the script", "python -m"])


def run(program: List[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*program, *arguments], capture_output=True, text=True, timeout=30)


@BOTH
def test_help_lists_the_commands(program: List[str]) -> None:
    done = run(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: everreach [OPTIONS] <COMMAND>" in done.stdout
    assert all(f"\n  {name} " in done.stdout for name in ("dev", "serve", "route", "batch", "cost", "approvals"))


@BOTH
def test_the_version_is_that_of_the_package(program: List[str]) -> None:
    for arguments in (["version"], ["--version"]):
        done = run(program, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[0] == f"everreach {everreach.__version__}"


@BOTH
@pytest.mark.parametrize("arguments", [[], ["route"], ["nonsense"], ["route", "dm.stats", "--nonsense"], ["route", "Bad"]])
def test_bad_usage_ends_with_2_and_says_why_on_stderr(program: List[str], arguments: List[str]) -> None:
    done = run(program, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sage" in done.stderr or "error" in done.stderr


def test_a_call_goes_to_the_cloud_and_prints_its_envelope(cloud: CloudStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_ENDPOINT", cloud.url)
    monkeypatch.setenv("EVERREACH_CLOUD_KEY", KEY)
    done = run(SCRIPT, "route", "research.platform", "--params", '{"q": 1}', "--force-env", "cloud")
    assert (done.returncode, done.stderr) == (0, "")
    envelope = json.loads(done.stdout)
    assert (envelope["ok"], envelope["source"], envelope["result"]["params"]) == (True, "cloud", {"q": 1})


def test_an_unknown_action_ends_with_3(data_dir: Path) -> None:
    done = run(SCRIPT, "route", "dm.sned")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"] == "unknown_action"


def test_the_command_line_sees_what_was_spent_in_process(
    cloud: CloudStub, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    with HybridOrchestrator("hybrid", cloud_endpoint=cloud.url, cloud_key=KEY) as orchestrator:
        assert orchestrator.route_sync("research.platform", {}).cost_usd == 0.002
    done = run(SCRIPT, "cost", "--json")
    assert (done.returncode, json.loads(done.stdout)["total_usd"]) == (0, 0.002)


def test_stop_and_resume_reach_a_running_process(data_dir: Path) -> None:
    with HybridOrchestrator(local=lambda topic, params: {"ok": True, "topic": topic, "result": None}) as orchestrator:
        assert orchestrator.route_sync("telegram.send", {"n": 1}).ok
        assert run(SCRIPT, "stop", "--reason", "the platform complains").returncode == 0
        assert orchestrator.route_sync("telegram.send", {"n": 2}).error == "stopped"
        assert run(SCRIPT, "resume").returncode == 0
        assert orchestrator.route_sync("telegram.send", {"n": 3}).ok


def read_until(child: "subprocess.Popen[str]", text: str) -> str:
    """The line with that text."""
    assert child.stdout
    for line in child.stdout:
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}")


@BOTH
@pytest.mark.parametrize("wanted", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order(program: List[str], wanted: signal.Signals) -> None:
    command = [*program, "dev", "--port", "0", "--ephemeral"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        try:
            line = read_until(child, "http://127.0.0.1:")
            url = next(word for word in line.split() if word.startswith("http://")).rstrip("/.,")
            with urlopen(f"{url}/livez", timeout=10) as answer:
                assert answer.status == 200
            child.send_signal(wanted)
            child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode == 0


def health(url: str) -> Dict[str, Any]:
    with urlopen(f"{url}/health", timeout=10) as answer:
        fields: Dict[str, Any] = json.load(answer)
        return fields


def test_an_orchestrator_works_with_a_real_cloud_terminal(
    cloud: CloudStub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The stub is the terminal's worker here."""
    monkeypatch.setenv("EVERREACH_CLOUD_KEY", KEY)
    monkeypatch.setenv("LOCAL_ENDPOINT", cloud.url)
    command = [*SCRIPT, "--database-url", f"sqlite://{tmp_path}/terminal.db", "serve", "--env", "cloud", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as terminal:
        try:
            line = read_until(terminal, "127.0.0.1:")
            url = "http://" + line[line.index("127.0.0.1:") :].split()[0].rstrip("/.,")
            assert health(url)["env"] == "cloud"
            monkeypatch.delenv("LOCAL_ENDPOINT")
            with HybridOrchestrator("hybrid", cloud_endpoint=url, cloud_key=KEY) as orchestrator:
                read = orchestrator.route_sync("research.platform", {"q": 1})
                assert (read.source, read.result["params"], read.cost_usd) == ("cloud", {"q": 1}, 0.002)
                for replayed in (False, True):
                    sent = orchestrator.route_sync("publish.auto", {"text": "hello"})
                    assert (sent.ok, sent.source, sent.replayed) == (True, "cloud", replayed)
                assert cloud.actions.count("publish.auto") == 1
            wrong = HybridOrchestrator("cloud", cloud_endpoint=url, cloud_key="wrong")
            with wrong:
                assert wrong.route_sync("research.platform", {"q": 1}).error == "unauthorized"
            terminal.send_signal(signal.SIGINT)
            terminal.communicate(timeout=20)
        finally:
            terminal.kill()
    assert terminal.returncode == 0
