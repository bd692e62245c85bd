"""The peer's database: one SQLite file, one connection, one thread that owns it.

The standard library's sqlite3 rather than aiosqlite: both keep a connection in a thread of its own, but aiosqlite goes there and
back for every statement, while here a whole transaction is one trip. Reads' events are gathered and written once a second;
everything else is committed (WAL, synchronous=FULL) before its caller goes on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import sqlite3
import threading
import time
import uuid
from collections import deque
from concurrent.futures import Future
from datetime import datetime, timezone
from typing import Any, Callable, NamedTuple, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
log = logging.getLogger(__name__)

FLUSH_EVERY_S = 1.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, request_id TEXT,
    data TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS calls (
    idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, state TEXT NOT NULL, lease_until REAL NOT NULL, envelope TEXT
);
CREATE TABLE IF NOT EXISTS cost_months (
    month TEXT PRIMARY KEY, settled INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0,
    essential_settled INTEGER NOT NULL DEFAULT 0, essential_reserved INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS cost_reservations (
    id TEXT PRIMARY KEY, month TEXT NOT NULL, action TEXT NOT NULL, micro INTEGER NOT NULL, essential INTEGER NOT NULL,
    state TEXT NOT NULL
);
"""


class Event(NamedTuple):
    """One finished call; its row is made by the thread that writes it."""

    at: float
    action: str
    request_id: str
    rule: str | None
    ok: bool
    outcome: str
    source: str | None
    error: str | None
    attempts: int
    cost_usd: float

    def row(self) -> tuple[str, str, str, str, str]:
        at = datetime.fromtimestamp(self.at, timezone.utc).isoformat(timespec="microseconds")
        data: dict[str, Any] = {"rule": self.rule, "ok": self.ok, "outcome": self.outcome, "source": self.source}
        if self.error is not None:
            data["error"] = self.error
        if self.attempts != 1:
            data["attempts"] = self.attempts
        if self.cost_usd:
            data["cost_usd"] = self.cost_usd
        return at, "call.finished", self.action, self.request_id, json.dumps(data)


class Store:
    """Runs transactions in order; ``close`` writes what is left."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)
        self._jobs: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._events: deque[Event] = deque()
        self._thread = threading.Thread(target=self._work, name="peer-store", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """Commits what ``work`` does, or nothing of it."""
        done: Future[T] = Future()
        self._jobs.put((work, done))
        return await asyncio.wrap_future(done)

    def record(self, event: Event) -> None:
        """Takes an event in without waiting."""
        self._events.append(event)

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()
        self._db.close()

    def _work(self) -> None:
        flush_at = time.monotonic() + FLUSH_EVERY_S
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, flush_at - time.monotonic()))
            except queue.Empty:
                self._flush()
                flush_at = time.monotonic() + FLUSH_EVERY_S
                continue
            if job is None:
                return self._flush()
            work, done = job
            if done.set_running_or_notify_cancel():
                try:
                    done.set_result(self._commit(work))
                except Exception as error:  # it belongs to whoever waits
                    done.set_exception(error)

    def _commit(self, work: Work[T]) -> T:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._db)
            self._db.execute("COMMIT")
            return result
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _flush(self) -> None:
        events = [self._events.popleft() for _ in range(len(self._events))]
        if events:
            try:
                self._commit(lambda db: append(db, *events))
            except sqlite3.Error:
                log.exception("%d events were not stored", len(events))


def append(db: sqlite3.Connection, *events: Event) -> None:
    rows = (event.row() for event in events)
    db.executemany("INSERT INTO events (at, kind, subject, request_id, data) VALUES (?, ?, ?, ?, ?)", rows)


# The journal: `running` from the claim on, then the outcome of the call.


class Begun(NamedTuple):
    """What the journal says of a key: ``started`` (ours), ``replay``, ``conflict`` (409) or ``mismatch`` (422)."""

    state: str
    envelope: dict[str, Any] | None = None


def begin(db: sqlite3.Connection, key: str, fingerprint: str, now: float, lease_s: float) -> Begun:
    """Claims a key. A row whose owner is gone was perhaps carried out: it is called unknown and stays so."""
    row = db.execute("SELECT fingerprint, state, lease_until, envelope FROM calls WHERE idempotency_key = ?", (key,)).fetchone()
    if row is None:
        db.execute("INSERT INTO calls VALUES (?, ?, 'running', ?, NULL)", (key, fingerprint, now + lease_s))
        return Begun("started")
    known, state, lease_until, envelope = row
    if known != fingerprint:
        return Begun("mismatch")
    if state == "running" and lease_until > now:
        return Begun("conflict")
    if state == "running":
        db.execute("UPDATE calls SET state = 'unknown' WHERE idempotency_key = ?", (key,))
    if state == "not_executed":
        db.execute("UPDATE calls SET state = 'running', lease_until = ? WHERE idempotency_key = ?", (now + lease_s, key))
        return Begun("started")
    return Begun("replay", envelope and json.loads(envelope))


def finish(db: sqlite3.Connection, key: str, envelope: dict[str, Any], event: Event) -> None:
    """The answer and its event, in one transaction."""
    update = "UPDATE calls SET state = ?, envelope = ? WHERE idempotency_key = ?"
    db.execute(update, (envelope["outcome"], json.dumps(envelope, default=str), key))
    append(db, event)


# The cost guard, in millionths of a dollar.


def reserve(db: sqlite3.Connection, month: str, action: str, micro: int, essential: bool, cap: int) -> str | None:
    """Holds the money if the cap leaves room for it; essential calls may pass the cap and are booked apart."""
    db.execute("INSERT OR IGNORE INTO cost_months (month) VALUES (?)", (month,))
    if essential:
        held = db.execute("UPDATE cost_months SET essential_reserved = essential_reserved + ? WHERE month = ?", (micro, month))
    else:
        held = db.execute(
            "UPDATE cost_months SET reserved = reserved + ?1 WHERE month = ?2"
            " AND settled + reserved + essential_settled + essential_reserved + ?1 <= ?3",
            (micro, month, cap),
        )
    if held.rowcount != 1:
        return None
    reservation = str(uuid.uuid4())
    db.execute("INSERT INTO cost_reservations VALUES (?, ?, ?, ?, ?, 'held')", (reservation, month, action, micro, essential))
    return reservation


def settle(db: sqlite3.Connection, reservation: str, is_spent: bool) -> None:
    """Books the money or gives it back; a second time changes nothing."""
    close = "UPDATE cost_reservations SET state = ? WHERE id = ? AND state = 'held' RETURNING month, micro, essential"
    row = db.execute(close, ("settled" if is_spent else "released", reservation)).fetchone()
    if row is not None:
        month, micro, essential = row
        kind = "essential_" if essential else ""
        book = f"UPDATE cost_months SET {kind}reserved = {kind}reserved - ?, {kind}settled = {kind}settled + ? WHERE month = ?"
        db.execute(book, (micro, micro if is_spent else 0, month))


def spent(db: sqlite3.Connection, month: str) -> int:
    """Everything booked and held in the month."""
    total = "SELECT settled + reserved + essential_settled + essential_reserved FROM cost_months WHERE month = ?"
    row = db.execute(total, (month,)).fetchone()
    return int(row[0]) if row else 0
