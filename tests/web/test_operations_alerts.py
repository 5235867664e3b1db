"""The alerts on the operations page, and what programs get."""

from __future__ import annotations

from datetime import timedelta

from app.db import db, utcnow
from app.models import Alert, AlertMessage, User
from tests.support.desk import Desk


def test_alerts(desk: Desk) -> None:
    """Those that last come first, and are on the overview; sentences are in the reader's words."""
    told = {"target": "t", "created_at": utcnow(), "tries": 1}
    with desk.world.rows():
        end = utcnow()
        at = end - timedelta(seconds=60)
        lasting = Alert(condition="no_worker", facts={"seconds": 60}, began_at=at)
        ended = Alert(condition="queue", subject="mail", facts={}, began_at=at, over_at=end)
        db.session.add_all([lasting, ended])
        db.session.flush()
        for kind in ("began", "over"):
            sent = {**told, "alert_id": ended.id, "told": kind, "sent_at": end}
            db.session.add(AlertMessage(**sent))
        db.session.commit()
    found = desk.get("/alerts")
    first, second = found["alerts"]
    assert found["watching"] is False
    assert (first["condition"], first["told_at"], first["over_at"]) == ("no_worker", None, None)
    assert first["text"].startswith("No worker was seen for 60 seconds")
    assert (second["condition"], second["subject"]) == ("queue", "mail")
    assert second["told_at"] == second["over_told_at"] == second["over_at"]
    overview = desk.page("/overview")
    assert "No worker is running" in overview
    assert "No worker takes the queue mail" not in overview
    page = desk.page("/alerts")
    assert "No worker takes the queue mail" in page
    assert "ALERT_URLS" in page
    with desk.world.rows():
        User.by_handle("ana").locale = "es"
        db.session.commit()
    assert "No hay ningún trabajador en marcha" in desk.page("/alerts")
