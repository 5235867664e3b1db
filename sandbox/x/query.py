"""Reads query strings as strictly as X does, and renders Tweets and people as they ask for."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.core import iso
from sandbox.x import errors
from sandbox.x.records import Person, Tweet
from sandbox.x.state import XState
from sandbox.x.text import tags_in

MAX_EDITS, EDIT_WINDOW = 5, 3_600
ID = re.compile(r"[0-9]{1,19}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
OLD_SELECTOR, NEW_SELECTOR = "tweet.fields", "post.fields"
SELECTORS = (OLD_SELECTOR, NEW_SELECTOR, "user.fields", "expansions", "media.fields")
TIMELINE_PARAMETERS = (
    "max_results",
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "exclude",
    "pagination_token",
    *SELECTORS,
)
LIST_PARAMETERS = ("max_results", "pagination_token", *SELECTORS)
TWEET_FIELDS = (
    *("id", "text", "created_at", "author_id", "conversation_id", "in_reply_to_user_id"),
    *("entities", "attachments", "public_metrics", "lang", "source", "reply_settings"),
    *("referenced_tweets", "note_tweet", "edit_history_tweet_ids", "edit_controls"),
    *("referenced_posts", "note_post", "edit_history_post_ids", "possibly_sensitive"),
)
USER_FIELDS = (
    *("id", "name", "username", "created_at", "profile_image_url", "description", "protected"),
    *("verified", "verified_type", "subscription_type", "location", "url", "public_metrics"),
)
KNOWN_FIELDS = {
    OLD_SELECTOR: TWEET_FIELDS,
    NEW_SELECTOR: TWEET_FIELDS,
    "user.fields": USER_FIELDS,
}


@dataclass(frozen=True)
class TimelineQuery:
    """What part of a timeline is wanted. Ids are numbers, moments epoch seconds."""

    max_results: int
    since_id: int
    until_id: int | None
    start: float
    end: float | None
    exclude_replies: bool
    before_id: int | None

    def wants(self, tweet: Tweet) -> bool:
        """Whether ``tweet`` lies inside the asked window."""
        number = int(tweet.id)
        return (
            number > self.since_id
            and (self.until_id is None or number < self.until_id)
            and (self.before_id is None or number < self.before_id)
            and tweet.created_at >= self.start
            and (self.end is None or tweet.created_at < self.end)
            and not (self.exclude_replies and tweet.in_reply_to)
        )


def check_names(query: Mapping[str, str], allowed: tuple[str, ...]) -> None:
    """Raise XError for a parameter that the endpoint does not know, or a field that X lacks."""
    for name, value in query.items():
        if name not in allowed:
            listed = ",".join(sorted(allowed))
            message = f"The query parameter [{name}] is not one of [{listed}]"
            raise errors.invalid(message, name, value)
        if name in KNOWN_FIELDS:
            _listed(query, name, KNOWN_FIELDS[name])


def read_list(query: Mapping[str, str], usual: int, least: int, most: int) -> tuple[int, int]:
    """Where a page of likes or follows begins, and how long it is. Raises XError."""
    check_names(query, LIST_PARAMETERS)
    return _page(query, "at") or 0, _max_results(query, usual, least, most)


def read_timeline(query: Mapping[str, str]) -> TimelineQuery:
    """The window of ``GET /2/users/:id/tweets``. Raises XError."""
    check_names(query, TIMELINE_PARAMETERS)
    excluded = set(_listed(query, "exclude", ("replies", "retweets")))
    until_id = _number(query, "until_id")
    start, end = _moment(query, "start_time"), _moment(query, "end_time")
    return TimelineQuery(
        max_results=_max_results(query, 10, 5, 100),
        since_id=_number(query, "since_id") or 0,
        until_id=until_id,
        start=start or 0,
        end=end,
        exclude_replies="replies" in excluded,
        before_id=_page(query, "before"),
    )


def page_token(kind: str, number: int) -> str:
    """The opaque token of the page ``before`` an id, or ``at`` a place of a list."""
    return base64.urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


def render_tweet(state: XState, tweet: Tweet, query: Mapping[str, str]) -> dict[str, Any]:
    """``tweet`` with the fields that ``query`` selects; absent values are left out."""
    wanted = {"id", "text"}
    wanted |= set(_listed(query, OLD_SELECTOR, TWEET_FIELDS))
    wanted |= set(_listed(query, NEW_SELECTOR, TWEET_FIELDS))
    name = "post" if NEW_SELECTOR in query else "tweet"
    known: dict[str, Any] = {
        "id": tweet.id,
        "text": tweet.shown,
        f"edit_history_{name}_ids": tweet.versions or [tweet.id],
        "edit_controls": _edit_controls(tweet),
        "public_metrics": _metrics(tweet, name),
        "created_at": iso(tweet.created_at),
        "author_id": tweet.person_id,
        "conversation_id": _conversation(state, tweet),
        "lang": "en",
        "source": tweet.client,
        "reply_settings": tweet.extras.get("reply_settings", "everyone"),
    }
    entities = ({"urls": tweet.urls} if tweet.urls else {}) | tags_in(tweet.shown)
    if entities:
        known["entities"] = entities
    if tweet.pictures:
        keys = [f"3_{picture['id']}" for picture in tweet.pictures]
        known["attachments"] = {"media_keys": keys}
    if tweet.in_reply_to:
        known[f"referenced_{name}s"] = [{"type": "replied_to", "id": tweet.in_reply_to}]
    wanted |= {f"edit_history_{name}_ids"}
    wanted |= {field.replace("_tweet", "_post") for field in wanted if name == "post"}
    return {field: value for field, value in known.items() if field in wanted}


def _metrics(tweet: Tweet, name: str) -> dict[str, int]:
    return {
        "repost_count" if name == "post" else "retweet_count": tweet.reposts,
        "reply_count": tweet.replies,
        "like_count": tweet.likes,
        "quote_count": 0,
        "bookmark_count": 0,
        "impression_count": 100 * tweet.likes,
    }


def _edit_controls(tweet: Tweet) -> dict[str, Any]:
    left = MAX_EDITS - max(0, len(tweet.versions) - 1)
    return {
        "edits_remaining": max(0, left),
        "is_edit_eligible": not tweet.in_reply_to,
        "editable_until": iso(tweet.created_at + EDIT_WINDOW),
    }


def render_person(person: Person, query: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """``person`` with the fields that ``query`` selects."""
    wanted = {"id", "name", "username"} | set(_listed(query, "user.fields", USER_FIELDS))
    known = {
        "id": person.id,
        "name": person.name,
        "username": person.handle,
        "created_at": iso(person.created_at),
        "profile_image_url": f"{base_url}i/avatar/{person.handle}.png",
        "verified": False,
        "verified_type": "none",
        "subscription_type": "None",
        "description": "Lives in the sandbox.",
        "protected": False,
    }
    return {field: value for field, value in known.items() if field in wanted}


def _conversation(state: XState, tweet: Tweet) -> str:
    parent = state.posts.find(tweet.in_reply_to) if tweet.in_reply_to else None
    while parent is not None:
        tweet = parent
        parent = state.posts.find(tweet.in_reply_to) if tweet.in_reply_to else None
    return tweet.id


def _listed(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> list[str]:
    values = [value for value in query.get(name, "").split(",") if value]
    for value in values:
        if value not in allowed:
            listed = ",".join(sorted(allowed))
            message = f"The `{name}` query parameter value [{value}] is not one of [{listed}]"
            raise errors.invalid(message, name, value)
    return values


def _max_results(query: Mapping[str, str], usual: int, least: int, most: int) -> int:
    value = query.get("max_results", str(usual))
    if not value.isdecimal() or not least <= int(value) <= most:
        message = (
            f"The `max_results` query parameter value [{value}] is not between {least} and {most}"
        )
        raise errors.invalid(message, "max_results", value)
    return int(value)


def _number(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not ID.fullmatch(value):
        message = f"The `{name}` query parameter value [{value}] does not match ^[0-9]{{1,19}}$"
        raise errors.invalid(message, name, value)
    return int(value)


def _moment(query: Mapping[str, str], name: str) -> float | None:
    value = query.get(name)
    if value is None:
        return None
    message = f"The `{name}` query parameter value [{value}] is not a valid RFC 3339 date-time"
    if not MOMENT.fullmatch(value):
        raise errors.invalid(message, name, value)
    try:
        return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise errors.invalid(message, name, value) from error


def _page(query: Mapping[str, str], kind: str) -> int | None:
    token = query.get("pagination_token")
    if token is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        return int(re.fullmatch(rf"{kind}:([0-9]{{1,19}})", decoded)[1])  # type: ignore[index]
    except (ValueError, TypeError) as error:
        message = f"The `pagination_token` query parameter value [{token}] is not valid"
        raise errors.invalid(message, "pagination_token", token) from error
