"""Users, and the method with which they schedule a tweet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_login import UserMixin
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import broker, when
from app.db import UTCDateTime, commit_and_keep, db, rollback_quietly, rows_changed, utcnow
from app.models import content, quota, transitions
from app.models.account import Account
from app.models.content import Draft, StoredPart
from app.models.delivery import Delivery
from app.models.picture import Picture
from app.models.tweet import Tweet
from app.networks import Destination
from app.states import State

Chosen = int | str | Account
"""An account, its id or its handle."""
SOON_COUNTED = 5_000
"""Characters that are checked within a few milliseconds. For a longer text the transaction is ended
first; for these, that would cost more than keeping it open."""


class UnknownAccount(ValueError):
    """The accounts to publish to are not the user's, or the user has none."""


class SubmitIdReused(ValueError):
    """The submit id already belongs to a tweet with another text."""


class User(UserMixin, db.Model):  # type: ignore[name-defined,misc]
    """A person, who can sign in with any of their accounts that allow it."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    timezone: Mapped[str | None]
    """IANA name; None until the browser or the person has told it."""
    locale: Mapped[str | None]
    late_tolerance: Mapped[int]
    """Seconds by which a tweet may be late and still be sent automatically."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    accounts: Mapped[list[Account]] = relationship(
        primaryjoin="and_(User.id == Account.user_id, Account.connected)",
        order_by="Account.id",
        viewonly=True,
    )
    """The connected accounts. Disconnected ones keep their rows, because deliveries name them."""
    tweets: Mapped[list[Tweet]] = relationship(back_populates="user", lazy="write_only")

    @property
    def handle(self) -> str:
        """The handle of the user's first account; ``user 7`` for user 7 without accounts."""
        return self.accounts[0].handle if self.accounts else f"user {self.id}"

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone, UTC until it is known."""
        return ZoneInfo(self.timezone or "UTC")

    @classmethod
    def by_handle(cls, handle: str) -> User:
        """Return the user of the account with this handle; connected accounts come first.

        :param handle: in upper or lower case, with or without ``@``.
        :raises LookupError: nobody has ever connected such an account.
        """
        wanted = handle.strip().removeprefix("@").lower()
        user = db.session.scalar(
            db.select(cls)
            .join(Account, Account.user_id == cls.id)
            .where(func.lower(Account.handle) == wanted)
            .order_by(Account.connected.desc(), Account.id)
            .limit(1)
        )
        if user is None:
            raise LookupError(f"nobody here is called {handle!r}")
        return user

    def tweet_later(
        self,
        text: str,
        at: str | datetime | timedelta | None = None,
        accounts: Sequence[Chosen] | None = None,
        submit_id: str | None = None,
        *,
        parts: Sequence[Mapping[str, Any]] | None = None,
        pictures: Sequence[str] = (),
        variants: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    ) -> str:
        """Store a tweet for its time, wake a worker if that is now, and return its first job_id.

        :param at: words ("in one hour", "mañana a las 9"), an aware datetime, a timedelta, or
            nothing for now. Words and naive ISO times are in the user's zone.
        :param accounts: accounts, their ids or their handles; by default the first one. Each gets
            a job of its own.
        :param submit_id: the same one again returns the first job instead of a second tweet.
        :param parts: ``{"text", "pictures"}`` of each part of a thread, instead of ``text``.
        :param pictures: ids of the user's pictures.
        :param variants: the parts that an account, by its id, publishes instead.
        :raises app.networks.text.TextProblem: a text cannot be published.
        :raises app.when.WhenProblem: the time is not understood, past, or does not exist.
        :raises UnknownAccount: an account is not the user's.
        :raises SubmitIdReused: the submit id belongs to another text.
        :raises app.models.picture.UnknownPicture: and TooManyPictures.
        :raises app.models.quota.QuotaReached: too many of the user's tweets wait already.
        """
        said = {account_id: own for account_id, own in (variants or {}).items() if own}
        draft = content.draft_of(text, parts, pictures, said)
        delivery, fresh = self._store(draft, at, accounts, submit_id, variants or ())
        if fresh:
            now = utcnow()
            due = [d for d in delivery.tweet.deliveries if d.state == State.SCHEDULED]
            _notify([d for d in due if d.due_at <= now])
        return delivery.id

    def tweet(self, text: str, accounts: Sequence[Chosen] | None = None) -> str:
        """Publish at once, in this process, and return the first job_id.

        The deliveries are claimed as a worker does it, so nothing is published twice.

        :raises UnknownAccount: and the other errors of ``tweet_later``.
        """
        delivery, _ = self._store(content.draft_of(text), None, accounts, None)
        job_id = delivery.id
        broker.publish_here([d.id for d in delivery.tweet.deliveries])
        db.session.expire_all()
        return job_id

    def _store(
        self,
        draft: Draft,
        at: str | datetime | timedelta | None,
        accounts: Sequence[Chosen] | None,
        submit_id: str | None,
        written_for: Iterable[int] = (),
    ) -> tuple[Delivery, bool]:
        """Return the first delivery of the stored tweet, and whether it is new.

        :param written_for: ids of the accounts that have a variant, even an empty one. Each must
            be among the chosen ones.
        """
        if submit_id and (known := self._submitted(submit_id, draft)):
            return known, False
        chosen = self.chosen(accounts)
        content.refuse_strangers(written_for, chosen)
        if draft.length > SOON_COUNTED:
            commit_and_keep()  # no transaction stays open while words are counted
        content.check(draft, chosen)
        moment = when.understand(at, self.zone, utcnow())
        quota.check_waiting(self.id)
        tweet = Tweet(
            user_id=self.id,
            text=draft.text,
            parts=draft.parts,
            due_at=moment.at,
            submit_id=submit_id,
        )
        tweet.deliveries = [
            _delivery(account, moment.at, draft.variants.get(account.id)) for account in chosen
        ]
        for picture_ids in draft.picture_lists():
            Picture.claim(self.id, picture_ids, needed_at=moment.at)
        db.session.add(tweet)
        try:
            commit_and_keep()
        except IntegrityError:
            db.session.rollback()
            known = self._submitted(submit_id, draft) if submit_id else None
            if known is None:
                raise
            return known, False
        return tweet.deliveries[0], True

    def has_submitted(self, submit_id: str | None) -> bool:
        """Return whether this user has a tweet with this submit id; False for None."""
        known = db.select(Tweet.id).where(Tweet.user_id == self.id, Tweet.submit_id == submit_id)
        return submit_id is not None and db.session.scalar(known) is not None

    def _submitted(self, submit_id: str, draft: Draft) -> Delivery | None:
        known = db.select(Tweet).where(Tweet.user_id == self.id, Tweet.submit_id == submit_id)
        if (tweet := db.session.scalar(known)) is None:
            return None
        same = (tweet.text, tweet.parts) == (draft.text, draft.parts)
        if not same or any(d.parts != draft.variants.get(d.account_id) for d in tweet.deliveries):
            raise SubmitIdReused
        return tweet.deliveries[0]

    def chosen(self, accounts: Sequence[Chosen] | None) -> list[Account]:
        """Return these accounts of the user, ordered by id.

        :param accounts: accounts, ids or handles; None or nothing means the first account.
        :raises UnknownAccount: one is not the user's, two of them have this handle, or the user has
            no account.
        """
        if not accounts:
            if not self.accounts:
                raise UnknownAccount
            return self.accounts[:1]
        wanted = {self._id_of(item) for item in accounts}
        chosen = [account for account in self.accounts if account.id in wanted]
        if len(chosen) != len(wanted):
            raise UnknownAccount
        return chosen

    def _id_of(self, item: Chosen) -> int:
        if isinstance(item, int):
            return item
        if isinstance(item, Account):
            return item.id
        wanted = item.strip().removeprefix("@").lower()
        named = [account.id for account in self.accounts if account.handle.lower() == wanted]
        if len(named) != 1:
            raise UnknownAccount
        return named[0]


def _delivery(account: Account, due_at: datetime, parts: list[StoredPart] | None) -> Delivery:
    if account.needs_reconnect or due_at > utcnow():
        columns = transitions.begin(due_at, can_be_sent=not account.needs_reconnect)
    else:
        columns = transitions.begin_notified(due_at, current_app.config["NOTIFY_AGAIN_AFTER"])
    return Delivery(account=account, parts=parts, **columns)


def _notify(due: Sequence[Delivery]) -> None:
    """Notify workers of what was stored as notified; without a broker, let schedulers find it."""
    if not due:
        return
    job_ids = [delivery.id for delivery in due]
    servers = [Destination(d.account.network, d.account.host).key for d in due]
    if broker.notify_jobs(job_ids, servers):
        return
    try:
        rows_changed(transitions.forget_wake_ups(Delivery.id.in_(job_ids)))
        commit_and_keep()
    except SQLAlchemyError:  # stored it is: schedulers look at it after a few seconds
        rollback_quietly()
