"""What carries the commands of Safari's queue to the services, when it is written in Python."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Awaitable, Literal, Optional, Union

from everreach.errors import InvalidInputError
from everreach.safari.dispatchable import Dispatchable, Service
from everreach.safari.outcome import DispatchOutcome


@dataclass(frozen=True)
class ServiceHealth:
    """How a service is. Made with :meth:`healthy`, :meth:`down` or :meth:`timeout`; ``detail`` says why."""

    status: Literal["healthy", "down", "timeout"]
    detail: str

    def __post_init__(self) -> None:
        if self.status not in ("healthy", "down", "timeout"):
            raise InvalidInputError("a service is healthy, down or timeout", context={"field": "status", "seen": str(self.status)})
        if not isinstance(self.detail, str) or not self.detail.strip():
            raise InvalidInputError("health says why", context={"field": "detail", "seen": str(self.detail)})

    @classmethod
    def healthy(cls, detail: str = "it answered") -> ServiceHealth:
        """It answered, and it is the one that was meant: commands go to it."""
        return cls("healthy", detail)

    @classmethod
    def down(cls, detail: str) -> ServiceHealth:
        """It cannot be reached, or somebody else answers: its commands wait."""
        return cls("down", detail)

    @classmethod
    def timeout(cls, detail: str) -> ServiceHealth:
        """It did not answer in time: its commands wait."""
        return cls("timeout", detail)


@dataclass(frozen=True)
class Limit:
    """How many of one action an account may do. ``None`` is no limit, 0 is never. The stricter of this and the settings' counts."""

    per_hour: Optional[int] = None
    per_day: Optional[int] = None

    def __post_init__(self) -> None:
        for field, number in (("per_hour", self.per_hour), ("per_day", self.per_day)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**32):
                raise InvalidInputError("a limit is a whole number, or none", context={"field": field, "seen": str(number)})


class SafariDispatcher(abc.ABC):
    """Carries commands to the services. Each method is plain or ``async def``; :func:`everreach.testing.check_safari_dispatcher`
    checks that one keeps its law.

    Law: :meth:`dispatch` is one try, never repeated by itself, at one service. The outcome is honest: ``refused`` only when the
    command certainly was not submitted, ``sent`` only when that was seen; whatever may have been submitted is ``unknown``.

    An exception that is raised with one of the kinds that mean "not begun" (:class:`everreach.errors.RateLimitedError`,
    ``InvalidParamsError``, ``UnauthorizedError``, ``OfflineError`` and the others of docs/python.md) is a refusal. After any other,
    after a cancellation and after the time limit the outcome is unknown: held for a person, and never tried again by itself.

    A coroutine runs on the loop of whoever awaits :meth:`SafariQueue.run` or :meth:`SafariQueue.run_once`, or on a loop of our own for
    whoever waits; a plain function runs in a thread.
    """

    #: Seconds that one :meth:`dispatch` may take; ``None``: as long as the service's own may. It is not cut off then: what it comes
    #: to later is logged.
    timeout: Optional[float] = None

    @abc.abstractmethod
    def health(self, service: Service) -> Union[ServiceHealth, Awaitable[ServiceHealth]]:
        """How a service is, within 4 s. Changes nothing. Asked at most once a minute while nothing else is wrong; commands go only to
        services that are healthy."""

    @abc.abstractmethod
    def dispatch(self, command: Dispatchable) -> Union[DispatchOutcome, Awaitable[DispatchOutcome]]:
        """Carries one command out, once."""

    def limits(self, service: Service) -> Union[Optional[Limit], Awaitable[Optional[Limit]]]:
        """The limits that the service says it keeps, within 4 s; ``None`` when it says none."""
        return None
