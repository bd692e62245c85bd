"""Scripts run in an interpreter of their own, as strict as one gets."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import List

#: What a slow machine makes the interpreter and the database say is no fault of the script's.
PATIENT = """\
import logging
for slow in ("asyncio", "everreach.lib"):
    logging.getLogger(slow).setLevel(logging.ERROR)
"""

#: What most scripts begin with.
PRELUDE = """\
from everreach import HybridOrchestrator
def dispatch(topic, params):
    return {"ok": True, "topic": topic, "result": params}
"""


def arguments(script: str, prelude: str = PRELUDE) -> List[str]:
    """The command that runs a script; it lies in the working directory, which is the test's own."""
    path = Path("script.py")
    path.write_text(PATIENT + prelude + textwrap.dedent(script))
    return [sys.executable, "-X", "dev", "-W", "error", str(path)]


def run(script: str, prelude: str = PRELUDE, timeout: float = 60) -> str:
    """What the script prints, when it ends with 0 and nothing on stderr."""
    ended = subprocess.run(arguments(script, prelude), capture_output=True, text=True, timeout=timeout)
    assert (ended.returncode, ended.stderr) == (0, ""), f"code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout
