"""Threads: which parts are published, which is next, and which part a post is.

docs/decisions/0009-threads.md says why each part goes through all states by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, cast, exists, func, update
from sqlalchemy.orm import aliased

from app.db import rows_changed
from app.models import Account, Content, Delivery, contents_of
from app.networks import Network, SeenPost


def posted_as(remote_id: str | None, url: str | None, reference: Any) -> dict[str, Any]:
    """Return the form in which a published part is stored."""
    kept = None if reference is None else dict(reference)
    return {"remote_id": remote_id, "remote_url": url, "reference": kept}


def is_next(part: int) -> ColumnElement[bool]:
    """Return the condition that exactly the parts before this one are published."""
    return func.json_array_length(Delivery.posted) == part


def parts_of(row: Row[Any], network: Network) -> list[Content]:
    """Return the parts of a row with text, parts, own (its account's variant)."""
    return contents_of(row.text, row.parts, row.own, network.threads)


def is_thread(row: Row[Any]) -> bool:
    """True when more than one part was written for the row's account."""
    return len(row.own or row.parts or ()) > 1


def may_be(row: Row[Any], post: SeenPost) -> bool:
    """False for a post that is another part of the thread, or replies to something else.

    :param row: has posted, the published parts.
    """
    known = [posted["remote_id"] for posted in row.posted if posted["remote_id"]]
    if post.remote_id in known:
        return False
    return post.in_reply_to is None or post.in_reply_to in known[-1:]


def is_anothers_part(row: Row[Any], remote_id: str) -> ColumnElement[bool]:
    """Return the condition that a post is a part of another thread of the account."""
    other = aliased(Delivery)
    return exists().where(
        other.account_id == row.account_id,
        other.id != row.id,
        func.json_array_length(other.posted) > 0,
        cast(other.posted, Text).contains(json.dumps(remote_id), autoescape=True),
    )


def may_read_alike(delivery: Any, tweet: Any, texts: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that one of a delivery's parts may have one of these texts."""
    is_more_than_text = (func.json_array_length(tweet.parts) > 0) | delivery.parts.is_not(None)
    return tweet.text.in_(set(texts)) | is_more_than_text


def one_at_a_time(account_id: int) -> None:
    """Lock the matching of an account's posts to deliveries until the commit."""
    rows_changed(update(Account).where(Account.id == account_id).values(pauses=Account.pauses))
