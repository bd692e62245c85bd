"""``safari_cloud_agent.py``: the flags of the old agent, over the command line ``everreach safari …``.

For whatever calls the old script: ``python -m everreach.safari_cloud_agent --run-once``, or the console script of the same name. Plain
text on stdout, everything else on stderr, no prompts; exit code 0 unless the command itself failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import List, Optional, Sequence

from everreach._everreach import main as everreach

#: The campaigns of the old agent, by the names they have now.
CAMPAIGNS = {"warmup": "comment_warmup"}


def parser() -> argparse.ArgumentParser:
    """Exactly the flags of the old agent."""
    flags = argparse.ArgumentParser(prog="safari_cloud_agent.py", description=__doc__.split("\n\n")[0], allow_abbrev=False)
    what = flags.add_mutually_exclusive_group(required=True)
    what.add_argument("--daemon", action="store_true", help="work through the queue until Ctrl-C")
    what.add_argument("--run-once", action="store_true", help="carry out what may go now")
    what.add_argument("--status", action="store_true", help="the queue, the services and the limits")
    what.add_argument("--health", action="store_true", help="ask all nine services how they are")
    what.add_argument("--enqueue-dm", nargs=3, metavar=("PLATFORM", "HANDLE", "TEXT"))
    what.add_argument("--enqueue-comment", nargs=3, metavar=("PLATFORM", "URL", "TEXT"))
    what.add_argument("--enqueue-research", nargs=3, metavar=("PLATFORM", "KEYWORD", "MAX"))
    what.add_argument("--campaign", choices=sorted({*CAMPAIGNS, *CAMPAIGNS.values(), "dm_sequence", "research_sweep"}))
    what.add_argument("--retry-failed", action="store_true", help="let failed commands run again, unknown ones excepted")
    what.add_argument("--cancel", metavar="ID", help="take a waiting command back")
    what.add_argument("--history", action="store_true", help="commands, newest first")
    what.add_argument("--rate-limits", action="store_true", help="what is used of each limit today")
    what.add_argument("--create-table", action="store_true", help="create or complete the tables")
    flags.add_argument("--platform", help="for --campaign and --history")
    flags.add_argument("--handles", help="for --campaign: names, separated by commas")
    flags.add_argument("--limit", type=int, help="for --history: how many")
    flags.add_argument("--interval", type=int, help="for --daemon: seconds between looks")
    flags.add_argument("--max", type=int, help="for --run-once and --daemon: how many at most")
    return flags


def command(given: argparse.Namespace) -> List[str]:
    """The arguments of ``everreach`` for these flags."""
    if given.daemon:
        return ["safari", "daemon", *option("--interval", given.interval), *option("--max", given.max)]
    if given.run_once:
        return ["safari", "run-once", "--max", str(20 if given.max is None else given.max)]
    if given.enqueue_dm:
        return ["safari", "enqueue", "dm", "--", *given.enqueue_dm]
    if given.enqueue_comment:
        return ["safari", "enqueue", "comment", "--", *given.enqueue_comment]
    if given.enqueue_research:
        return ["safari", "enqueue", "research", "--", *given.enqueue_research]
    if given.campaign:
        kind = CAMPAIGNS.get(given.campaign, given.campaign)
        return ["safari", "campaign", "start", kind, *option("--platform", given.platform), *option("--handles", given.handles)]
    if given.cancel is not None:
        return ["safari", "cancel", "--", given.cancel]
    if given.history:
        return ["safari", "history", *option("--platform", given.platform), *option("--limit", given.limit)]
    if given.create_table:
        return ["db", "migrate"]
    for flag in ("status", "health", "retry_failed", "rate_limits"):
        if getattr(given, flag):
            return ["safari", flag.replace("_", "-")]
    raise AssertionError("argparse asks for one of them")


def option(name: str, value: object) -> List[str]:
    """A flag with its value, when there is one."""
    return [] if value is None else [name, str(value)]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs the agent with these arguments (those of the process when not given) and returns its exit code."""
    given = parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("NO_COLOR", "1")
    return everreach(["everreach", *command(given)])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
