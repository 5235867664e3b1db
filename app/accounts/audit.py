"""The audit log: who signed in, connected or disconnected what, and from where."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete

from app.db import db, rows_changed, utcnow
from app.models import AuditEvent, EventKind, SessionHere

log = logging.getLogger(__name__)

KEPT = timedelta(days=365)
MOST = 10_000
"""Events kept for one person, so that nobody can fill the table."""
LATELY = timedelta(days=1)
"""Whose last event is older has been counted since, also if no worker ran for some hours."""
NOTICES = (
    EventKind.ACCOUNT_ADDED,
    EventKind.EMAIL_CONFIRMED,
    EventKind.SIGNED_IN_NEW_BROWSER,
    EventKind.SIGNS_IN_ON,
)
"""Events that the person's other sessions are shown on their next page."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks: the address, the browser in words, and its session if there is one."""

    address: str = ""
    browser: str = ""
    session_id: int | None = None


def note(
    kind: EventKind,
    visit: Visit,
    user_id: int | None = None,
    network: str = "",
    handle: str = "",
) -> None:
    """Add an entry to the audit log and a message to the process log. The caller commits."""
    event = AuditEvent(
        kind=kind,
        user_id=user_id,
        session_id=visit.session_id,
        network=network,
        handle=handle[:300],
        address=visit.address,
        browser=visit.browser,
    )
    db.session.add(event)
    log.info(
        "%s: user %s, %s %r, from %s, %r",
        kind.value,
        user_id or "unknown",
        network or "no network",
        handle[:300],
        visit.address or "no address",
        visit.browser,
    )


def latest_of(user_id: int, most: int = 50) -> Sequence[AuditEvent]:
    """Return somebody's newest events, newest first."""
    mine = db.select(AuditEvent).where(AuditEvent.user_id == user_id)
    newest_first = (AuditEvent.at.desc(), AuditEvent.id.desc())
    return db.session.scalars(mine.order_by(*newest_first).limit(most)).all()


def unseen_in(here: SessionHere, most: int = 5) -> Sequence[AuditEvent]:
    """Return events of other sessions since the person last dismissed the notices here."""
    return AuditEvent.unseen_in(here, NOTICES, most)


def sweep() -> None:
    """Delete entries older than a year, and the oldest of a person who has too many."""
    rows_changed(delete(AuditEvent).where(AuditEvent.at < utcnow() - KEPT))
    for user_id in (None, *_people_with_too_many()):
        mine = AuditEvent.user_id == user_id
        if (oldest_kept := _oldest_kept(mine)) is not None:
            rows_changed(delete(AuditEvent).where(mine, AuditEvent.id < oldest_kept))
    db.session.commit()


def _people_with_too_many() -> Sequence[int]:
    """Return those who have so many events that some may have to go.

    Only people with an event lately are counted, because nobody else has more than before.
    """
    recent = (AuditEvent.at > utcnow() - LATELY, AuditEvent.user_id.is_not(None))
    lately = db.select(AuditEvent.user_id).where(*recent).distinct().subquery()
    theirs = db.select(AuditEvent.at).where(AuditEvent.user_id == lately.c.user_id)
    last_kept = theirs.order_by(AuditEvent.at.desc()).offset(MOST - 1).limit(1)
    has_many = last_kept.correlate(lately).scalar_subquery().is_not(None)
    return db.session.scalars(db.select(lately.c.user_id).where(has_many)).all()


def _oldest_kept(mine: ColumnElement[bool]) -> int | None:
    """Return the id of the oldest event that is kept, None if there are fewer."""
    newest_first = (AuditEvent.at.desc(), AuditEvent.id.desc())
    events = db.select(AuditEvent.id).where(mine).order_by(*newest_first)
    return db.session.scalar(events.offset(MOST - 1).limit(1))
