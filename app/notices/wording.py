"""What a notice is about, as its sentence needs it: for pages, and for mails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import current_app

from app.db import db, id_in
from app.models import Account, Delivery, Notice, Tweet
from app.sentences import shortened

MAX_WORDS = 60
"""Characters of a text by which its owner knows it again."""


def facts_of(notices: Sequence[Notice]) -> list[dict[str, Any]]:
    """Return the facts of which ``app.sentences.told`` makes the sentences, in the same order.

    They have the first words of texts: never for a log.
    """
    tweets, accounts = _tweets(notices), _accounts(notices)
    networks = current_app.extensions["networks"]
    found = []
    for one in notices:
        account = accounts.get(one.account_id)
        named = {"title": "", "handle": ""}
        if account is not None:
            named = {"title": networks[account.network].title, "handle": account.handle}
        said = tweets.get(one.job_id or "", {"words": "", "due_at": None})
        found.append({**one.facts, "kind": one.kind, **said, **named})
    return found


def _tweets(notices: Iterable[Notice]) -> dict[str, dict[str, str]]:
    """Return how the texts begin that notices are about, and when they were due (ISO 8601), by
    job id; old ones are deleted."""
    job_ids = [one.job_id for one in notices if one.job_id]
    if not job_ids:
        return {}
    rows = db.session.execute(
        db.select(Delivery.id, Delivery.parts, Delivery.due_at, Tweet.text)
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .where(id_in(Delivery.id, job_ids))
    )
    return {
        row.id: {
            "words": shortened(row.parts[0]["text"] if row.parts else row.text, MAX_WORDS),
            "due_at": row.due_at.isoformat(),
        }
        for row in rows
    }


def _accounts(notices: Iterable[Notice]) -> dict[int | None, Any]:
    ids = sorted({one.account_id for one in notices if one.account_id})
    if not ids:
        return {}
    columns = (Account.id, Account.network, Account.handle)
    rows = db.session.execute(db.select(*columns).where(Account.id.in_(ids)))
    return {row.id: row for row in rows}


def path_of(notice: Notice) -> str:
    """Return the path of the page where something can be done about it."""
    if notice.job_id and "tweet_id" in notice.facts:
        return f"/tweets/{notice.facts['tweet_id']}?job_id={notice.job_id}"
    return "/tweets" if notice.account_id is None else "/accounts"
