"""Safari's queue: messages, comments and searches that wait for their turn in a browser on a Mac.

:class:`SafariQueue` writes them, shows them and works through them; a :class:`SafariDispatcher` of your own carries them out.
"""

from everreach.safari.campaigns import Campaigns
from everreach.safari.dispatchable import (
    CommentWork,
    CrmWork,
    Dispatchable,
    DmWork,
    NavigationWork,
    Platform,
    ResearchWork,
    Service,
    Verb,
    Work,
)
from everreach.safari.dispatcher import Limit, SafariDispatcher, ServiceHealth
from everreach.safari.outcome import DispatchOutcome, Known, Reason, Repeat, Verdict
from everreach.safari.queue import SafariQueue

__all__ = [
    "Campaigns",
    "CommentWork",
    "CrmWork",
    "DispatchOutcome",
    "Dispatchable",
    "DmWork",
    "Known",
    "Limit",
    "NavigationWork",
    "Platform",
    "Reason",
    "Repeat",
    "ResearchWork",
    "SafariDispatcher",
    "SafariQueue",
    "Service",
    "ServiceHealth",
    "Verb",
    "Verdict",
    "Work",
]
