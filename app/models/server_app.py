"""What we know of Mastodon servers: our app on each, and whether it can be trusted to sign in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import EncryptedJSON, UTCDateTime, db, utcnow


class ServerApp(db.Model):  # type: ignore[name-defined,misc]
    """The app that one Mastodon server registered for one redirect address."""

    __tablename__ = "mastodon_apps"
    __table_args__ = (UniqueConstraint("server", "redirect_uri"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    server: Mapped[str]
    redirect_uri: Mapped[str]
    app: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON, deferred=True)
    """Its client id and secret."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    anew_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a replacement of the app was last asked for, in UTC."""


class ConnectionApp(db.Model):  # type: ignore[name-defined,misc]
    """An app for a single connection, until that begins; its server tells people apart by the app.

    Or an app that was replaced, for people who were signing in with it at that time.
    """

    __tablename__ = "mastodon_connection_apps"

    id: Mapped[str] = mapped_column(primary_key=True)
    """Random; the person's own cookie carries it through the consent page."""
    server: Mapped[str]
    app: Mapped[dict[str, Any]] = mapped_column(EncryptedJSON)
    """Its client id and secret."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)


class MastodonServer(db.Model):  # type: ignore[name-defined,misc]
    """A server whose name a person typed, and whether we can trust its sign-in."""

    __tablename__ = "mastodon_servers"

    url: Mapped[str] = mapped_column(primary_key=True)
    checks_codes: Mapped[bool | None]
    """False after it gave a token for an invented code; None until that was tried."""
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When somebody last came back from it with an account."""
