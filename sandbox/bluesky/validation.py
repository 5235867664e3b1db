"""Checks a post's record as strictly as the lexicon does, and more strictly where it would show.

The real servers take facets that overlap or cut a character in two, and answers to posts that do
not exist; such a post looks broken, so here it is refused.
"""

from datetime import datetime
from typing import Any

import regex

from sandbox.bluesky import errors
from sandbox.bluesky.ids import COLLECTION, THREADGATE

MAX_GRAPHEMES, MAX_BYTES = 300, 3_000
MAX_IMAGES, MAX_IMAGE_BYTES = 4, 2_000_000
MAX_THUMB_BYTES = 1_000_000
MAX_URI = 8 * 1024
MAX_TAG_GRAPHEMES, MAX_TAG_BYTES = 64, 640
DID = regex.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
URI = regex.compile(r"\w+:(?://)?[^\s/][^\s]*")
MOMENT = regex.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
SELF_LABELS = "com.atproto.label.defs#selfLabels"
LABELS = ("porn", "sexual", "nudity", "graphic-media", "!no-unauthenticated")
REPLY_RULES = ("mentionRule", "followingRule", "followerRule")
RULES = ("disableRule",)
QUOTE = "app.bsky.embed.record"
FACETS = "app.bsky.richtext.facet"


def check_post(record: Any) -> None:
    """Raise XrpcError for a record that is no valid post."""
    if not isinstance(record, dict):
        raise errors.invalid("Input/record must be an object")
    if record.get("$type") != COLLECTION:
        found = record.get("$type")
        raise errors.invalid(f"Invalid $type: expected {COLLECTION}, got {found}")
    text = record.get("text")
    if not isinstance(text, str):
        raise _bad("text", "must be a string")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _bad("text", f"must not be longer than {MAX_BYTES} characters")
    if graphemes(text) > MAX_GRAPHEMES:
        raise _bad("text", f"must not be longer than {MAX_GRAPHEMES} graphemes")
    _check_moment(record.get("createdAt"))
    _check_langs(record.get("langs", []))
    _check_labels(record.get("labels"))
    _check_facets(text, record.get("facets", []))
    if "reply" in record:
        for name in ("root", "parent"):
            _check_reference(record["reply"], name)
    if "embed" in record:
        _check_embed(record["embed"])
    if not text and "embed" not in record:
        raise _bad("text", "must not be empty without an embed")


def check_gate(collection: str, record: Any, post: str) -> None:
    """Raise XrpcError for a record that is no valid gate of this post."""
    name, most = ("allow", REPLY_RULES) if collection == THREADGATE else ("embeddingRules", RULES)
    if not isinstance(record, dict) or record.get("$type") != collection:
        raise errors.invalid(f"Invalid {collection} record: $type")
    if record.get("post") != post:
        raise errors.invalid(f"Invalid {collection} record: post is not the one of this key")
    if set(record) - {"$type", "post", "createdAt", name}:
        raise errors.invalid(f"Invalid {collection} record: unknown property")
    _check_moment(record.get("createdAt"))
    rules = record.get(name, [])
    known = [{"$type": f"{collection}#{rule}"} for rule in most]
    if not isinstance(rules, list) or len(rules) > 5 or any(one not in known for one in rules):
        raise errors.invalid(f"Invalid {collection} record: Record/{name}")


def _check_labels(labels: Any) -> None:
    if labels is None:
        return
    if not isinstance(labels, dict) or labels.get("$type") != SELF_LABELS:
        raise _bad("labels", f"must be {SELF_LABELS}")
    values = labels.get("values")
    if not isinstance(values, list) or not 1 <= len(values) <= 10:
        raise _bad("labels/values", "must have 1 to 10 elements")
    for value in values:
        if not isinstance(value, dict) or value.get("val") not in LABELS or set(value) != {"val"}:
            raise _bad("labels/values", "must be labels that are known here")


def graphemes(text: str) -> int:
    """How many characters people see."""
    return len(regex.findall(r"\X", text))


def _bad(path: str, message: str) -> errors.XrpcError:
    return errors.invalid(f"Invalid {COLLECTION} record: Record/{path} {message}")


def _check_moment(value: Any) -> None:
    try:
        if not MOMENT.fullmatch(value):
            raise ValueError(value)
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _bad("createdAt", "must be an valid atproto datetime") from error


def _check_langs(langs: Any) -> None:
    if not isinstance(langs, list) or not all(isinstance(lang, str) for lang in langs):
        raise _bad("langs", "must be an array of strings")
    if len(langs) > 3:
        raise _bad("langs", "must not have more than 3 elements")


def _check_facets(text: str, facets: Any) -> None:
    if not isinstance(facets, list):
        raise _bad("facets", "must be an array")
    size, done = len(text.encode("utf-8", "surrogatepass")), 0
    for number, facet in enumerate(facets):
        path = f"facets/{number}"
        try:
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            features = list(facet["features"])
        except (KeyError, TypeError) as error:
            raise _bad(path, "must have index and features") from error
        if type(start) is not int or type(end) is not int or not done <= start < end <= size:
            raise _bad(f"{path}/index", "must lie in the text, in order, and not overlap")
        _check_boundaries(text, path, start, end)
        done = end
        if not features:
            raise _bad(f"{path}/features", "must not be empty")
        for feature in features:
            _check_feature(path, feature)


def _check_boundaries(text: str, path: str, start: int, end: int) -> None:
    try:
        text.encode()[start:end].decode()
    except UnicodeError as error:
        raise _bad(f"{path}/index", "must not cut a character in two") from error


def _check_feature(path: str, feature: Any) -> None:
    kind = feature.get("$type") if isinstance(feature, dict) else None
    if kind == f"{FACETS}#link":
        is_valid = _matches(URI, feature.get("uri")) and feature["uri"].isascii()
    elif kind == f"{FACETS}#mention":
        is_valid = _matches(DID, feature.get("did"))
    elif kind == f"{FACETS}#tag":
        is_valid = _is_tag(feature.get("tag"))
    else:
        is_valid = False
    if not is_valid:
        raise _bad(f"{path}/features", "must be a valid link, mention or tag")


def _matches(pattern: "regex.Pattern[str]", value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_tag(value: Any) -> bool:
    if not isinstance(value, str) or not value or value.startswith("#"):
        return False
    return len(value.encode()) <= MAX_TAG_BYTES and graphemes(value) <= MAX_TAG_GRAPHEMES


def _check_reference(reply: Any, name: str) -> None:
    try:
        reference = reply[name]
        is_valid = reference["uri"].startswith("at://") and reference["cid"].startswith("b")
    except (AttributeError, KeyError, TypeError) as error:
        raise _bad(f"reply/{name}", "must be a reference with uri and cid") from error
    if not is_valid:
        raise _bad(f"reply/{name}", "must be a reference with uri and cid")


def _check_embed(embed: Any) -> None:
    kind = embed.get("$type") if isinstance(embed, dict) else None
    if kind == "app.bsky.embed.external":
        _check_external(embed.get("external"))
        return
    if kind == QUOTE:
        _check_reference(embed, "record")
        return
    if kind == "app.bsky.embed.recordWithMedia":
        quote, media = embed.get("record"), embed.get("media")
        if not isinstance(quote, dict) or quote.get("$type") != QUOTE:
            raise _bad("embed/record", f"must be {QUOTE}")
        _check_reference(quote, "record")
        if not isinstance(media, dict) or "record" in media:
            raise _bad("embed/media", "must be pictures or a card")
        _check_embed(media)
        return
    if kind != "app.bsky.embed.images":
        raise _bad("embed", "must be app.bsky.embed.images or .external: no other is played here")
    images = embed.get("images")
    if not isinstance(images, list) or not 1 <= len(images) <= MAX_IMAGES:
        raise _bad("embed/images", f"must not have more than {MAX_IMAGES} elements, or none")
    for number, image in enumerate(images):
        if not _is_image(image):
            raise _bad(f"embed/images/{number}", "must have alt and an image of at most 2 MB")


def _check_external(card: Any) -> None:
    if not isinstance(card, dict):
        raise _bad("embed/external", "must be an object")
    uri = card.get("uri")
    if not _matches(URI, uri) or not str(uri).isascii() or len(str(uri)) > MAX_URI:
        raise _bad("embed/external/uri", "must be a uri")
    for name in ("title", "description"):
        if not isinstance(card.get(name), str):
            raise _bad(f"embed/external/{name}", "must be a string")
    if "thumb" in card and not _is_blob(card["thumb"], MAX_THUMB_BYTES):
        raise _bad("embed/external/thumb", "must be an image of at most 1 MB")


def _is_blob(blob: Any, most: int) -> bool:
    try:
        return (
            blob["$type"] == "blob"
            and isinstance(blob["ref"]["$link"], str)
            and blob["mimeType"].startswith("image/")
            and type(blob["size"]) is int
            and 0 < blob["size"] <= most
        )
    except (AttributeError, KeyError, TypeError):
        return False


def _is_image(image: Any) -> bool:
    try:
        ratio = image.get("aspectRatio", {"width": 1, "height": 1})
        return (
            isinstance(image["alt"], str)
            and _is_blob(image["image"], MAX_IMAGE_BYTES)
            and all(type(ratio[side]) is int and ratio[side] >= 1 for side in ("width", "height"))
        )
    except (AttributeError, KeyError, TypeError):
        return False
