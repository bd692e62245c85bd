"""Values that have no JSON form of their own, but one that everybody expects."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID


def plain(value: Any) -> Any:
    """The value that goes into JSON in place of this one; raises :class:`TypeError` when there is none."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Decimal) and not value.is_finite():
        raise TypeError(str(value))
    if isinstance(value, (Decimal, UUID, PurePath)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        # In an order of their own: the same set is the same JSON in every process.
        return sorted(value, key=lambda item: (type(item).__name__, str(item)))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump()
    raise TypeError(type(value).__name__)
