"""Connected identities with their tokens, and the stops of whole networks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, bindparam, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import EncryptedJSON, UTCDateTime, db, utcnow
from app.models.attached import AttachedQuery
from app.models.indexes import partial_index


class Health(StrEnum):
    """Whether an account may publish."""

    OK = "ok"
    RECONNECT = "reconnect"  # its access ended; only its owner can grant it again


LEAVING = text("NOT connected AND (health = 'ok' OR last_error_at IS NOT NULL)")
"""Disconnected, and its access is still kept. Forgetting that ends its health, and what is told
of an access that had ended by itself."""
LIMITED = text("connected AND server <> ''")
"""Its network has many servers, and each says what fits into a tweet."""
PICTURED = text("connected AND avatar_url <> ''")
"""Its network says where its avatar is."""
USABLE = text("connected AND health = 'ok'")
"""We have access to it."""
ENDING = text("connected AND health = 'ok' AND access_ends_at IS NOT NULL")
"""It is known when its access ends.

These conditions are word for word those of the indexes: the scheduler looks every few seconds for
the few accounts that need something, however many there are."""


class Account(db.Model):  # type: ignore[name-defined,misc]
    """One identity on one network, tied to one user."""

    __tablename__ = "accounts"
    __table_args__ = (
        partial_index(
            "accounts_connected", "network", "server", "remote_id", where="connected", unique=True
        ),
        Index("accounts_person", "network", "server", "person_id"),
        partial_index("accounts_leaving", "id", where=LEAVING),
        partial_index("accounts_limits", "limits_at", where=LIMITED),
        partial_index("accounts_ending", "access_ends_at", where=ENDING),
        partial_index("accounts_access_ends", "network", "access_end_asked_at", where=USABLE),
        partial_index("accounts_avatars", "avatar_at", where=PICTURED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    network: Mapped[str]
    server: Mapped[str] = mapped_column(default="")
    """A part of its name, where names are a server's own."""
    host: Mapped[str] = mapped_column(default="")
    """The server to call for it, "" where there is only one; an account may move to another."""
    remote_id: Mapped[str]
    person_id: Mapped[str] = mapped_column(default="")
    """The proven owner: ``remote_id``, or the person behind a Page, which several people share.
    Empty if this was never asked: then nobody can sign in with the account."""
    signs_in: Mapped[bool] = mapped_column(default=False)
    """True when ``person_id`` may sign in as this user with it."""
    handle: Mapped[str] = mapped_column(index=True)
    display_name: Mapped[str] = mapped_column(default="")
    profile_url: Mapped[str] = mapped_column(default="")
    """The URL of its page, from its network; empty if the network gave none."""
    avatar_url: Mapped[str] = mapped_column(default="")
    """The avatar's URL at its network; only workers call it."""
    avatar: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """A small WebP, as pages show it."""
    avatar_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker last asked for it, with or without success."""
    connected: Mapped[bool] = mapped_column(default=True)
    """A disconnected account keeps its row, without credentials, so that its deliveries can still
    be read. It identifies nobody any more: another user may connect it, in a new row."""
    limits: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What its network said about lengths and pictures, at limits_at."""
    limits_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    visibility: Mapped[str] = mapped_column(default="")
    """Who sees what is published from now on, in its network's word, as its owner chose it here;
    empty: what the account says itself."""
    slots: Mapped[list[list[Any]] | None] = mapped_column(JSON(none_as_null=True))
    """Its times of the week, ``[weekday, "HH:MM"]`` each (app/models/slot.py); None for none."""
    signature_id: Mapped[int | None]
    """The signature of its owner's that its tweets get by default (app/models/preset.py)."""
    health: Mapped[str] = mapped_column(default=Health.OK)
    credentials: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON, deferred=True)
    credentials_version: Mapped[int] = mapped_column(default=1)
    """Counts changes of the credentials, so that two workers cannot both use one refresh token."""
    access_ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When these credentials end for good, in UTC; None where that is not known, or where they are
    renewed without their owner."""
    access_end_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was last found out; None for what was connected just now, or long ago."""
    access_checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the network was last asked, before something was due, whether our access still works."""
    credentials_stale: Mapped[bool] = mapped_column(default=False)
    """The network refused the access token: refresh it before the next use."""
    refresh_lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """Rate limited until then; the account's deliveries wait without asking the network."""
    pauses: Mapped[int] = mapped_column(default=0)
    """Consecutive rate limits that did not say how long, for the doubling wait."""
    catch_up_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The last slot given to an overdue tweet; the next one comes after it."""
    last_error: Mapped[str | None]
    last_error_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    @classmethod
    def all_of(cls, user_id: int) -> list[Account]:
        """Return all accounts of a person by id, also those that were disconnected."""
        return _all_of().objects(user_id=user_id)

    @property
    def needs_reconnect(self) -> bool:
        """True when nothing is sent for this account until its owner connects it again."""
        return self.health == Health.RECONNECT


class NetworkBlock(db.Model):  # type: ignore[name-defined,misc]
    """The stop of a network: it refuses the whole app, or the app's allowance is used up."""

    __tablename__ = "network_stops"

    network: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    detail: Mapped[str | None]
    probes: Mapped[int] = mapped_column(default=0)
    probe_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When a worker next probes the network with one cheap read, in UTC."""
    holds: Mapped[bool] = mapped_column(default=True)
    """Whether due deliveries are held (refused) or merely wait (allowance used up)."""


@cache
def _all_of() -> AttachedQuery[Account]:
    mine = Account.user_id == bindparam("user_id")
    return AttachedQuery(Account, lambda query: query.where(mine).order_by(Account.id))
