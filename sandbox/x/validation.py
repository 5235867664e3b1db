"""Reads the body of a create as strictly as X does (docs: X endpoints)."""

import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.x import errors
from sandbox.x.posts import EXTRAS
from sandbox.x.text import MAX_WEIGHT, cashtags, has_invalid_characters, normalise, weight

ID = re.compile(r"[0-9]{1,19}")
TEXT_FIELDS = ("text", "quote_tweet_id", "community_id", "card_uri", "direct_message_deep_link")
TRUTH_FIELDS = (
    "share_with_followers",
    "for_super_followers_only",
    "nullcast",
    "made_with_ai",
    "paid_partnership",
)
REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
EXCLUSIVE = ("media", "poll", "quote_tweet_id", "card_uri")


def read_create(raw: bytes, mimetype: str) -> tuple[str, str | None, list[str], dict[str, Any]]:
    """The normalised text, the id replied to, the ids of pictures and the rest of a create.

    The rest is who can reply, the mark of AI and the poll.

    Raises XError for anything X would refuse before looking at the account.
    """
    body = _read_json(raw, mimetype)
    for name, value in body.items():
        if name not in CHECKS:
            raise errors.invalid(f"$.{name}: is not defined in the schema", name, value)
        if not CHECKS[name](value):
            raise errors.invalid(f"$.{name}: is not valid", name, value)
    given = [name for name in EXCLUSIVE if name in body]
    if len(given) > 1:
        raise errors.invalid(f"{' and '.join(given)} exclude one another", given[0], "")
    if "quote_tweet_id" in body:
        raise errors.reply_not_allowed()
    media_ids: list[str] = body.get("media", {}).get("media_ids", [])
    rest = {name: body[name] for name in EXTRAS if name in body}
    return _read_text(body), body.get("reply", {}).get("in_reply_to_tweet_id"), media_ids, rest


def _read_json(raw: bytes, mimetype: str) -> dict[str, Any]:
    if mimetype != "application/json":
        raise errors.invalid("Content-Type must be application/json", "content-type", mimetype)
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise errors.invalid("The body is not valid JSON", "body", "") from error
    if not isinstance(body, dict):
        raise errors.invalid("$: object expected", "body", "")
    return body


def _read_text(body: dict[str, Any]) -> str:
    text = normalise(body.get("text", ""))
    if not text and "media" not in body:
        raise errors.invalid("$.text: is missing or empty", "text", "")
    if has_invalid_characters(text):
        raise errors.invalid("$.text: holds characters that are not allowed", "text", "")
    if weight(text) > MAX_WEIGHT:
        raise errors.too_long()
    if len(cashtags(text)) > 1:
        raise errors.plain(403, "A Tweet may contain at most 1 cashtag.")
    return text


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list_of_ids(value: Any, most: int) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= most and all(map(_is_id, value))


def _object(value: Any, required: set[str], optional: set[str]) -> bool:
    return isinstance(value, dict) and required <= set(value) <= required | optional


def _is_reply(value: Any) -> bool:
    optional = {"exclude_reply_user_ids", "auto_populate_reply_metadata"}
    return (
        _object(value, {"in_reply_to_tweet_id"}, optional)
        and _is_id(value["in_reply_to_tweet_id"])
        and _is_truth(value.get("auto_populate_reply_metadata", False))
        and _is_list_of_ids(value.get("exclude_reply_user_ids", ["1"]), 10)
    )


def _is_media(value: Any) -> bool:
    return (
        _object(value, {"media_ids"}, {"tagged_user_ids"})
        and _is_list_of_ids(value["media_ids"], 4)
        and _is_list_of_ids(value.get("tagged_user_ids", ["1"]), 10)
    )


def _is_poll(value: Any) -> bool:
    if not _object(value, {"options", "duration_minutes"}, {"reply_settings"}):
        return False
    options, minutes = value["options"], value["duration_minutes"]
    return (
        isinstance(options, list)
        and 2 <= len(options) <= 4
        and all(isinstance(option, str) and 1 <= len(option) <= 25 for option in options)
        and type(minutes) is int
        and 5 <= minutes <= 10_080
    )


CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(TEXT_FIELDS, _is_text),
    **dict.fromkeys(TRUTH_FIELDS, _is_truth),
    "reply": _is_reply,
    "media": _is_media,
    "poll": _is_poll,
    "reply_settings": lambda value: value in REPLY_SETTINGS,
    "geo": lambda value: _object(value, {"place_id"}, set()),
    "edit_options": lambda value: _object(value, {"previous_post_id"}, set()),
}
