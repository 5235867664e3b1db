"""What a user wrote, and the methods with which its owner changes it while it waits.

Each method is one compare-and-set transaction. It either runs before a worker's claim, or raises
because the tweet is already being sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    Update,
    func,
    select,
    true,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from app.db import UTCDateTime, db, rows_changed, utcnow
from app.models import sameness, transitions
from app.models.content import Draft
from app.models.delivery import Delivery
from app.models.indexes import partial_index
from app.models.picture import Picture
from app.states import State

if TYPE_CHECKING:
    from app.models.user import User

WAITING = transitions.WAITING


class AlreadyBeingSent(Exception):
    """A worker has claimed the tweet, or it is finished: the change came too late."""


class PartlyOut(AlreadyBeingSent):
    """Some parts are published: their text can no longer be changed."""


class Tweet(db.Model):  # type: ignore[name-defined,misc]
    """One text and the moment it is due, for any number of accounts."""

    __tablename__ = "tweets"
    __table_args__ = (
        UniqueConstraint("user_id", "submit_id"),
        Index("ix_tweets_user_id_id", "user_id", "id"),
        partial_index("tweets_text", "user_id", "text_key", where="text_key IS NOT NULL"),
        partial_index(
            "tweets_series", "series_id", "occurrence", where="series_id IS NOT NULL", unique=True
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
    """The text of the first part."""
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Each part's ``{"text": …, "pictures": [ids]}``; empty for one part without pictures."""
    text_key: Mapped[str | None]
    """What texts that are the same have in common (app/models/sameness.py); None without words.

    Here and not with each delivery: those change several times until they are out, and each time
    PostgreSQL writes into every index that has them."""
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    submit_id: Mapped[str | None]
    """Chosen by the client; a second request with the same id makes no second tweet."""
    made_from: Mapped[str | None]
    """A digest of what came with that id: something else under the same id is refused, the same
    is not, however the tweet was changed since. None without an id, and for old rows."""
    series_id: Mapped[int | None]
    """The Series that it was made by."""
    occurrence: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the rule of its series wanted it, wherever its owner has moved it since; None for one
    that has left the rule. Unique within the series: whoever makes it again makes nothing."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    user: Mapped[User] = relationship(back_populates="tweets")
    deliveries: Mapped[list[Delivery]] = relationship(
        back_populates="tweet", order_by="Delivery.account_id"
    )

    @property
    def draft(self) -> Draft:
        """What it says now, for all of its accounts."""
        own = {one.account_id: one.parts for one in self.deliveries if one.parts}
        options = {one.account_id: one.options for one in self.deliveries if one.options}
        return Draft(self.text, self.parts, own, options=options)

    def edit(
        self,
        text: str,
        due_at: datetime | None = None,
        parts: list[dict[str, Any]] | None = None,
        variants: Mapping[int, list[dict[str, Any]] | None] | None = None,
        options: Mapping[int, dict[str, Any] | None] | None = None,
    ) -> None:
        """Replace the text, and the due time if one is given, while nothing has been sent.

        :param parts: all parts; by default the others stay as they are.
        :param variants: what single accounts publish instead, by account id, None for nothing
            of their own; accounts that are left out keep theirs.
        :param options: what the posts of single accounts have beyond their text, likewise.
        :raises AlreadyBeingSent: nothing was changed.
        :raises PartlyOut: nothing was changed, because some parts of it are out.
        :raises app.models.picture.UnknownPicture: and TooManyPictures.
        """
        if any(delivery.posted for delivery in self.deliveries):
            raise PartlyOut
        touched = self._change({"error_detail": Delivery.error_detail}, *_editable(parts_out=0))
        _refuse_unless(touched == len(self.deliveries))
        self._claim_pictures(due_at or self.due_at, parts, *(variants or {}).values())
        self.text, self.parts = text, self._parts_with(text) if parts is None else parts
        self.text_key = sameness.key_of(self.parts or [{"text": text}])
        for account_id, own in (variants or {}).items():
            changed = {"parts": own, "text_key": sameness.key_of(own or [])}
            self._change(changed, Delivery.account_id == account_id)
        for account_id, given in (options or {}).items():
            self._change({"options": given}, Delivery.account_id == account_id)
        if due_at is not None:
            self._need_pictures(due_at)
            self.due_at = due_at
            rows_changed(transitions.edit_due(due_at, self._mine))
            self._change({"due_at": due_at, "not_before": due_at})
        db.session.commit()

    def edit_job(
        self, job_id: str, parts: list[dict[str, Any]], options: dict[str, Any] | None = None
    ) -> None:
        """Replace what one of its accounts has yet to publish, while that is not being sent.

        What is published, on other accounts or as parts on this one, does not change.

        :param parts: all that are not out there.
        :param options: what its posts have beyond their text; None leaves that as it is.
        :raises AlreadyBeingSent: nothing was changed.
        """
        meant = [delivery for delivery in self.deliveries if delivery.id == job_id]
        parts_out = len(meant[0].posted) if meant else 0
        whole = [part.as_stored() for one in meant for part in one.contents[:parts_out]] + parts
        changed: dict[str, Any] = {"parts": whole, "text_key": sameness.key_of(whole)}
        if options is not None:
            changed["options"] = options or None
        _refuse_unless(self._change(changed, _only(job_id), *_editable(parts_out)))
        self._claim_pictures(self.due_at, parts)
        db.session.commit()

    def _claim_pictures(self, due_at: datetime, *contents: list[dict[str, Any]] | None) -> None:
        """Let new pictures belong to it; raises UnknownPicture and TooManyPictures."""
        known = self._pictures()
        for part in (part for own in contents for part in own or []):
            Picture.claim(self.user_id, part["pictures"], known, due_at)

    def _need_pictures(self, due_at: datetime) -> None:
        """Let those of its pictures that are not made yet be made in time."""
        Picture.need(self.user_id, self._pictures(), due_at)

    def _pictures(self) -> set[str]:
        stored = [self.parts, *(delivery.parts for delivery in self.deliveries)]
        return {name for own in stored for part in own or [] for name in part["pictures"]}

    def _parts_with(self, text: str) -> list[dict[str, Any]]:
        return [{**self.parts[0], "text": text}, *self.parts[1:]] if self.parts else []

    def reschedule(self, due_at: datetime, due_until_now: datetime | None = None) -> list[str]:
        """Move everything that still waits to another time; return the ids to notify workers of.

        :param due_until_now: only what is due at this moment.
        :raises AlreadyBeingSent: nothing waits any more.
        """
        meant = true() if due_until_now is None else Delivery.due_at == due_until_now
        return self._revive(due_at, transitions.reschedule(due_at, self._mine, meant))

    def retry(
        self,
        job_id: str | None = None,
        due_at: datetime | None = None,
        *,
        only_failed: bool = False,
    ) -> list[str]:
        """Send what failed again; if nothing did, what its owner says did not arrive.

        Return the ids to notify workers of.

        :param job_id: only this one of its jobs.
        :param due_at: by default now.
        :param only_failed: leave alone what its owner has to look at first.
        :raises AlreadyBeingSent: nothing has failed.
        """
        meant = {delivery.state for delivery in self.deliveries if job_id in {None, delivery.id}}
        wanted = State.FAILED if only_failed or State.FAILED in meant else State.REVIEW
        at = due_at or utcnow()
        return self._revive(at, transitions.send_again(at, wanted, self._mine, _only(job_id)))

    def cancel(self, job_id: str | None = None) -> None:
        """Cancel everything that still waits, also for its owner's decision.

        :param job_id: only this one of its jobs.
        :raises AlreadyBeingSent: nothing does.
        """
        _refuse_unless(rows_changed(transitions.cancel(self._mine, _only(job_id))))
        if job_id is not None:
            self.follow_jobs([self.id])
        db.session.commit()

    def confirm(self, job_id: str | None = None) -> list[str]:
        """Record the owner's statement that a delivery in review did arrive.

        In a thread, this is about one part: return the ids to notify workers of, so that the next
        parts are sent. They reply to the last part whose id is known.

        :param job_id: only this one of its jobs.
        :raises AlreadyBeingSent: nothing is in review.
        """
        meant = [one for one in self.deliveries if job_id in {None, one.id}]
        threads = [one for one in meant if one.posted or one.goes_on_after_this_part]
        confirmed = [one for one in threads if rows_changed(transitions.confirm_part(one))]
        others = Delivery.id.not_in([one.id for one in threads])
        whole = rows_changed(transitions.confirm(self._mine, others, _only(job_id)))
        _refuse_unless(whole or confirmed)
        going = [one.id for one in confirmed if one.goes_on_after_this_part and not one.asks_first]
        db.session.commit()
        return going

    def _revive(self, due_at: datetime, statement: Update) -> list[str]:
        revived = list(db.session.scalars(statement.returning(Delivery.id)))
        _refuse_unless(revived)
        self.be_due(due_at)
        db.session.commit()
        return revived

    def be_due(self, due_at: datetime) -> None:
        """Note that some of it was moved to another time; commits nothing."""
        self._need_pictures(due_at)
        self.due_at = due_at

    @classmethod
    def follow_jobs(cls, tweet_ids: Collection[int]) -> None:
        """Let tweets be due with the first of their jobs that is not cancelled; commits nothing.

        Each job may have a time of its own: a slot of its account. Pictures are made in time.
        """
        these = select(cls).where(cls.id.in_(tweet_ids)).order_by(cls.id)
        db.session.execute(these.with_only_columns(cls.id).with_for_update(key_share=True))
        going = (Delivery.tweet_id == cls.id, Delivery.state != State.CANCELLED)
        first = select(func.min(Delivery.due_at)).where(*going).scalar_subquery()
        due_at = func.coalesce(first, cls.due_at)
        rows_changed(update(cls).where(cls.id.in_(tweet_ids)).values(due_at=due_at))
        jobs = selectinload(cls.deliveries).lazyload(Delivery.account)
        fresh = these.options(jobs).execution_options(populate_existing=True)
        for tweet in db.session.scalars(fresh):
            tweet._need_pictures(tweet.due_at)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return Delivery.tweet_id == self.id

    def _change(self, values: dict[str, Any], *conditions: Any) -> int:
        return rows_changed(update(Delivery).where(self._mine, *conditions).values(values))


def _refuse_unless(changed: Any) -> None:
    """Roll back and raise AlreadyBeingSent when a method has changed nothing."""
    if not changed:
        db.session.rollback()
        raise AlreadyBeingSent


def _editable(parts_out: int) -> tuple[Any, ...]:
    """Return the conditions under which what a delivery publishes may be changed."""
    return (
        Delivery.state.in_((*WAITING, State.FAILED)),
        Delivery.resends == 0,  # a resend must carry the text that it may already have sent
        func.json_array_length(Delivery.posted) == parts_out,
    )


def _only(job_id: str | None) -> Any:
    return true() if job_id is None else Delivery.id == job_id
