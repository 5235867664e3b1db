"""One Tweet to one Account: the row that is the truth about a job."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import UTCDateTime, db, utcnow
from app.models.content import Content, contents_of
from app.models.indexes import partial_index
from app.states import AWAKE, State, status_of

if TYPE_CHECKING:
    from app.models.account import Account
    from app.models.attempt import Attempt
    from app.models.tweet import Tweet

RESTORED = "restored"
"""The error code after a restored backup: the tweet may have been sent since the backup."""
_AWAKE_SQL = ", ".join(f"'{state}'" for state in sorted(AWAKE))
_IN_FLIGHT_SQL = "next_at IS NOT NULL AND (state <> 'scheduled' OR next_at > not_before)"
IN_FLIGHT = text(_IN_FLIGHT_SQL)
"""The condition that a row does more than wait for its time: workers were notified of it, it is
claimed, being sent, or unconfirmed. Word for word as in the index that holds these few rows."""
HELD = text("state = 'held'")
"""The condition that a row is held, word for word as in its index."""
_RETRYING_SQL = "state = 'scheduled' AND (attempts > 0 OR not_before > due_at)"
RETRYING = text(_RETRYING_SQL)
"""The condition that a row waits for a later try, or was put off; word for word as in its index."""
_UNPUBLISHED_SQL = "state IN ('failed', 'cancelled')"
UNPUBLISHED = text(_UNPUBLISHED_SQL)
"""The condition that a row has ended without a post, word for word as in its index."""
_STUCK_SQL = "state IN ('held', 'review')"
STUCK = text(_STUCK_SQL)
"""The condition that a row waits for somebody, word for word as in its index."""

FILLED = 60
"""How full PostgreSQL makes a page, in percent. Each change of a row is a new version of it: with
room beside the old one, later versions take the places of earlier ones, and the table hardly grows.
"""


class Delivery(db.Model):  # type: ignore[name-defined,misc]
    """A job. Its id is the job_id, chosen before the row is stored.

    Times that drive the engine are read from the database's clock; see docs/delivery.md.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("tweet_id", "account_id"),
        CheckConstraint(f"(state IN ({_AWAKE_SQL})) = (next_at IS NOT NULL)", name="awake"),
        partial_index(
            "deliveries_posts",
            "account_id",
            "remote_id",
            where="remote_id IS NOT NULL",
            unique=True,
        ),
        partial_index("deliveries_next_at", "next_at", where="next_at IS NOT NULL"),
        partial_index("deliveries_in_flight", "next_at", where=IN_FLIGHT),
        Index("deliveries_account_due", "account_id", "state", "due_at"),
        partial_index("deliveries_finished", "finished_at", where="finished_at IS NOT NULL"),
        partial_index("deliveries_held", "hold_reason", "account_id", where=HELD),
        partial_index("deliveries_retries", "next_at", where=RETRYING),
        partial_index("deliveries_unpublished", "state", "finished_at", where=UNPUBLISHED),
        partial_index("deliveries_stuck", "due_at", where=STUCK),
        partial_index("deliveries_text", "account_id", "text_key", where="text_key IS NOT NULL"),
        {"postgresql_with": {"fillfactor": FILLED}},
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid.uuid4()))
    tweet_id: Mapped[int] = mapped_column(ForeignKey("tweets.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    parts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """What this account publishes instead of the tweet's own parts, in the same shape."""
    text_key: Mapped[str | None]
    """As ``Tweet.text_key``, of these parts; None without parts of its own."""
    options: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What this account's posts have beyond their text, in its network's names; None for nothing.

    See ``options.py`` of its network."""
    posted: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """The published parts in order, each with remote_id, remote_url and reference."""
    state: Mapped[str] = mapped_column(default=State.SCHEDULED)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When its owner wants it published, in UTC; only the owner changes it."""
    slot_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The slot that it got from its account's queue. It is in the queue as long as it is due then:
    whoever moves it anywhere else has taken it out."""
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    """The earliest claim: due_at, or later after a "not now"."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker must check this row again, in UTC; null exactly when no check is needed."""
    fence: Mapped[int] = mapped_column(default=0)
    """Counts claims. A worker writes only while its own claim is the newest."""
    owner: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    wake_ups: Mapped[int] = mapped_column("rings", default=0)
    """How often workers were notified of this row since it last became scheduled."""
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    """How often the network could not be reached, for the growing wait."""
    refusals: Mapped[int] = mapped_column(default=0)
    """Consecutive refused tokens: the first asks for a refresh, the second for a reconnect."""
    first_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unconfirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    lookups: Mapped[int] = mapped_column(default=0)
    """Successful look-ups that did not show it, since it became unconfirmed."""
    resends: Mapped[int] = mapped_column(default=0)
    echoed: Mapped[bool] = mapped_column(default=False)
    """True when the network refused a resend as a duplicate: it has the first one."""
    asks_first: Mapped[bool] = mapped_column(default=False)
    """After a restored backup: ask the owner instead of sending anything automatically."""
    remote_id: Mapped[str | None]
    remote_url: Mapped[str | None]
    accepted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hold_reason: Mapped[str | None]
    error_code: Mapped[str | None]
    error_detail: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    tweet: Mapped[Tweet] = relationship(back_populates="deliveries")
    account: Mapped[Account] = relationship(lazy="joined")
    history: Mapped[list[Attempt]] = relationship(order_by="Attempt.id", viewonly=True)

    @property
    def job_id(self) -> str:
        """The Celery id under which this delivery is published."""
        return self.id

    @property
    def status(self) -> str:
        """``pending``, ``done`` or ``failed``."""
        return status_of(self.state)

    @property
    def lateness_ms(self) -> int | None:
        """Milliseconds from due to accepted, None while it is not accepted."""
        return milliseconds_late(self.due_at, self.accepted_at)

    @property
    def contents(self) -> list[Content]:
        """The parts that are published on this account, at least one."""
        network = current_app.extensions["networks"][self.account.network]
        return contents_of(self.tweet.text, self.tweet.parts, self.parts, network.threads)

    @property
    def remaining(self) -> list[Content]:
        """The parts that are not out yet."""
        return self.contents[len(self.posted) :]

    @property
    def goes_on_after_this_part(self) -> bool:
        """True when the part that is next, or under way, is not the last."""
        return len(self.posted) + 1 < len(self.contents)


def milliseconds_late(due_at: datetime, accepted_at: datetime | None) -> int | None:
    """Return the milliseconds from due to accepted, None while it is not accepted."""
    if accepted_at is None:
        return None
    return round((accepted_at - due_at).total_seconds() * 1000)
