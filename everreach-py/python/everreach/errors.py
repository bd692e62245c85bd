"""What can go wrong, as exceptions.

A routed call does not raise: its failure is in the envelope (``envelope.raise_for_error()`` turns it into one of these). These are
raised for input that cannot be read, settings that do not go together, and a database that cannot be reached. A handler may make and
raise them too, to say what became of its own call: see :class:`everreach.Execution`. One that it got from a call of its own, or from a
guard, says nothing about the handler's call but that it failed.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple, Type


class EverReachError(Exception):
    """Something failed.

    ``kind`` is the stable word, ``retryable`` whether the same again can help, ``retry_after`` how many seconds to wait before
    that (``None``: at your own pace), ``context`` the values worth knowing, by name.
    """

    kind: str = "internal"
    #: Whether it reports what became of some call, rather than being raised by a handler about its own.
    _is_report: bool = False

    def __init__(
        self,
        message: str = "",
        *,
        kind: Optional[str] = None,
        retryable: bool = False,
        retry_after: Optional[float] = None,
        context: Optional[Mapping[str, str]] = None,
    ) -> None:
        super().__init__(message)
        if kind is not None:
            self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.context: Dict[str, str] = dict(context or {})

    def __reduce__(self) -> Tuple[Any, ...]:
        state = (str(self), self.kind, self.retryable, self.retry_after, self.context)
        return (_restore, (type(self), *state))


def _restore(
    cls: Type[EverReachError],
    message: str,
    kind: str,
    retryable: bool,
    retry_after: Optional[float],
    context: Mapping[str, str],
) -> EverReachError:
    # Not by calling the class: a subclass may take other arguments.
    error = cls.__new__(cls, message)
    EverReachError.__init__(error, message, kind=kind, retryable=retryable, retry_after=retry_after, context=context)
    return error


class ConfigError(EverReachError, ValueError):
    """Settings that cannot be read or do not go together."""

    kind = "config"


class InvalidInputError(EverReachError, ValueError):
    """An argument of the wrong shape."""

    kind = "invalid_input"


class UnknownActionError(EverReachError, LookupError):
    """Nobody knows the action."""

    kind = "unknown_action"


class InvalidParamsError(EverReachError, ValueError):
    """The action refused its parameters; it did not run."""

    kind = "invalid_params"


class CallTimeoutError(EverReachError, TimeoutError):
    """The call was not done in time."""

    kind = "timeout"


class OfflineError(EverReachError, ConnectionError):
    """The cloud is needed and away."""

    kind = "offline"


class UnreachableError(EverReachError, ConnectionError):
    """The other side could not be reached."""

    kind = "unreachable"


class CircuitOpenError(EverReachError):
    """The action failed too often lately; it is given a rest."""

    kind = "circuit_open"


class CostCapExceededError(EverReachError):
    """The month's money is spent."""

    kind = "cost_cap_exceeded"


class UnpricedError(EverReachError):
    """Nobody says what the call costs in the cloud."""

    kind = "unpriced"


class ApprovalRequiredError(EverReachError):
    """The call waits for a person."""

    kind = "approval_required"


class StoppedError(EverReachError):
    """The stop switch is set."""

    kind = "stopped"


class OutcomeUnknownError(EverReachError):
    """Nobody knows whether the action took effect: it is held, and never tried again by itself."""

    kind = "outcome_unknown"


class IdempotencyConflictError(EverReachError):
    """A call with the same key is still running."""

    kind = "idempotency_conflict"


class IdempotencyMismatchError(EverReachError, ValueError):
    """The key was used for another call before."""

    kind = "idempotency_mismatch"


class HandlerError(EverReachError):
    """The action ran and failed."""

    kind = "handler_error"


class UnauthorizedError(EverReachError, PermissionError):
    """The key was not accepted."""

    kind = "unauthorized"


class ForbiddenError(EverReachError, PermissionError):
    """The key has not the right."""

    kind = "forbidden"


class RateLimitedError(EverReachError):
    """Fewer calls are asked for; ``retry_after`` says when."""

    kind = "rate_limited"


class RequiresLocalError(EverReachError):
    """Only the machine at home can do it."""

    kind = "requires_local"


class NotFoundError(EverReachError, LookupError):
    """What was named does not exist."""

    kind = "not_found"


class ConflictError(EverReachError):
    """It exists already, or changed meanwhile."""

    kind = "conflict"


class StoreError(EverReachError):
    """The database refused."""

    kind = "store"


class StoreUnavailableError(StoreError, ConnectionError):
    """The database cannot be reached or written."""

    kind = "store_unavailable"


class SchemaTooNewError(StoreError):
    """The database was written by a newer EverReach."""

    kind = "schema_too_new"


class InternalError(EverReachError):
    """A fault of EverReach's own."""

    kind = "internal"


class ForkError(EverReachError, RuntimeError):
    """The object was used before this process was forked from its parent. Make a new one here."""

    kind = "forked"


class ClosedError(EverReachError, RuntimeError):
    """The object is closed."""

    kind = "closed"


_CLASSES: Dict[str, Type[EverReachError]] = {
    cls.kind: cls
    for cls in (
        ConfigError,
        InvalidInputError,
        UnknownActionError,
        InvalidParamsError,
        CallTimeoutError,
        OfflineError,
        UnreachableError,
        CircuitOpenError,
        CostCapExceededError,
        UnpricedError,
        ApprovalRequiredError,
        StoppedError,
        OutcomeUnknownError,
        IdempotencyConflictError,
        IdempotencyMismatchError,
        HandlerError,
        UnauthorizedError,
        ForbiddenError,
        RateLimitedError,
        RequiresLocalError,
        NotFoundError,
        ConflictError,
        StoreError,
        StoreUnavailableError,
        SchemaTooNewError,
        InternalError,
        ForkError,
        ClosedError,
    )
}

#: Kinds after which the same again can help.
_PASSING = frozenset({"timeout", "offline", "unreachable", "circuit_open", "rate_limited", "store_unavailable", "idempotency_conflict"})


def of_kind(
    kind: str,
    message: str,
    retryable: Optional[bool] = None,
    retry_after: Optional[float] = None,
    context: Optional[Mapping[str, str]] = None,
) -> EverReachError:
    """The exception for a kind; ``retryable`` is the kind's usual when nothing is said."""
    cls = _CLASSES.get(kind, EverReachError)
    passes = kind in _PASSING if retryable is None else retryable
    error = cls(message, kind=kind, retryable=passes, retry_after=retry_after, context=context)
    error._is_report = True
    return error
