"""What is seen becomes an alert with a beginning and an end, and messages about both.

What comes back before it was away for ``ALERT_OVER_AFTER`` seconds was never over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flask import current_app

from app.alerts.conditions import NOTICED_LATE, NOTICED_SECONDS, Key, Seen
from app.db import db, from_now, rows_changed
from app.models import Alert, AlertMessage, Condition, Told, alert

log = logging.getLogger(__name__)

KEPT_SECONDS = 30 * 86_400
"""How long an alert that is over stays to be looked at."""


def lasting() -> dict[Key, Alert]:
    """Return the alerts that are not over."""
    rows = db.session.scalars(db.select(Alert).where(Alert.over_at.is_(None)))
    return {(Condition(row.condition), row.subject): row for row in rows}


def keep(seen: Seen, targets: Sequence[str]) -> None:
    """Begin and end alerts as they were seen; the caller commits.

    :param targets: the fingerprints of those to be told.
    """
    known = lasting()
    for key, facts in seen.facts.items():
        if key not in known:
            row = Alert(condition=key[0], subject=key[1], facts=dict(facts), began_at=from_now())
            db.session.add(row)
            db.session.flush()
            _add_messages(row.id, Told.BEGAN, targets)
            log.warning("an alert begins: %s %s", *key)
            rows_changed(alert.forget(KEPT_SECONDS))
    for key, row in known.items():
        if key in seen.facts or key[0] in seen.unknown:
            if row.quiet_at is not None:  # nobody knows whether what is unknown stayed away
                rows_changed(alert.is_back(row.id))
            continue
        if row.quiet_at is None:
            rows_changed(alert.falls_quiet(row.id))
        if rows_changed(alert.end(row.id, _over_after(key[0]))):
            _add_messages(row.id, Told.OVER, targets)
            log.info("an alert is over: %s %s", *key)
    if every := current_app.config["ALERT_REPEAT"]:
        rows_changed(alert.repeat(every))


def _over_after(condition: Condition) -> float:
    """Return after how many quiet seconds it was surely away for as long as it has to be."""
    late = NOTICED_SECONDS if condition in NOTICED_LATE else 0.0
    return float(current_app.config["ALERT_OVER_AFTER"]) + late


def _add_messages(alert_id: int, told: Told, targets: Sequence[str]) -> None:
    now = {"next_at": from_now(), "created_at": from_now()}
    for target in targets:
        db.session.add(AlertMessage(alert_id=alert_id, told=told, target=target, **now))
    db.session.flush()
