"""The record of a post, and the key that its owner's repository keeps it under."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.networks.base import Part
from app.networks.bluesky import text
from app.networks.bluesky.card import embed_of

COLLECTION = "app.bsky.feed.post"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MAX_LANGUAGES = 3
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_LENGTH = 13
_CLOCK_IDS = 1 << 10


def key_of(part: Part) -> str:
    """Return the record key of a part: the same at every try, another for every other part.

    It must also be the same after an older copy of the database was restored, which knows nothing
    of the tries since: so nothing that a try makes goes into it, and a second send of what is out
    finds its key taken. A key is a TID: microseconds and a 10-bit clock id. Our moments are whole
    milliseconds, so the part's own key fills the three digits below them and the clock id.
    """
    microseconds = (part.written_at - EPOCH) // timedelta(microseconds=1)
    own = int(part.key, 16)
    return tid(microseconds // 1000 * 1000 + own % 1000, own // 1000 % _CLOCK_IDS)


def tid(microseconds: int, clock_id: int) -> str:
    """Return the TID of a moment, in microseconds since 1970."""
    number = (microseconds << 10) | clock_id
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def record_of(
    part: Part, dids: Mapping[str, str], card: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the post as it is stored for ever.

    :param dids: of the handles that it mentions, by handle.
    :param card: of its link; a post has pictures or a card.
    """
    moment = part.started_at.astimezone(UTC).isoformat(timespec="milliseconds")
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": part.text,
        "createdAt": moment.replace("+00:00", "Z"),
    }
    if part.languages:
        record["langs"] = list(part.languages[:MAX_LANGUAGES])
    if facets := text.facets(part.text, dids):
        record["facets"] = facets
    if part.reply_to is not None:
        root = part.root if part.root is not None else part.reply_to
        record["reply"] = {"root": _reference(root), "parent": _reference(part.reply_to)}
    if part.pictures:
        images = [_image(picture) for picture in part.pictures]
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    elif card is not None:
        record["embed"] = embed_of(card)
    return record


def _reference(post: Mapping[str, Any]) -> dict[str, str]:
    return {"uri": post["uri"], "cid": post["cid"]}


def _image(picture: Mapping[str, Any]) -> dict[str, Any]:
    image = {"alt": picture["alt"], "image": picture["blob"]}
    width, height = picture.get("width"), picture.get("height")
    if width and height:
        image["aspectRatio"] = {"width": width, "height": height}
    return image
