"""The last known state of the workers and the broker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db


class Worker(db.Model):  # type: ignore[name-defined,misc]
    """A worker process and its heartbeat."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    queues: Mapped[str | None]
    """The queues that it takes, joined by commas."""
    host: Mapped[str] = mapped_column(default="")
    pid: Mapped[int] = mapped_column(default=0)
    threads: Mapped[int] = mapped_column(default=0)
    memory_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    version: Mapped[str] = mapped_column(default="")
    processed: Mapped[int] = mapped_column(default=0)
    """Jobs that have ended in it, ``failed`` ones among them."""
    failed: Mapped[int] = mapped_column(default=0)
    stopping: Mapped[bool] = mapped_column(default=False)
    """True when an operator has asked it to stop: it reads that with its next heartbeat."""


class Broker(db.Model):  # type: ignore[name-defined,misc]
    """The broker's generation: if Redis has another one or none, Redis has lost its data."""

    __tablename__ = "broker"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    generation: Mapped[str]
