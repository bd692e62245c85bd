"""The topics of this worker. Each computes its answer from its parameters, the same for the same input."""

from __future__ import annotations

import re
import statistics
from typing import Any, Dict, List

from service_registry import InvalidParams, Params, ServiceRegistry

registry = ServiceRegistry()

WORD = re.compile(r"[\w']+")
CALLS_TO_ACTION = ("subscribe", "follow", "comment", "share", "save this", "link in", "sign up", "download", "try it", "join")
HOOK_WORDS = ("how", "why", "what", "stop", "never", "secret", "mistake", "you", "nobody", "first", "best", "worst")
STOP_WORDS = frozenset(
    "a an and are as at be but by for from has have i if in is it its of on or our so that the their they this to was we were will "
    "with you your".split()
)
COMFORTABLE_WORDS_PER_MINUTE = (130, 175)
YOUTUBE_TITLE = 100
YOUTUBE_TAGS = 500


def text_of(params: Params, name: str) -> str:
    """The text under ``name``; refused when it is missing or empty."""
    value = params.get(name)
    if not isinstance(value, str) or not value.strip():
        raise InvalidParams(f"{name} must be a text that is not empty")
    return value.strip()


def number_of(params: Params, name: str, default: float = 0.0) -> float:
    """The number under ``name``, zero or more."""
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise InvalidParams(f"{name} must be a number, zero or more")
    return float(value)


def list_of(params: Params, name: str) -> List[Dict[str, Any]]:
    """The objects under ``name``; at least one."""
    value = params.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise InvalidParams(f"{name} must be a list with at least one object")
    return value


def words(text: str) -> List[str]:
    """The words of a text, in lower case."""
    return WORD.findall(text.lower())


def keywords(text: str, limit: int) -> List[str]:
    """The words that carry meaning, the most frequent first."""
    counts: Dict[str, int] = {}
    for word in words(text):
        if len(word) > 2 and word not in STOP_WORDS:
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))[:limit]


def engagement(post: Dict[str, Any]) -> float:
    """Likes, comments and shares per view; a comment weighs two likes, a share three."""
    views = number_of(post, "views", number_of(post, "impressions"))
    actions = number_of(post, "likes") + 2 * number_of(post, "comments", number_of(post, "replies")) + 3 * number_of(post, "shares")
    return actions / views if views else 0.0


@registry.register("system.heartbeat", "that this worker lives, and what it offers")
def heartbeat(params: Params) -> Dict[str, Any]:
    return {"services": {service: "up" for service in registry.list_services()}}


@registry.register("content.analyze_video", "score of hook, call to action and pace from transcript and duration_s")
def analyze_video(params: Params) -> Dict[str, Any]:
    transcript = text_of(params, "transcript")
    spoken = words(transcript)
    duration = number_of(params, "duration_s", len(spoken) / 150 * 60)
    if not spoken or duration <= 0:
        raise InvalidParams("transcript must hold words and duration_s must be above zero")
    opening = re.split(r"(?<=[.!?])\s", transcript)[0]
    hook = 40 * any(word in words(opening) for word in HOOK_WORDS) + 30 * ("?" in opening) + 30 * (len(words(opening)) <= 12)
    found = [call for call in CALLS_TO_ACTION if call in transcript.lower()]
    ending = " ".join(spoken[-max(10, len(spoken) // 5) :])
    call_to_action = 60 * bool(found) + 40 * any(call in ending for call in found)
    pace = len(spoken) / duration * 60
    low, high = COMFORTABLE_WORDS_PER_MINUTE
    off = max(low - pace, pace - high, 0)
    pace_score = max(0, round(100 - off))
    advice = []
    if hook < 60:
        advice.append("open with a short question or a promise to the viewer")
    if not call_to_action:
        advice.append("ask for one thing, at the end")
    if off:
        advice.append("speak slower" if pace > high else "speak faster or cut pauses")
    return {
        "score": round(0.5 * hook + 0.3 * call_to_action + 0.2 * pace_score),
        "hook": {"score": hook, "text": opening},
        "call_to_action": {"score": call_to_action, "found": found},
        "pace": {"score": pace_score, "words_per_minute": round(pace)},
        "advice": advice,
    }


@registry.register("content.generate", "variants of a post from topic, audience and count, by template")
def generate(params: Params) -> Dict[str, Any]:
    topic, audience = text_of(params, "topic"), text_of(params, "audience") if "audience" in params else "people like you"
    count = int(number_of(params, "count", 3))
    templates = (
        "Most {audience} get {topic} wrong. Here is what works instead.",
        "What would change for {audience} if {topic} took ten minutes a day?",
        "Three things about {topic} that nobody tells {audience}.",
        "I asked {audience} about {topic}. One answer came up again and again.",
        "{Topic}, without the noise: a short guide for {audience}.",
    )
    if not 1 <= count <= len(templates):
        raise InvalidParams(f"count must be from 1 to {len(templates)}")
    # The topic decides where to begin, so that two topics do not open alike.
    begin = sum(topic.lower().encode()) % len(templates)
    chosen = [templates[(begin + index) % len(templates)] for index in range(count)]
    tags = ["#" + word for word in keywords(f"{topic} {audience}", 3)]
    capital = topic[:1].upper() + topic[1:]
    variants = [template.format(topic=topic, Topic=capital, audience=audience) for template in chosen]
    return {"variants": [{"text": text, "characters": len(text), "hashtags": tags} for text in variants]}


@registry.register("content.youtube_payload", "upload metadata from title, transcript and chapters, within YouTube's limits")
def youtube_payload(params: Params) -> Dict[str, Any]:
    title, transcript = text_of(params, "title"), text_of(params, "transcript")
    tags: List[str] = []
    for word in keywords(f"{title} {transcript}", 40):
        if len(",".join([*tags, word])) <= YOUTUBE_TAGS:
            tags.append(word)
    summary = " ".join(re.split(r"(?<=[.!?])\s", transcript)[:2])
    chapters = [
        f"{int(number_of(chapter, 'at_s')) // 60}:{int(number_of(chapter, 'at_s')) % 60:02} {text_of(chapter, 'name')}"
        for chapter in (list_of(params, "chapters") if "chapters" in params else [])
    ]
    description = "\n\n".join(part for part in (summary, "\n".join(chapters)) if part)
    short = title if len(title) <= YOUTUBE_TITLE else title[: YOUTUBE_TITLE - 1].rstrip() + "…"
    return {"snippet": {"title": short, "description": description, "tags": tags}, "status": {"privacyStatus": "private"}}


@registry.register("twitter.metrics", "rates from counts of impressions, likes, replies, reposts and clicks")
def twitter_metrics(params: Params) -> Dict[str, Any]:
    impressions = number_of(params, "impressions")
    counts = {name: number_of(params, name) for name in ("likes", "replies", "reposts", "clicks")}
    rates = {f"{name}_per_1000": round(count / impressions * 1000, 2) if impressions else None for name, count in counts.items()}
    total = sum(counts.values())
    return {"impressions": impressions, **rates, "engagement_rate": round(total / impressions, 4) if impressions else None}


@registry.register("feedback.analysis", "which posts did well, and by how much, from a list of posts with their counts")
def feedback_analysis(params: Params) -> Dict[str, Any]:
    posts = list_of(params, "posts")
    rates = [engagement(post) for post in posts]
    mean, spread = statistics.fmean(rates), statistics.pstdev(rates)
    ranked = sorted(range(len(posts)), key=lambda index: -rates[index])
    best = posts[ranked[0]]
    above = [posts[index] for index in ranked if rates[index] > mean]
    return {
        "posts": len(posts),
        "engagement": {"mean": round(mean, 4), "median": round(statistics.median(rates), 4), "spread": round(spread, 4)},
        "best": {"id": best.get("id"), "engagement": round(rates[ranked[0]], 4)},
        "above_average": [post.get("id") for post in above],
        "words_of_the_best": keywords(" ".join(str(post.get("text", "")) for post in above), 5),
    }


@registry.register("social.summary", "followers and engagement over all platforms, from a list of accounts")
def social_summary(params: Params) -> Dict[str, Any]:
    platforms: Dict[str, Dict[str, float]] = {}
    for account in list_of(params, "accounts"):
        totals = platforms.setdefault(text_of(account, "platform").lower(), {"followers": 0, "views": 0, "engagements": 0})
        totals["followers"] += number_of(account, "followers")
        totals["views"] += number_of(account, "views")
        totals["engagements"] += sum(number_of(account, name) for name in ("likes", "comments", "shares"))
    rate = {name: totals["engagements"] / totals["views"] if totals["views"] else 0.0 for name, totals in platforms.items()}
    return {
        "platforms": {name: {**totals, "engagement_rate": round(rate[name], 4)} for name, totals in sorted(platforms.items())},
        "followers": sum(totals["followers"] for totals in platforms.values()),
        "strongest": max(sorted(rate), key=lambda name: rate[name]),
    }
