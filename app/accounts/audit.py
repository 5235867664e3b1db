"""The audit log: who signed in, connected or disconnected what, and from where."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func

from app.db import db, rows_changed, utcnow
from app.models import AuditEvent, EventKind, SessionHere

log = logging.getLogger(__name__)

KEPT = timedelta(days=365)
MOST = 10_000
"""Events kept for one person, so that nobody can fill the table."""
NOTICES = (EventKind.ACCOUNT_ADDED, EventKind.SIGNED_IN_NEW_BROWSER, EventKind.SIGNS_IN_ON)
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
    return _newest(user_id, most)


def unseen_in(here: SessionHere, most: int = 5) -> Sequence[AuditEvent]:
    """Return events of other sessions since the person last dismissed the notices here."""
    elsewhere = AuditEvent.session_id.is_distinct_from(here.id)
    unseen = (AuditEvent.at > here.noticed_at, AuditEvent.kind.in_(NOTICES), elsewhere)
    return _newest(here.user_id, most, *unseen)


def _newest(user_id: int, most: int, *conditions: ColumnElement[bool]) -> Sequence[AuditEvent]:
    mine = db.select(AuditEvent).where(AuditEvent.user_id == user_id, *conditions)
    newest_first = (AuditEvent.at.desc(), AuditEvent.id.desc())
    return db.session.scalars(mine.order_by(*newest_first).limit(most)).all()


def sweep() -> None:
    """Delete entries older than a year, and the oldest of a person who has too many."""
    rows_changed(delete(AuditEvent).where(AuditEvent.at < utcnow() - KEPT))
    many = db.select(AuditEvent.user_id).group_by(AuditEvent.user_id)
    for user_id in db.session.scalars(many.having(func.count() > MOST)).all():
        mine = AuditEvent.user_id == user_id
        newest_first = db.select(AuditEvent.id).where(mine).order_by(AuditEvent.id.desc())
        oldest_kept = db.session.scalar(newest_first.offset(MOST - 1).limit(1))
        rows_changed(delete(AuditEvent).where(mine, AuditEvent.id < oldest_kept))
    db.session.commit()
