"""Users and tweets."""

from __future__ import annotations

import os
from datetime import datetime

from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What both tables derive from."""


db = SQLAlchemy(model_class=Base)


class User(UserMixin, db.Model):  # type: ignore[name-defined,misc]
    """A person and their access to X."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    remote_id: Mapped[str] = mapped_column(unique=True)
    handle: Mapped[str]
    access_token: Mapped[str]


class Tweet(db.Model):  # type: ignore[name-defined,misc]
    """A text, when it is due, and what became of it."""

    __tablename__ = "tweets"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    job_id: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(default="pending")
    remote_id: Mapped[str | None]


def settings(pool_size: int) -> dict[str, object]:
    """Return Flask's configuration from the environment."""
    return {
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "SQLALCHEMY_DATABASE_URI": os.environ["DATABASE_URL"].replace(
            "postgresql://", "postgresql+psycopg://"
        ),
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": pool_size, "max_overflow": 0},
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "WTF_CSRF_TIME_LIMIT": None,
    }
