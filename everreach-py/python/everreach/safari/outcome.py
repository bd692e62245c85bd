"""What became of one try of a command."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Optional, get_args

from everreach.errors import InvalidInputError

Verdict = Literal["sent", "sent_unverified", "duplicate", "refused", "unknown"]
#: Whether a refused command is tried again: ``free`` uses up none of its three repeats, ``counted`` one, ``never`` is final.
Repeat = Literal["free", "counted", "never"]
#: Why a try was refused, or why nobody knows. After ``captcha``, ``not_logged_in``, ``action_blocked``, ``platform_limited`` and
#: ``account_restricted`` the account stops, or that kind of action does.
Reason = Literal[
    "service_unreachable", "wrong_service", "token_refused", "invalid_request", "not_found", "rate_limited", "outside_hours",
    "hourly_limit", "daily_limit", "safari_busy", "in_flight", "no_tab", "no_session", "service_unavailable", "recipient_not_found",
    "recipient_unavailable", "identity_mismatch", "page_failed", "comments_closed", "delivery_failed", "left_in_composer",
    "platform_limited", "action_blocked", "captcha", "not_logged_in", "account_restricted", "no_results", "service_failed",
    "timed_out", "connection_lost", "bad_answer", "not_started", "program_failed", "needs_mac",
]  # fmt: skip
#: How it is known that a command was carried out before.
Known = Literal["already_messaged", "already_in_conversation"]

_REASONS = {
    "sent": ("verified", "done"),
    "sent_unverified": ("unverified",),
    "duplicate": get_args(Known),
    "refused": get_args(Reason),
    "unknown": get_args(Reason),
}


@dataclass(frozen=True)
class DispatchOutcome:
    """What became of one try. Made with :meth:`sent`, :meth:`done`, :meth:`sent_unverified`, :meth:`duplicate`, :meth:`refused` or
    :meth:`unknown`; what does not go together raises :class:`everreach.errors.InvalidInputError`.

    >>> DispatchOutcome.refused("no_tab", "Safari has no tab open", repeat="free").verdict
    'refused'
    >>> DispatchOutcome.unknown("timed_out", "no answer came").repeat is None
    True

    ``detail`` is the same as a sentence, for people; ``answer`` what the service answered, if that has a JSON form; ``retry_after``
    how many seconds the service asked to be left alone.
    """

    verdict: Verdict
    reason: str
    detail: str
    repeat: Optional[Repeat] = None
    answer: Any = None
    retry_after: Optional[float] = None

    def __post_init__(self) -> None:
        if self.verdict not in _REASONS:
            raise _wrong("verdict", self.verdict, "there is no such verdict")
        if self.reason not in _REASONS[self.verdict]:
            raise _wrong("reason", self.reason, f"{self.verdict} has no such reason")
        if not isinstance(self.detail, str) or not self.detail.strip():
            raise _wrong("detail", self.detail, "an outcome says in words what was seen")
        if (self.verdict == "refused") != (self.repeat is not None) or self.repeat not in (None, *get_args(Repeat)):
            raise _wrong("repeat", self.repeat, "a refusal, and nothing else, is repeated free, counted or never")
        if self.retry_after is not None:
            if self.verdict != "refused" or self.repeat == "never":
                raise _wrong("retry_after", self.retry_after, "only what is tried again waits")
            if not isinstance(self.retry_after, (int, float)) or not (0 <= self.retry_after < math.inf):
                raise _wrong("retry_after", self.retry_after, "a number of seconds, zero or more, is wanted")

    @classmethod
    def sent(cls, detail: str, *, answer: Any = None) -> DispatchOutcome:
        """It was sent, and seen to be: never repeated, counted in the limits."""
        return cls("sent", "verified", detail, answer=answer)

    @classmethod
    def done(cls, detail: str, *, answer: Any = None) -> DispatchOutcome:
        """It was done, and is nothing that is sent: a search, a page, a step of the CRM."""
        return cls("sent", "done", detail, answer=answer)

    @classmethod
    def sent_unverified(cls, detail: str, *, answer: Any = None) -> DispatchOutcome:
        """It was submitted and not seen afterwards: never repeated, counted in the limits."""
        return cls("sent_unverified", "unverified", detail, answer=answer)

    @classmethod
    def duplicate(cls, detail: str, *, reason: Known = "already_messaged", answer: Any = None) -> DispatchOutcome:
        """It was carried out before, and nothing was done now: the command is complete."""
        return cls("duplicate", reason, detail, answer=answer)

    @classmethod
    def refused(
        cls, reason: Reason, detail: str, *, repeat: Repeat, retry_after: Optional[float] = None, answer: Any = None
    ) -> DispatchOutcome:
        """It certainly was not submitted. Whatever may have been is :meth:`unknown`."""
        return cls("refused", reason, detail, repeat, answer, retry_after)

    @classmethod
    def unknown(cls, reason: Reason, detail: str, *, answer: Any = None) -> DispatchOutcome:
        """Nobody knows whether it was submitted: held for a person, never repeated by itself. Of what sends nothing it counts as
        refused, with a counted repeat."""
        return cls("unknown", reason, detail, answer=answer)


def _wrong(field: str, seen: object, message: str) -> InvalidInputError:
    return InvalidInputError(message, context={"field": field, "seen": str(seen)})
