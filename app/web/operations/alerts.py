"""What operators were told of: what is wrong now, and what was."""

from __future__ import annotations

from typing import Any

from flask import current_app, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app.alerts import Listed, listed
from app.db import rollback_quietly
from app.web import rate_limits
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.operations.access import bp
from app.web.operations.tabs import page


@bp.get("/operations/alerts")
@rate_limits.reads
def alerts() -> ResponseReturnValue:
    """Show the alerts that last and the latest that are over."""
    found, is_watched = listed(), bool(current_app.config["ALERT_URLS"])
    if wants_json():
        return jsonify(alerts=[_view(one) for one in found], watching=is_watched)
    return page("alerts", "overview", alerts=found, is_watched=is_watched)


def lasting() -> list[Listed]:
    """Return the alerts that last; none when the database does not say."""
    try:
        return [one for one in listed() if one.over_at is None]
    except SQLAlchemyError:
        rollback_quietly()
        return []


def _view(one: Listed) -> dict[str, Any]:
    moments = ("began_at", "told_at", "over_at", "over_told_at")
    known = {name: getattr(one, name) for name in moments}
    return {
        **{name: getattr(one, name) for name in ("id", "condition", "subject", "title", "text")},
        **{name: at and iso_utc(at) for name, at in known.items()},
    }
