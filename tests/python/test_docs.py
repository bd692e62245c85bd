"""The Python in the documents runs, prints what the documents say it prints, and the documents' tables are complete.

A fenced ``python`` block is run; the ``text`` block right after it is what it prints, where ``…`` stands for anything. The blocks
of a page share one namespace, in order. A block that defines tests is run by pytest as well.
"""

from __future__ import annotations

import ast
import inspect
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Dict, Iterator, List, NamedTuple, Optional

import pytest

from everreach import Envelope, EverReachError, HybridOrchestrator, errors

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["docs/python.md", "everreach-py/README.md", "README.md"]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A piece of Python on a page, where it begins, and what it prints (``None``: the page does not say)."""

    line: int
    code: str
    printed: Optional[str]


def blocks(page: str) -> List[Block]:
    """The Python of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    found = []
    for index, fence in enumerate(fences):
        if fence[1] != "python":
            continue
        following = fences[index + 1] if index + 1 < len(fences) else None
        is_output = following is not None and following[1] == "text" and not text[fence.end() : following.start()].strip()
        printed = following[2] if following is not None and is_output else None
        found.append(Block(text[: fence.start(2)].count("\n"), fence[2], printed))
    return found


def pattern(printed: str) -> str:
    """The regular expression of what a page says is printed."""
    return ".*?".join(re.escape(part) for part in printed.split("…"))


def has_tests(block: Block) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name.startswith("test_") for part in ast.parse(block.code).body)


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, and no settings but the defaults."""
    for name in list(os.environ):
        if name.startswith("EVERREACH_") or name in ("CLOUD_ENDPOINT", "DATABASE_URL", "LOCAL_ENDPOINT", "OFFLINE_MODE"):
            monkeypatch.delenv(name)
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """The pages show how logs are set up; the other tests want theirs back."""
    loggers = [logging.getLogger(name) for name in (None, "everreach")]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Where the blocks of a page put their names."""
    page = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", page)
    yield page
    orchestrators = [value for value in vars(page).values() if isinstance(value, HybridOrchestrator)]
    for orchestrator in orchestrators:
        orchestrator.close()


# The guide forks on purpose; newer Pythons warn of it where threads run.
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_and_prints_what_the_page_says(
    page: str, module: ModuleType, empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = blocks(page)
    assert found, f"{page} has no Python"
    for block in found:
        # Tracebacks name the line of the page.
        code = compile("\n" * block.line + block.code, str(ROOT / page), "exec", dont_inherit=True)
        exec(code, vars(module))
        printed = capsys.readouterr().out
        if block.printed is not None:
            is_as_said = re.fullmatch(pattern(block.printed), printed, re.DOTALL)
            assert is_as_said, f"{page}:{block.line} prints\n{printed}\nand the page says\n{block.printed}"
        else:
            assert not printed, f"{page}:{block.line} prints, and the page does not say what:\n{printed}"
    assert list(empty_folder.iterdir()) == [], f"{page} leaves something behind"


def test_the_tests_on_the_page_pass(empty_folder: Path) -> None:
    found = [block for block in blocks("docs/python.md") if has_tests(block)]
    assert found, "docs/python.md shows no test"
    for index, block in enumerate(found):
        (empty_folder / f"test_shown_{index}.py").write_text(block.code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(empty_folder)]
    ran = subprocess.run(command, cwd=empty_folder, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\d+ passed", ran.stdout) and "skipped" not in ran.stdout, ran.stdout


def rows(heading: str) -> Dict[str, List[str]]:
    """The rows of the first table under a heading, by the word in their first cell."""
    text = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {re.split(r"[`:?]+", row[0])[1]: row for row in cells if "`" in row[0]}


def test_every_exception_is_in_the_table_with_its_bases() -> None:
    classes = {name: value for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, EverReachError)}
    del classes["EverReachError"]
    table = rows("Exceptions")
    assert sorted(table) == sorted(classes)
    for name, row in table.items():
        exception = classes[name]
        bases = [base.__name__ for base in exception.__bases__ if base is not EverReachError]
        assert row[1].strip("`") == exception.kind, row
        assert re.findall(r"\w+", row[2]) == bases, row
        assert (row[3] == "yes") is errors.of_kind(exception.kind, "").retryable, row


def test_every_field_of_an_envelope_is_in_the_table() -> None:
    with HybridOrchestrator(local=lambda topic, params: {"ok": True}, database_url="sqlite::memory:") as orchestrator:
        envelope = orchestrator.route_sync("dm.stats")
    assert isinstance(envelope, Envelope)
    assert list(rows("The envelope")) == list(envelope)


def test_every_argument_of_the_constructor_is_in_the_table() -> None:
    arguments = list(inspect.signature(HybridOrchestrator).parameters)
    assert list(rows("Settings")) == arguments
