"""Life and death of an interpreter: Ctrl-C, fork, garbage, the end."""

from __future__ import annotations

import gc
import signal
import subprocess
import time
import warnings
import weakref
from pathlib import Path
from typing import Any, Dict

import pytest
from child import PRELUDE, arguments, run
from cloud_stub import KEY, CloudStub
from everreach import CostGuard, HybridOrchestrator
from registry import Registry

#: How long Ctrl-C may take: 100 ms are wanted, the rest is for a busy machine.
CTRL_C_MS = 500


# Ctrl-C

WAITING = """
import asyncio, logging, signal, sys, threading, time

# The traceback of what the interrupt ended is for logs.
logging.getLogger("everreach").addHandler(logging.NullHandler())
never = threading.Event()
# Where the tests run in the background, their children are started with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def plain(topic, params):
    print("begun", flush=True)
    # In steps: a signal in the instant before the interpreter's own wait begins is seen when that wait ends.
    for _ in range(3000):
        never.wait(0.01)

async def coroutine(topic, params):
    print("begun", flush=True)
    await asyncio.sleep(30)

def cloud(topic, params):
    raise AssertionError("it runs in the cloud")

def interrupted(wait):
    try:
        wait()
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)
"""


def interrupt(script: str, cloud: CloudStub) -> float:
    """Sends Ctrl-C to a waiting script and says after how many milliseconds it was raised there. The script ends with 0."""
    command = arguments(script, PRELUDE + WAITING)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout and child.stderr
            if "hybrid" in script:
                assert cloud.arrived.wait(20)
            else:
                assert child.stdout.readline() == "begun\n", child.stderr.read()
            pressed = time.monotonic()
            child.send_signal(signal.SIGINT)
            raised = child.stdout.readline()
            cloud.close_hanging()
            rest, errors = child.communicate(timeout=30)
        finally:
            child.kill()
    assert (child.returncode, errors) == (0, ""), f"{child.returncode}\n{errors}"
    return (float(raised) - pressed) * 1e3


CALLS = {
    "a coroutine": 'HybridOrchestrator(local=coroutine).route_sync("dm.stats")',
    "an outward coroutine": 'HybridOrchestrator(local=coroutine).route_sync("telegram.send")',
    "a plain handler on this thread": 'HybridOrchestrator(local=plain).route_sync("dm.stats")',
    "a plain handler on another thread": 'HybridOrchestrator(local=plain).route_sync("dm.stats", timeout=30)',
    "an outward plain handler": 'HybridOrchestrator(local=plain).route_sync("telegram.send")',
    "a batch": 'HybridOrchestrator(local=coroutine).batch_execute_sync([{"action": "dm.stats"}])',
    "an awaited coroutine": 'asyncio.run(HybridOrchestrator(local=coroutine).route("dm.stats"))',
    "the cloud": 'HybridOrchestrator("hybrid", cloud_endpoint=CLOUD, cloud_key=KEY).route_sync("research.platform")',
    "an outward call to the cloud": (
        'HybridOrchestrator("hybrid", cloud_endpoint=CLOUD, cloud_key=KEY).route_sync("telegram.send", {"message": "hello"})'
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_ctrl_c_interrupts_at_once(call: str, cloud: CloudStub, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.hang("research.platform")
    cloud.hang("telegram.send")
    script = f"""
        import os, warnings
        # What is measured is the interrupt, not the end of what it interrupted.
        warnings.simplefilter("ignore", ResourceWarning)
        CLOUD, KEY = {cloud.url!r}, {KEY!r}
        interrupted(lambda: {call})
        os._exit(0)
    """
    took = interrupt(script, cloud)
    with capsys.disabled():
        print(f"\nCtrl-C during {call}: {took:.0f} ms ", end="")
    assert took < CTRL_C_MS


# Fork

FORK = """
import os, signal, sys, threading, warnings
from everreach import CostGuard
from everreach.errors import ForkError

async def coroutine(topic, params):
    return {"ok": True, "topic": topic, "result": params}

def forked(child):
    with warnings.catch_warnings():
        # Newer interpreters warn of forking while threads run: that is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        child()
        return True
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    return False

def refuses(use):
    try:
        use()
    except ForkError as error:
        assert error.kind == "forked" and "fork" in str(error)
    else:
        raise AssertionError("no ForkError")
"""


def test_after_a_fork_what_was_used_says_so_and_what_was_not_works() -> None:
    run(
        """
        used, unused = HybridOrchestrator(local=dispatch), HybridOrchestrator(local=dispatch, database_url="sqlite://child.db")
        guard, unused_guard = CostGuard(), CostGuard(database_url="sqlite://child.db")
        assert used.route_sync("dm.stats").ok and guard.get_monthly_cost_sync()["total_usd"] == 0

        def child():
            for use in (
                lambda: used.route_sync("dm.stats"),
                lambda: used.batch_execute_sync([]),
                lambda: used.explain("dm.stats"),
                used.open,
                used.close,
                guard.get_monthly_cost_sync,
                guard.is_soft_cap_reached,
            ):
                refuses(use)
            assert unused_guard.get_monthly_cost_sync()["total_usd"] == 0
            # On a database of their own: see below.
            for handler in (dispatch, coroutine):
                fresh = HybridOrchestrator(local=handler, database_url="sqlite://child.db")
                with fresh:
                    assert fresh.route_sync("dm.stats").ok and fresh.route_sync("telegram.send", {"n": id(fresh)}).ok
            with unused:
                assert unused.route_sync("dm.stats").ok
            os._exit(0)

        forked(child)
        assert used.route_sync("dm.stats").ok and used.route_sync("telegram.send", {"message": "parent"}).ok
        used.close()
        """,
        PRELUDE + FORK,
    )


def test_a_forked_child_ends_like_any_other_program() -> None:
    run(
        """
        used = HybridOrchestrator(local=coroutine)
        assert used.route_sync("dm.stats").ok

        def child():
            with HybridOrchestrator(local=coroutine, database_url="sqlite://child.db") as fresh:
                assert fresh.route_sync("dm.stats").ok

        if not forked(child):
            used.close()
        """,
        PRELUDE + FORK,
    )


def test_a_fork_in_the_middle_of_a_call_hurts_neither_side() -> None:
    run(
        """
        begun, go_on = threading.Event(), threading.Event()

        def waiting(topic, params):
            begun.set()
            return {"ok": True, "topic": topic, "result": go_on.wait(20)}

        used, answers = HybridOrchestrator(local=waiting), []
        caller = threading.Thread(target=lambda: answers.append(used.route_sync("telegram.send")))
        caller.start()
        assert begun.wait(20)

        def child():
            refuses(lambda: used.route_sync("dm.stats"))
            with HybridOrchestrator(local=dispatch, database_url="sqlite://child.db") as fresh:
                assert fresh.route_sync("dm.stats").ok
            os._exit(0)

        forked(child)
        go_on.set()
        caller.join()
        assert answers[0].ok and answers[0].result is True
        used.close()
        """,
        PRELUDE + FORK,
    )


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux lists the locks of each process")
def test_a_forked_child_that_may_use_the_parents_database_holds_locks_of_its_own() -> None:
    run(
        """
        used = HybridOrchestrator(local=dispatch)
        assert used.route_sync("telegram.send", {"message": "parent"}).ok

        def child():
            from everreach import EverReachError
            try:
                fresh = HybridOrchestrator(local=dispatch)
                assert fresh.route_sync("telegram.send", {"message": "child"}, timeout=5).ok
            except EverReachError as refused:
                # As good: a clear error.
                assert "fork" in str(refused)
                os._exit(0)
            files = {os.stat(os.path.join("data", name)).st_ino for name in os.listdir("data")}
            with open("/proc/locks") as table:
                rows = [line.split() for line in table]
            holders = {int(row[4]) for row in rows if int(row[5].split(":")[2]) in files}
            assert os.getpid() in holders, holders
            os._exit(0)

        forked(child)
        used.close()
        """,
        PRELUDE + FORK,
    )


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing_have_orchestrators_of_their_own(method: str) -> None:
    printed = run(
        f"""
        import multiprocessing, warnings

        def work(number):
            with HybridOrchestrator(local=dispatch) as orchestrator:
                return orchestrator.route_sync("telegram.send", {{"n": number}}, idempotency_key=str(number % 2)).error

        if __name__ == "__main__":
            warnings.simplefilter("ignore", DeprecationWarning)
            with HybridOrchestrator(local=dispatch, database_url="sqlite://parent.db") as mine:
                assert mine.route_sync("dm.stats").ok
                with multiprocessing.get_context({method!r}).Pool(2) as pool:
                    print(sorted(map(str, pool.map(work, range(4)))))
                    pool.close()
                    pool.join()
        """
    )
    # Two keys, each used for two different messages: one of them is refused, whichever process it came from.
    assert printed == "['None', 'None', 'idempotency_mismatch', 'idempotency_mismatch']\n"


# Garbage


def test_an_orchestrator_that_is_never_closed_warns(registry: Registry) -> None:
    orchestrator = HybridOrchestrator(local=registry.dispatch)
    orchestrator.open()
    with pytest.warns(ResourceWarning, match="never closed"):
        del orchestrator
        gc.collect()


def test_what_was_never_opened_or_is_closed_does_not_warn(registry: Registry) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        never = HybridOrchestrator(local=registry.dispatch)
        closed = HybridOrchestrator(local=registry.dispatch)
        closed.open()
        closed.close()
        del never, closed, registry
        gc.collect()


def test_closed_orchestrators_leave_nothing_behind(registry: Registry) -> None:
    class Canary:
        """Dies with whatever holds it."""

    def live() -> "weakref.ref[Canary]":
        canary = Canary()

        def dispatch(topic: str, params: Dict[str, Any], kept: Canary = canary) -> Any:
            return registry.dispatch(topic, params)

        with HybridOrchestrator(local=dispatch) as orchestrator:
            assert orchestrator.route_sync("dm.stats").ok
        return weakref.ref(canary)

    left = [live() for _ in range(3)]
    gc.collect()
    assert [canary() for canary in left] == [None] * 3


def test_a_guard_can_be_dropped_at_any_time() -> None:
    for _ in range(3):
        assert CostGuard().get_monthly_cost_sync()["total_usd"] == 0
