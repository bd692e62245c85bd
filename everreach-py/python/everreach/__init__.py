"""EverReach in your process: actions routed under a budget, and never sent twice.

>>> from everreach import HybridOrchestrator
>>> def dispatch(topic, params):
...     return {"ok": True, "topic": topic, "result": {"hello": params["name"]}}
>>> with HybridOrchestrator(local=dispatch, database_url="sqlite::memory:") as orchestrator:
...     envelope = orchestrator.route_sync("dm.stats", {"name": "Ada"})
>>> envelope.ok, envelope["result"]
(True, {'hello': 'Ada'})

Importing this package starts no thread, opens no file and reads no setting.
"""

from everreach import errors
from everreach._everreach import ActionClassifier, RouteTable, __version__
from everreach.cost import CostGuard
from everreach.envelope import Envelope
from everreach.errors import EverReachError
from everreach.orchestrator import HybridOrchestrator
from everreach.safari import DispatchOutcome, SafariDispatcher, SafariQueue
from everreach.state_sync import StateSync
from everreach.sync_bus import Message, Subscription, SyncBus
from everreach.traits import Call, Execution, Reservation

__all__ = [
    "ActionClassifier",
    "Call",
    "CostGuard",
    "DispatchOutcome",
    "Envelope",
    "EverReachError",
    "Execution",
    "HybridOrchestrator",
    "Message",
    "Reservation",
    "RouteTable",
    "SafariDispatcher",
    "SafariQueue",
    "StateSync",
    "Subscription",
    "SyncBus",
    "__version__",
    "errors",
]
