"""The alerts that last and the latest that are over, for pages and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.alerts.sentences import TABS, text_of, title_of
from app.db import db
from app.models import Alert, AlertMessage, Told

MOST = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """One alert. Times are in UTC."""

    id: int
    condition: str
    subject: str
    title: str
    text: str
    tab: str
    """The tab of the operations page that shows more."""
    began_at: datetime
    told_at: datetime | None
    """When the first target took it; None while none has."""
    over_at: datetime | None
    over_told_at: datetime | None


def listed() -> list[Listed]:
    """Return those that last first, then the latest, in the reader's language."""
    newest = db.select(Alert).order_by(Alert.over_at.is_(None).desc(), Alert.id.desc()).limit(MOST)
    rows = db.session.scalars(newest).all()
    told = _told([row.id for row in rows])
    return [
        Listed(
            *(row.id, row.condition, row.subject, title_of(row), text_of(row)),
            TABS[row.condition],
            row.began_at,
            told.get((row.id, Told.BEGAN)),
            row.over_at,
            told.get((row.id, Told.OVER)),
        )
        for row in rows
    ]


def _told(ids: list[int]) -> dict[tuple[int, str], datetime]:
    """Return when something was first told of these alerts."""
    message = AlertMessage
    first = db.select(message.alert_id, message.told, db.func.min(message.sent_at))
    mine = first.where(message.alert_id.in_(ids), message.sent_at.is_not(None))
    found = db.session.execute(mine.group_by(message.alert_id, message.told))
    return {(alert_id, told): at for alert_id, told, at in found}
