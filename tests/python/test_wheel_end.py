"""What the package starts, and that it ends with the interpreter."""

from __future__ import annotations

import subprocess
import textwrap
import time

import pytest
from child import arguments, run

#: Runs when everything else has ended.
LAST = """
import atexit, os, threading, time

def threads():
    native = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
    return max(native, threading.active_count())

#: Daemon threads of the script itself that hang for ever.
own = 0

def none_is_left():
    # The system takes a moment to bury a thread that was joined.
    until = time.monotonic() + 2
    while threads() > 1 + own and time.monotonic() < until:
        time.sleep(0.005)
    assert threads() == 1 + own, (threading.enumerate(), threads())

atexit.register(none_is_left)
import asyncio
from everreach import HybridOrchestrator

never, begun = threading.Event(), threading.Event()

def dispatch(topic, params):
    return {"ok": True, "topic": topic, "result": params}

async def coroutine(topic, params):
    return dispatch(topic, params)

def hanging(topic, params):
    begun.set()
    never.wait(60)

async def sleeping(topic, params):
    begun.set()
    await asyncio.sleep(60)

def in_daemon_threads(number, local, **more):
    orchestrator = HybridOrchestrator(local=local)
    # The end comes before anybody could close it.
    HybridOrchestrator.__del__ = lambda self: None
    for _ in range(number):
        threading.Thread(target=orchestrator.route_sync, args=["dm.stats"], kwargs=more, daemon=True).start()
        assert begun.wait(20)
        begun.clear()
"""


def test_importing_starts_no_thread_opens_no_file_and_reads_no_setting() -> None:
    run(
        """
        import asyncio, contextvars, dataclasses, decimal, inspect, logging, os, threading, typing
        files, native = "/dev/fd", "/proc/self/task"
        before = len(os.listdir(files))
        os.environ["EVERREACH_ENV"] = "moon"
        import everreach, everreach.testing
        assert threading.active_count() == 1
        assert not os.path.isdir(native) or len(os.listdir(native)) == 1
        assert len(os.listdir(files)) == before, os.listdir(files)
        assert os.listdir(".") in (["data", "script.py"], ["script.py", "data"]) and os.listdir("data") == []
        """,
        prelude="",
    )


def test_making_an_orchestrator_opens_nothing() -> None:
    run(
        """
        import os
        made = [HybridOrchestrator(local=dispatch) for _ in range(3)]
        assert os.listdir("data") == []
        """
    )


ENDS = {
    "closed": """
        with HybridOrchestrator(local=dispatch) as orchestrator:
            assert orchestrator.route_sync("dm.stats").ok
    """,
    "after coroutines of both kinds of caller": """
        with HybridOrchestrator(local=coroutine) as orchestrator:
            assert orchestrator.route_sync("dm.stats").ok
            assert asyncio.run(orchestrator.route("dm.stats")).ok
            assert orchestrator.route_sync("telegram.send").ok
    """,
    "never closed": """
        orchestrator = HybridOrchestrator(local=coroutine)
        assert orchestrator.route_sync("telegram.send").ok
        HybridOrchestrator.__del__ = lambda self: None
    """,
    "a plain handler hangs on a thread of the script": """
        own = 1
        in_daemon_threads(1, hanging)
    """,
}
UNDER_WAY = {
    # A function cannot be ended: its thread is left.
    "a plain handler hangs on a thread of ours": """
        own = 1
        in_daemon_threads(1, hanging, timeout=60)
    """,
    "coroutines hang": "in_daemon_threads(16, sleeping)",
}


def ends_at_once(script: str) -> None:
    """Checks how long a script takes from its last line to its end, and that it says nothing."""
    command = arguments(textwrap.dedent(script) + '\nprint("done", flush=True)', LAST)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            said = child.stdout.readline()
            begun = time.monotonic()
            _, errors = child.communicate(timeout=60)
        finally:
            child.kill()
    took = time.monotonic() - begun
    assert (said, child.returncode, errors) == ("done\n", 0, "")
    assert took < 2


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS.keys())
def test_the_interpreter_ends_at_once_with_no_thread_left_and_nothing_to_say(script: str) -> None:
    ends_at_once(script)


@pytest.mark.parametrize("script", UNDER_WAY.values(), ids=UNDER_WAY.keys())
def test_the_interpreter_ends_as_quietly_while_a_call_is_under_way(script: str) -> None:
    ends_at_once(script)


def test_three_hundred_event_loops_leave_nothing_behind() -> None:
    run(
        """
        async def slow(topic, params):
            await asyncio.sleep(params["s"])
            return dispatch(topic, params)

        async def one(orchestrator, number):
            left = [asyncio.ensure_future(orchestrator.route("dm.stats", {"s": 30})) for _ in range(2)]
            plain = asyncio.ensure_future(quick.route("dm.stats", {"n": number}))
            assert (await orchestrator.route("dm.stats", {"s": 0})).ok
            # Ends with two calls on their way, which the end of the loop cancels, and one that may be done.

        with HybridOrchestrator(local=slow) as orchestrator, HybridOrchestrator(local=dispatch) as quick:
            for number in range(300):
                asyncio.run(one(orchestrator, number))
            assert quick.route_sync("dm.stats").ok and asyncio.run(orchestrator.route("dm.stats", {"s": 0})).ok
        """,
        prelude=LAST,
    )


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "SystemExit"])
def test_an_interrupt_in_a_coroutine_does_not_end_the_loop_of_the_others(raised: str) -> None:
    run(
        f"""
        async def interrupted(topic, params):
            if topic == "telegram.send":
                raise {raised}
            return {{"ok": True, "topic": topic, "result": params}}

        logging.getLogger("everreach").addHandler(logging.NullHandler())
        with HybridOrchestrator(local=interrupted) as orchestrator:
            assert not orchestrator.route_sync("telegram.send", timeout=10).ok
            assert orchestrator.route_sync("dm.stats").ok
        """
    )


@pytest.mark.parametrize("call", ['orchestrator.route_sync("dm.stats")', 'asyncio.run(orchestrator.route("dm.stats"))'])
def test_a_handler_that_calls_itself_for_ever_is_an_error_and_no_crash(call: str) -> None:
    run(
        f"""
        import asyncio

        def endless(topic, params):
            return {{"ok": True, "topic": topic, "result": orchestrator.route_sync(topic).raise_for_error().result}}

        with HybridOrchestrator(local=endless) as orchestrator:
            logging.getLogger("everreach").addHandler(logging.NullHandler())
            assert not {call}.ok
        """
    )
