"""Checks that your own executor, classifier, cost guard or dispatcher keeps its law, for your tests.

Each runs the suite that EverReach's own implementations pass, and raises :class:`AssertionError` for the first law that does not
hold, with what was seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable, Mapping, Optional, Protocol, Union

from everreach import _everreach
from everreach._everreach import ActionClassifier
from everreach.safari.dispatcher import SafariDispatcher
from everreach.safari.scripted import ScriptedDispatcher
from everreach.traits import Classifier, CostGuardProtocol, Executor

__all__ = ["MakeCostGuard", "ScriptedDispatcher", "check_classifier", "check_cost_guard", "check_executor", "check_safari_dispatcher"]


def check_executor(
    executor: Executor, working: str, *, failing: Optional[str] = None, hanging: Optional[str] = None
) -> None:
    """Checks an executor. ``working`` is an action of it that succeeds at once whatever its parameters, ``failing`` one that fails
    at once, ``hanging`` one that takes 30 s or more (a plain function that hangs keeps its thread)."""
    _everreach.check_executor(executor, working, failing, hanging)


def check_classifier(classifier: Union[Classifier, ActionClassifier]) -> None:
    """Checks a classifier."""
    _everreach.check_classifier(classifier)


class MakeCostGuard(Protocol):
    """Makes a cost guard over empty books that takes its time from ``now``."""

    def __call__(
        self, *, cap_usd: float, soft_cap_usd: float, timezone: str, now: Callable[[], datetime]
    ) -> Union[CostGuardProtocol, Any]:
        """The guard. Months begin in ``timezone``; ``now()`` is an aware ``datetime`` in UTC."""


def check_cost_guard(make: MakeCostGuard) -> None:
    """Checks a cost guard; ``make`` is called for a new one before each check."""
    _everreach.check_cost_guard(make)


def check_safari_dispatcher(
    dispatcher: SafariDispatcher,
    working: Mapping[str, Any],
    *,
    refused: Optional[Mapping[str, Any]] = None,
    doubtful: Optional[Mapping[str, Any]] = None,
    hanging: Optional[Mapping[str, Any]] = None,
    submissions: Optional[Callable[[], int]] = None,
) -> None:
    """Checks a dispatcher with commands as :meth:`everreach.SafariQueue.enqueue` takes them.

    ``working`` is an outward one that it carries out, as often as it is asked; ``refused`` one that it refuses before anything is
    submitted; ``doubtful`` one that is submitted, and then the connection breaks; ``hanging`` one that is submitted and never
    answered, which needs ``submissions``: how often something was submitted so far, by any of these. With that number every outcome is
    held against what happened.
    """
    if hanging is not None and submissions is None:
        raise TypeError("a hanging command needs `submissions`, to tell when it has been submitted")
    _everreach.check_safari_dispatcher(dispatcher, working, refused, doubtful, hanging, submissions)
