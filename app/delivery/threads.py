"""What follows when a part of a tweet is out: the next part, or, after the last, the end.

docs/decisions/0009-threads.md says why each part passes the whole cycle by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Text, cast, exists, func, update
from sqlalchemy.orm import aliased

from app.db import db, from_now, rows_changed
from app.models import AFRESH, DOUBTED, Account, Content, Delivery, contents_of
from app.networks import Network, SeenPost
from app.states import State

STAYS = (State.CANCELLED, State.HELD)
"""A late answer for a part changes nothing about these but what is out."""


def posted_as(remote_id: str | None, url: str | None, reference: Any) -> dict[str, Any]:
    """Return how a part that is out is kept."""
    kept = None if reference is None else dict(reference)
    return {"remote_id": remote_id, "remote_url": url, "reference": kept}


def is_next(part: int) -> ColumnElement[bool]:
    """Return the condition that exactly the parts before this one are out."""
    return func.json_array_length(Delivery.posted) == part


def changes(posted: Sequence[Mapping[str, Any]], parts: int, accepted_at: Any) -> dict[str, Any]:
    """Return what a row becomes when these of its parts are out.

    :param accepted_at: when the network took the newest of them.
    """
    if len(posted) < parts:
        return {"posted": list(posted), **_next_part()}
    return {
        "posted": list(posted) if parts > 1 else [],
        "state": State.PUBLISHED,
        "remote_id": posted[0]["remote_id"],
        "remote_url": posted[0]["remote_url"],
        "accepted_at": accepted_at,
        "finished_at": from_now(),
        "next_at": None,
        "hold_reason": None,
        "error_code": None,
        "error_detail": None,
    }


def _next_part() -> dict[str, Any]:
    """Return what makes the next part due; after a restored backup its owner is asked first."""
    again = {
        **AFRESH,
        "state": State.SCHEDULED,
        "not_before": from_now(),
        "next_at": from_now(),
        "finished_at": None,
        "error_code": None,
        "error_detail": None,
    }
    asking = {**again, **DOUBTED}
    stays = Delivery.state.in_(STAYS)
    return {
        name: db.case(
            (stays, getattr(Delivery, name)),
            (Delivery.asks_first, asking[name]),
            else_=again.get(name, getattr(Delivery, name)),
        )
        for name in asking
    }


def parts_of(row: Row[Any], network: Network) -> list[Content]:
    """Return the parts of a row with text, parts, own (its account's variant)."""
    return contents_of(row.text, row.parts, row.own, network.threads)


def is_thread(row: Row[Any]) -> bool:
    """True when more than one part was written for the row's account."""
    return len(row.own or row.parts or ()) > 1


def may_be(row: Row[Any], post: SeenPost) -> bool:
    """False for a post that is another part of the thread, or answers something else.

    :param row: has posted, the parts that are out.
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
    """Return the condition that a delivery may have one of these texts in some part."""
    is_more_than_text = (func.json_array_length(tweet.parts) > 0) | delivery.parts.is_not(None)
    return tweet.text.in_(set(texts)) | is_more_than_text


def one_at_a_time(account_id: int) -> None:
    """Until the commit, let nobody else decide which of an account's posts belongs to whom."""
    rows_changed(update(Account).where(Account.id == account_id).values(pauses=Account.pauses))
