"""What can be written in Python in place of the core's own: executors, classifiers and cost guards.

Each is a class with a few methods, plain or ``async def``; :mod:`everreach.testing` checks that one keeps its law.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Awaitable, Dict, List, Mapping, Optional, Protocol, Tuple, Union

from everreach.errors import EverReachError


@dataclass(frozen=True)
class Call:
    """One try of one action, as an executor sees it.

    ``effect`` is what running it does: ``read``, ``compute``, ``write``, ``outward`` or ``process``. ``timeout`` is in seconds.
    """

    action: str
    params: Dict[str, Any]
    effect: str
    idempotency_key: Optional[str]
    request_id: str
    timeout: float
    hops: int = 0


@dataclass(frozen=True)
class Execution:
    """What became of one try. Made with :meth:`done`, :meth:`failed`, :meth:`not_executed` or :meth:`unknown`."""

    outcome: str
    result: Any = None
    error: Optional[BaseException] = None
    suggestions: List[str] = field(default_factory=list)
    request_id: Optional[str] = None

    @classmethod
    def done(cls, result: Any = None) -> Execution:
        """It ran and returned this."""
        return cls("executed", result=result)

    @classmethod
    def failed(cls, error: BaseException) -> Execution:
        """It ran and failed."""
        return cls("executed", error=error)

    @classmethod
    def not_executed(cls, error: EverReachError, suggestions: Optional[List[str]] = None) -> Execution:
        """It provably did not run: another side may."""
        return cls("not_executed", error=error, suggestions=list(suggestions or ()))

    @classmethod
    def unknown(cls, error: EverReachError) -> Execution:
        """Nobody knows: it is held, and never tried again by itself."""
        return cls("unknown", error=error)


@dataclass(frozen=True)
class Reservation:
    """Money held for one call. ``month`` is ``YYYY-MM``."""

    id: str
    month: str
    action: str
    usd: float
    essential: bool = False


class Executor(Protocol):
    """Runs calls on this machine.

    Law: one try, never repeated by itself. The outcome is honest: :meth:`Execution.not_executed` only when the action provably did
    not run, :meth:`Execution.unknown` for anything that may have; what is returned plainly counts as the result of a success, and
    an exception as a failure of an action that ran. An action it does not know is ``not_executed`` with
    :class:`everreach.errors.UnknownActionError`. The time limit is kept for it; a coroutine is cancelled then.

    It may have ``services()``, a mapping from the names of its actions to descriptions, and ``recall(idempotency_key)``, what its
    own journal says of an earlier call.
    """

    def execute(self, call: Call) -> Union[Execution, Awaitable[Execution], Any]:
        """Runs the call once."""


class Classifier(Protocol):
    """Says what kind of work an action is.

    Law: every well-formed name has a class, the same name gives the same one until the rules change, and it answers at once. It may
    be ``async def``, which costs a change of thread at every decision.
    """

    def classify(self, action: str) -> Union[str, Tuple[str, str], Awaitable[Union[str, Tuple[str, str]]]]:
        """``"compute"`` or ``"api"``, or a pair of that and the reason."""


class CostGuardProtocol(Protocol):
    """Keeps spending under a monthly cap.

    Law: settled plus reserved spend of requests that are not essential never passes the cap. ``reserve`` holds the money or raises
    :class:`everreach.errors.CostCapExceededError`; ``settle`` and ``release`` are idempotent, the first of them decides.
    """

    def reserve(
        self, service: str, action: str, usd: float, essential: bool, call_key: Optional[str]
    ) -> Union[Reservation, Awaitable[Reservation]]:
        """Holds the money."""

    def settle(self, reservation: Reservation, usd: float) -> Union[None, Awaitable[None]]:
        """Books what it really cost."""

    def release(self, reservation: Reservation) -> Union[None, Awaitable[None]]:
        """Gives the money back: the call provably did not happen."""

    def get_monthly_cost(self) -> Union[Mapping[str, Any], Awaitable[Mapping[str, Any]]]:
        """Where the month stands: ``month``, ``total_usd``, ``reserved_usd``, ``cap_usd``, ``warning``, ``exceeded``, …"""
