"""The status of a Delivery for pages and polling: only a few columns of three tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from app.db import BuiltStatement, db, read, utcnow
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.session import SESSION_LIFE, UserSession, hash_of
from app.models.tweet import Tweet
from app.models.user import User

Stored = list[dict[str, Any]]


class JobStatus(NamedTuple):
    """The status of one job; see Delivery for the meaning of the fields."""

    id: str
    tweet_id: int
    state: str
    due_at: datetime
    not_before: datetime
    next_at: datetime | None
    accepted_at: datetime | None
    attempts: int
    remote_url: str | None
    hold_reason: str | None
    error_code: str | None
    posted: Stored
    parts: Stored | None
    network: str
    handle: str
    server: str
    shared_parts: Stored
    """The tweet's, which ``parts`` replace."""
    locale: str | None
    """The language its owner has chosen."""

    @property
    def urls_out(self) -> list[str | None]:
        """The URLs of a thread's published parts; None for a part whose URL is unknown."""
        return [part["remote_url"] for part in self.posted]

    @classmethod
    def of(cls, key: str, job_ids: Sequence[str]) -> list[JobStatus]:
        """Return the jobs among these ids of whoever is signed in with a key, in one query.

        Others are left out, so nothing is found when the session has ended, too.
        """
        wanted = [job_id for job_id in job_ids if job_id.isprintable()]  # no NUL: no such id
        alive = {"key_hash": hash_of(key), "since": utcnow() - SESSION_LIFE}
        if len(wanted) == 1:
            rows = _ONE_OF_SESSION.read({**alive, "job_id": wanted[0]})
        else:
            rows = read(_SOME_OF_SESSION, {**alive, "job_ids": wanted})
        return [cls._make(row) for row in rows]

    @classmethod
    def from_delivery(cls, delivery: Delivery) -> JobStatus:
        """Return the status of a row that is already loaded."""
        account, tweet = delivery.account, delivery.tweet
        others = (account.network, account.handle, account.server, tweet.parts, tweet.user.locale)
        return cls._make([*(getattr(delivery, name) for name in _OF_DELIVERY), *others])


_OF_DELIVERY = JobStatus._fields[: JobStatus._fields.index("network")]
_OF_SESSION = (
    db.select(
        *(getattr(Delivery, name) for name in _OF_DELIVERY),
        Account.network,
        Account.handle,
        Account.server,
        Tweet.parts.label("shared_parts"),
        User.locale,
    )
    .select_from(Delivery)
    .join(Tweet, Tweet.id == Delivery.tweet_id)
    .join(Account, Account.id == Delivery.account_id)
    .join(User, User.id == Tweet.user_id)
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.key_hash == db.bindparam("key_hash"),
        UserSession.seen_at > db.bindparam("since"),
    )
)
_SOME_OF_SESSION = _OF_SESSION.where(Delivery.id.in_(db.bindparam("job_ids", expanding=True)))
_ONE_OF_SESSION = BuiltStatement(_OF_SESSION.where(Delivery.id == db.bindparam("job_id")))
