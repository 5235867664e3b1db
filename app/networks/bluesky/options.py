"""What a post on Bluesky can have: languages, labels, gates for replies and quotes, a quote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app import untrusted
from app.networks import option_values
from app.networks.base import Limits, Part
from app.networks.bluesky.responses import COLLECTION
from app.networks.options import Given, Option, OptionProblem, Shown, Value

THREADGATE = "app.bsky.feed.threadgate"
POSTGATE = "app.bsky.feed.postgate"
SELF_LABELS = "com.atproto.label.defs#selfLabels"
NOBODY = "nobody"
LABELS = (
    Value("sexual", "Suggestive"),
    Value("nudity", "Nudity"),
    Value("porn", "Adult content"),
    Value("graphic-media", "Graphic media"),
)
REPLIES = (
    Value(NOBODY, "Nobody"),
    Value("mentionRule", "People it mentions"),
    Value("followingRule", "People you follow"),
    Value("followerRule", "Your followers"),
)
OFFERED = (
    Option("langs", "languages", "Languages", limit=3),
    Option("labels", "choices", "Content labels", LABELS),
    Option("threadgate", "choices", "Who can reply", REPLIES, alone=NOBODY),
    Option("postgate", "choice", "Who can quote it", (Value("disableRule", "Nobody"),)),
    Option("quote", "post", "Post to quote"),
)
_PAGE = re.compile(
    r"https?://[^/?#\s]+/profile/(?P<actor>[^/?#\s]+)/post/(?P<rkey>[A-Za-z0-9._:~-]{1,512})/?"
)
_URI = re.compile(
    rf"at://(?P<actor>[^/?#\s]+)/{re.escape(COLLECTION)}/(?P<rkey>[A-Za-z0-9._:~-]{{1,512}})"
)


def check(given: Given, _shown: Shown, _limits: Limits) -> None:
    """Raise OptionProblem for what Bluesky does not take."""
    option_values.check(OFFERED, given)
    if "quote" in given and quoted_in(given["quote"]) is None:
        raise OptionProblem("option_post", name="quote")


def quoted_in(address: str) -> tuple[str, str] | None:
    """Return the author, a handle or a DID, and the record key of a post; None for no post.

    :param address: of its page, at whatever website, or its ``at://``.
    """
    found = _PAGE.fullmatch(address) or _URI.fullmatch(address)
    return (found["actor"].removeprefix("@"), found["rkey"]) if found else None


def labels_of(part: Part) -> Mapping[str, Any] | None:
    """Return the labels of a record, None for none: each part of a thread has them."""
    labels = part.options.get("labels")
    return {"$type": SELF_LABELS, "values": [{"val": one} for one in labels]} if labels else None


def gates_of(part: Part) -> dict[str, list[str]]:
    """Return the rules of the gates that a part gets, by collection.

    Who can reply is said of a thread as a whole, at its first part; who can quote, of each part.
    """
    rules: dict[str, list[str]] = {}
    if part.is_first and (allowed := part.options.get("threadgate")):
        rules[THREADGATE] = [rule for rule in allowed if rule != NOBODY]
    if rule := part.options.get("postgate"):
        rules[POSTGATE] = [rule]
    return rules


def gate_of(collection: str, rules: list[str], post: str, created_at: str) -> dict[str, Any]:
    """Return the record of a gate.

    :param post: the URI of the post, whose record key the gate has, too.
    """
    name = "allow" if collection == THREADGATE else "embeddingRules"
    return {
        "$type": collection,
        "post": post,
        "createdAt": created_at,
        name: [{"$type": f"{collection}#{rule}"} for rule in rules],
    }


def embed_of(
    embed: Mapping[str, Any] | None, quote: Mapping[str, str] | None
) -> Mapping[str, Any] | None:
    """Return what a record embeds: pictures or a card, a quoted post, or both.

    :param quote: uri and cid of the quoted post.
    """
    if quote is None:
        return embed
    record = {
        "$type": "app.bsky.embed.record",
        "record": {"uri": quote["uri"], "cid": quote["cid"]},
    }
    if embed is None:
        return record
    return {"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": embed}


def reference_in(post: Any) -> dict[str, str] | None:
    """Return uri and cid of a post as the index shows it; None where it shows none."""
    if not isinstance(post, dict):
        return None
    uri, cid = untrusted.identifier(post.get("uri")), untrusted.identifier(post.get("cid"))
    return {"uri": uri, "cid": cid} if uri and cid else None


def may_be_quoted(post: Mapping[str, Any]) -> bool:
    """False for a post whose author lets nobody quote it."""
    viewer = post.get("viewer")
    return not (isinstance(viewer, dict) and viewer.get("embeddingDisabled") is True)
