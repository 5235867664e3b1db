"""What a worker takes to publish, and reading it: the next part of each tweet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row

from app.bulk import among
from app.db import db
from app.models import Account, Attempt, Delivery
from app.models.parts import contents_of
from app.networks.base import Body


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker alone may publish, until its lease ends."""

    job_id: str
    fence: int
    account_id: int
    text: str
    written_at: datetime
    """When the delivery was made; unlike due_at, nobody moves it."""
    body: Body | None = None
    """What was sent before, when it may not have arrived: sent again, it must be the same."""
    pictures: tuple[str, ...] = ()
    part: int = 0
    """Which part of the tweet this is, and of how many; those before it are ``posted``."""
    parts: int = 1
    posted: tuple[Mapping[str, Any], ...] = ()
    user_id: int = 0
    """Whose tweet it is."""
    language: str | None = None
    """The one that its author has chosen here; None when none was chosen."""
    visibility: str = ""
    """Who shall see it, as the account's owner says by now; empty for the account's own default."""

    @property
    def key(self) -> tuple[str, int]:
        """What no other claim has."""
        return self.job_id, self.fence

    @property
    def is_last(self) -> bool:
        """True when the whole tweet is out once this part is."""
        return self.part + 1 >= self.parts


def claims_of(taken: Sequence[str]) -> list[Claim]:
    """Return what these deliveries, just claimed, publish next; commit is the caller's."""
    rows = _contents_of(taken)
    bodies = _bodies_of([row.id for row in rows if row.resends])
    threads = _accounts_with_threads([row.account_id for row in rows if row.own or row.parts])
    return [_claim_of(row, row.account_id in threads, bodies) for row in rows]


def _contents_of(taken: Sequence[str]) -> Sequence[Row[Any]]:
    tweets, users = db.metadata.tables["tweets"], db.metadata.tables["users"]
    statement = (
        db.select(
            Delivery.id,
            Delivery.fence,
            Delivery.account_id,
            Delivery.resends,
            Delivery.parts.label("own"),
            Delivery.posted,
            Delivery.created_at,
            tweets.c.text,
            tweets.c.parts,
            tweets.c.user_id,
            users.c.locale,
            Account.visibility,
        )
        .join(tweets, tweets.c.id == Delivery.tweet_id)
        .join(users, users.c.id == tweets.c.user_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(among(Delivery.id, taken))
        .order_by(Delivery.due_at, Delivery.tweet_id)
    )
    return db.session.execute(statement).all()


def _claim_of(row: Row[Any], has_threads: bool, bodies: Mapping[tuple[str, int], Body]) -> Claim:
    contents = contents_of(row.text, row.parts, row.own, has_threads)
    part = len(row.posted)
    content = contents[min(part, len(contents) - 1)]
    return Claim(
        row.id,
        row.fence,
        row.account_id,
        content.text,
        row.created_at,
        bodies.get((row.id, part)),
        content.pictures,
        part,
        len(contents),
        tuple(row.posted),
        row.user_id,
        row.locale,
        row.visibility,
    )


def _accounts_with_threads(account_ids: Sequence[int]) -> set[int]:
    """Return those of these accounts whose network lets a post answer the one before."""
    if not account_ids:
        return set()
    accounts = db.session.execute(
        db.select(Account.id, Account.network).where(Account.id.in_(account_ids))
    )
    networks = current_app.extensions["networks"]
    return {account.id for account in accounts if networks[account.network].threads}


def _bodies_of(job_ids: Sequence[str]) -> dict[tuple[str, int], Body]:
    """Return what was last sent of deliveries that are sent again, for each of their parts."""
    if not job_ids:
        return {}
    attempts = db.session.execute(
        db.select(Attempt.delivery_id, Attempt.part, Attempt.body)
        .where(among(Attempt.delivery_id, job_ids))
        .order_by(Attempt.id)
    )
    return {(row.delivery_id, row.part): row.body for row in attempts}
