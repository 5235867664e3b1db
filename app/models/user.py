"""Users, and the method with which they schedule a tweet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from flask_login import UserMixin
from sqlalchemy import ColumnElement, func, text, true
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from app import broker, when
from app.db import (
    UTCDateTime,
    commit_and_keep,
    db,
    from_now,
    rollback_quietly,
    rows_changed,
    utcnow,
)
from app.models import (
    content,
    duplicates,
    new_tweet,
    new_tweet_at_once,
    slot,
    submissions,
    transitions,
)
from app.models.account import Account
from app.models.content import Draft
from app.models.delivery import Delivery
from app.models.duplicates import DuplicateText
from app.models.indexes import partial_index
from app.models.new_tweet import NewJob, StoredTweet
from app.models.picture import Picture
from app.models.tweet import Tweet
from app.networks import Destination
from app.states import State

Chosen = int | str | Account
"""An account, its id or its handle."""
ALL = "all"
"""Every connected account, in place of a list of accounts."""
TRIES_HERE = 10
"""Of ``tweet``: calls that this machine is too slow to begin."""
SOON = timedelta(seconds=0.5)
SOON_COUNTED = 5_000
"""Characters that are checked within a few milliseconds. For a longer text the transaction is ended
first; for these, that would cost more than keeping it open."""


class UnknownAccount(ValueError):
    """The accounts to publish to are not the user's, or the user has none."""


class Role(StrEnum):
    """What somebody may do with everybody's tweets, on the operations page."""

    READER = "reader"  # sees everything there and changes nothing
    OPERATOR = "operator"


class User(UserMixin, db.Model):  # type: ignore[name-defined,misc]
    """A person, who can sign in with any of their accounts that allow it."""

    __tablename__ = "users"
    __table_args__ = (partial_index("users_delete_at", "delete_at", where="delete_at IS NOT NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    timezone: Mapped[str | None]
    """IANA name; None until the browser or the person has told it."""
    locale: Mapped[str | None]
    late_tolerance: Mapped[int]
    """Seconds by which a tweet may be late and still be sent automatically."""
    role: Mapped[str | None]
    """A Role; None for nearly everybody."""
    hobbies: Mapped[str | None]
    """What they like to do, with ", " between; None for nothing (app/learning/hobbies.py)."""
    week_start: Mapped[int | None]
    """The first day of their week, 1 for Monday to 7 for Sunday; None for that of their country."""
    unread_notices: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """The number at the bell: every page has it with its person, so it is counted as it changes."""
    delete_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When everything of them is deleted, because they asked for it; until then nothing of theirs
    goes out, and they may change their mind."""
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
    def by_handle(cls, handle: str, network: str | None = None) -> User:
        """Return the user of the account with this handle; connected accounts come first.

        :param handle: in upper or lower case, with or without ``@``.
        :param network: where the account is; by default on any network.
        :raises LookupError: nobody has ever connected such an account.
        """
        wanted = handle.strip().removeprefix("@").lower()
        user = db.session.scalar(
            db.select(cls)
            .join(Account, Account.user_id == cls.id)
            .where(
                func.lower(Account.handle) == wanted,
                Account.network == network if network else true(),
            )
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
        accounts: Sequence[Chosen] | Literal["all"] | None = None,
        submit_id: str | None = None,
        *,
        queue: bool = False,
        parts: Sequence[Mapping[str, Any]] | None = None,
        pictures: Sequence[str] = (),
        variants: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
        options: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> str:
        """Store a tweet for its time, wake a worker if that is now, and return its first job_id.

        :param at: words ("in one hour", "mañana a las 9"), an aware datetime, a timedelta, or
            nothing for now. Words and naive ISO times are in the user's zone.
        :param accounts: accounts, their ids or their handles; ``"all"`` for every connected one;
            by default the first one. Each gets a job of its own.
        :param submit_id: the same one again returns the first job instead of a second tweet.
        :param queue: True, without ``at``: each account's next free slot is its time.
        :param parts: ``{"text", "pictures"}`` of each part of a thread, instead of ``text``.
        :param pictures: ids of the user's pictures.
        :param variants: the parts that an account, by its id, publishes instead.
        :param options: what the posts of an account, by its id, have beyond their text, in its
            network's names: ``{7: {"visibility": "unlisted"}}``.
        :raises app.networks.text.TextProblem: a text cannot be published.
        :raises app.networks.OptionProblem: an option is unknown, or impossible for this tweet.
        :raises app.when.WhenProblem: the time is not understood, past, or does not exist.
        :raises UnknownAccount: an account is not the user's.
        :raises SubmitIdReused: the submit id belongs to another text.
        :raises app.models.picture.UnknownPicture: and TooManyPictures.
        :raises app.models.quota.QuotaReached: too many of the user's tweets wait already.
        :raises app.models.slot.NoSlots: an account has no slots; QueueFull: none within years.
        """
        draft = content.draft_of(text, parts, pictures, variants, options)
        return self.schedule(draft, at, accounts, submit_id, queue=queue).jobs[0].id

    def tweet(self, text: str, accounts: Sequence[Chosen] | Literal["all"] | None = None) -> str:
        """Publish at once, in this process, and return the first job_id.

        The deliveries are claimed as a worker does it, so nothing is published twice. What this
        machine was too slow to begin is tried again a few times; workers do it after that.

        :raises UnknownAccount: and the other errors of ``tweet_later``.
        """
        stored, _ = self._store(content.draft_of(text), None, accounts, None)
        waiting = [job.id for job in stored.jobs]
        for tries in range(TRIES_HERE):
            broker.publish_here(waiting)
            db.session.expire_all()
            waiting = _due_again(waiting, tries)
            if not waiting:
                break
            time.sleep(SOON.total_seconds())
        return stored.jobs[0].id

    def schedule(
        self,
        draft: Draft,
        at: str | datetime | timedelta | None,
        accounts: Sequence[Chosen] | Literal["all"] | None,
        submit_id: str | None,
        *,
        queue: bool = False,
        asks_first: bool = False,
        also: Callable[[], object] | None = None,
    ) -> StoredTweet:
        """Do what ``tweet_later`` does with a draft, and return all of its jobs.

        :param asks_first: refuse what was said before, and tell what is nearly the same.
        :param also: called in the transaction that stores the tweet; what it raises undoes that.
        :raises DuplicateText: it was; only with ``asks_first``.
        """
        if queue and at is not None and at != "":
            raise ValueError("either a time or the queue decides when")
        stored, is_new = self._store(
            draft, at, accounts, submit_id, queue=queue, asks_first=asks_first, also=also
        )
        now = utcnow()
        if is_new and stored.due_at <= now:
            due = [job for job in stored.jobs if job.due_at <= now]
            _notify([job for job in due if not job.account.needs_reconnect])
        return stored

    def _store(
        self,
        draft: Draft,
        at: str | datetime | timedelta | None,
        accounts: Sequence[Chosen] | Literal["all"] | None,
        submit_id: str | None,
        *,
        queue: bool = False,
        asks_first: bool = False,
        also: Callable[[], object] | None = None,
    ) -> tuple[StoredTweet, bool]:
        """Return the stored tweet, and whether it is new."""
        if submit_id and (known := self._submitted(submit_id, draft, asks_first)):
            return known, False
        chosen = self.chosen(accounts)
        content.refuse_strangers(draft.written_for, chosen)
        if draft.length > SOON_COUNTED:
            commit_and_keep()  # no transaction stays open while words are counted
        content.check(draft, chosen)
        moment = when.understand(at, self.zone, utcnow())  # now, for the queue
        has_more = queue or also or draft.picture_lists()
        try:
            if not has_more and new_tweet_at_once.is_possible():
                said = (self.id, draft, moment.at, submit_id, chosen)
                return new_tweet_at_once.store(*said, asks_first=asks_first), True
            similar = self._said_before(draft, chosen) if asks_first else None
            # Last: until the commit nobody else gets a slot of these accounts.
            due = slot.take(chosen, self.zone) if queue else {one.id: moment.at for one in chosen}
            for picture_ids in draft.picture_lists():
                Picture.claim(self.id, picture_ids, needed_at=min(due.values()))
            stored = new_tweet.store(self.id, draft, due, submit_id, chosen, is_queued=queue)
            stored = stored._replace(similar=similar)
            if also:
                also()
            commit_and_keep()
        except (IntegrityError, DuplicateText):
            db.session.rollback()
            known = self._submitted(submit_id, draft, asks_first) if submit_id else None
            if known is None:
                raise
            return known, False
        except BaseException:
            rollback_quietly()  # no part of it stays for the caller to commit
            raise
        return stored, True

    def _said_before(self, draft: Draft, accounts: Sequence[Account]) -> int | None:
        """Return the id of a tweet that is nearly the same; raise DuplicateText for the same."""
        before = duplicates.said_before(self.id, draft, accounts)
        if before.duplicate:
            raise DuplicateText(before.duplicate)
        return before.similar

    def has_submitted(self, submit_id: str | None) -> bool:
        """Return whether this user has a tweet with this submit id; False for None."""
        known = db.select(Tweet.id).where(Tweet.user_id == self.id, Tweet.submit_id == submit_id)
        return submit_id is not None and db.session.scalar(known) is not None

    def _submitted(
        self, submit_id: str, draft: Draft, asks_first: bool = False
    ) -> StoredTweet | None:
        known = db.select(Tweet).where(Tweet.user_id == self.id, Tweet.submit_id == submit_id)
        if (tweet := db.session.scalar(known)) is None:
            return None
        made_from = tweet.made_from or tweet.draft.digest()  # old rows: what it says now
        submissions.refuse_others(made_from, draft.digest())
        if not asks_first:
            return StoredTweet.of(tweet)
        accounts = [delivery.account for delivery in tweet.deliveries]
        before = duplicates.said_before(self.id, draft, accounts, until=tweet.id)
        return StoredTweet.of(tweet)._replace(similar=before.similar)

    def chosen(self, accounts: Sequence[Chosen] | Literal["all"] | None) -> list[Account]:
        """Return these accounts of the user, ordered by id.

        :param accounts: accounts, ids or handles; ``"all"`` for every connected one; None or
            nothing means the first account.
        :raises UnknownAccount: one is not the user's, two of them have this handle, or the user has
            no account.
        """
        if not accounts or accounts == ALL:
            if not self.accounts:
                raise UnknownAccount
            return list(self.accounts) if accounts else self.accounts[:1]
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


def is_leaving() -> ColumnElement[bool]:
    """Return the condition that the owner of the query's Account has asked to be deleted."""
    owner = aliased(User)
    return db.exists().where(owner.id == Account.user_id, owner.delete_at.is_not(None))


def _due_again(job_ids: Sequence[str], tries: int) -> list[str]:
    """Return those that are due at once: this machine was too slow to begin their calls.

    :param tries: how often that was so before. What is held back was not tried, and is not here.
    """
    rows = db.select(Delivery.id).where(
        Delivery.id.in_(job_ids),
        Delivery.state == State.SCHEDULED,
        Delivery.attempts > tries,
        Delivery.not_before <= from_now(SOON.total_seconds()),
    )
    found = list(db.session.scalars(rows))
    db.session.commit()
    return found


def _notify(due: Sequence[NewJob]) -> None:
    """Notify workers of what was stored as notified; without a broker, let schedulers find it."""
    if not due:
        return
    job_ids = [job.id for job in due]
    servers = [Destination(job.account.network, job.account.host).key for job in due]
    if broker.notify_jobs(job_ids, servers):
        return
    try:
        rows_changed(transitions.forget_wake_ups(Delivery.id.in_(job_ids)))
        commit_and_keep()
    except SQLAlchemyError:  # stored it is: schedulers look at it after a few seconds
        rollback_quietly()
