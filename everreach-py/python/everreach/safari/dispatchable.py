"""A command that may be sent, as a dispatcher sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Literal, Mapping, Optional, Type, Union

Verb = Literal["send_dm", "comment", "market_research", "navigate", "sync", "sync_linkedin", "score", "generate", "pipeline"]
Platform = Literal["instagram", "twitter", "tiktok", "linkedin", "threads", "facebook"]
Service = Literal[
    "instagram-dm", "twitter-dm", "threads-comments", "instagram-comments", "tiktok-comments", "twitter-comments", "tiktok-dm",
    "linkedin-automation", "market-research",
]  # fmt: skip


@dataclass(frozen=True)
class DmWork:
    """A direct message. ``recipient`` is the user name without ``@``, on LinkedIn the address of the profile; ``contact`` the same
    person as lists and rules know them. ``force`` asks to skip the service's hours, limits and memory of whom it has messaged."""

    platform: Platform
    service: Service
    recipient: str
    contact: str
    text: str
    force: bool


@dataclass(frozen=True)
class CommentWork:
    """A comment under a post. ``author`` is who wrote the post, where the address names one; without ``text`` the service writes it."""

    platform: Platform
    service: Service
    post_url: str
    author: Optional[str]
    text: Optional[str]


@dataclass(frozen=True)
class ResearchWork:
    """A search."""

    platform: Platform
    keyword: str
    max_posts: int


@dataclass(frozen=True)
class NavigationWork:
    """A page to open, and who opens it: a service, or AppleScript on a Mac."""

    platform: Optional[Platform]
    url: str
    opener: Literal["comment_service", "linkedin_profile", "apple_script"]


@dataclass(frozen=True)
class CrmWork:
    """A step of the CRM script. ``limit`` is how many contacts are scored, ``min_score`` from where on a message is written."""

    step: Literal["sync", "sync_linkedin", "score", "generate", "pipeline"]
    limit: int
    min_score: int


Work = Union[DmWork, CommentWork, ResearchWork, NavigationWork, CrmWork]

_WORK: Dict[str, Type[Any]] = {
    "dm": DmWork,
    "comment": CommentWork,
    "research": ResearchWork,
    "navigation": NavigationWork,
    "crm": CrmWork,
}


@dataclass(frozen=True)
class Dispatchable:
    """A command that came through the gate: everything in it was checked and has the form in which it is sent.

    ``command_id`` is also the key under which a service can tell a repeat, the same on every ``attempt``, of which the first is 1.
    ``action`` is the limit that it counts against, ``contact`` whom it reaches, where that can be told. ``work`` is what is to be
    done: ``isinstance(command.work, DmWork)``, and so on.
    """

    command_id: str
    attempt: int
    verb: Verb
    platform: Optional[Platform]
    service: Optional[Service]
    action: Optional[Literal["dm", "comment"]]
    contact: Optional[str]
    work: Work


def of_core(fields: Mapping[str, Any]) -> Dispatchable:
    """The command of the core's fields."""
    work = dict(fields["work"])
    kind = _WORK[work.pop("work")]
    return Dispatchable(**{**fields, "work": kind(**work)})
