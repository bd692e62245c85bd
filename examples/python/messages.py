"""Messages between two processes over one database: one publishes, the other handles them in order, and what fails comes again.
Run it with ``python examples/python/messages.py``; its database is gone afterwards."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Dict, List

from everreach import Message, SyncBus

PUBLISHER = """
import sys
from everreach import SyncBus

with SyncBus(database_url=sys.argv[1]) as bus:
    for contact in range(5):
        # Started twice, it publishes once.
        bus.publish_sync("crm.updated", {"contact": contact}, dedup_key=f"contact-{contact}")
"""

handled: List[int] = []
done = threading.Event()


def changed(payload: Dict[str, Any], message: Message) -> None:
    if payload["contact"] == 2 and message.attempt == 1:
        raise ConnectionError("the CRM is away")
    handled.append(payload["contact"])
    print(f"contact {payload['contact']} at delivery {message.attempt}")
    if len(handled) == 5:
        done.set()


with tempfile.TemporaryDirectory() as folder:
    database_url = f"sqlite://{Path(folder) / 'messages.db'}"
    with SyncBus(database_url=database_url) as bus:
        bus.subscribe("crm.updated", changed, name="dashboard")
        for _ in range(2):
            subprocess.run([sys.executable, "-c", PUBLISHER, database_url], check=True)
        assert done.wait(60), handled
    assert handled == [0, 1, 2, 3, 4], handled
