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
from everreach.safari import SafariQueue
from everreach.traits import Call, Execution, Reservation

__all__ = [
    "ActionClassifier",
    "Call",
    "CostGuard",
    "Envelope",
    "EverReachError",
    "Execution",
    "HybridOrchestrator",
    "Reservation",
    "RouteTable",
    "SafariQueue",
    "__version__",
    "errors",
]
