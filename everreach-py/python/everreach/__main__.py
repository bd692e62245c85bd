"""The command line ``everreach``, as ``python -m everreach`` and as the console script."""

from __future__ import annotations

import signal
import sys

from everreach._everreach import main as run


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    # The program handles Ctrl-C itself; Python would only note it for later.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run(["everreach", *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
