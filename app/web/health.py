"""For monitors: is everything working?"""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import monitoring
from app.web import rate_limits
from app.web.errors import signed_out

bp = Blueprint("health", __name__)


@bp.get("/silence")
@rate_limits.reads
def silence() -> ResponseReturnValue:
    """Return the banner for pages on which nothing moves; empty while a worker is alive.

    401 for somebody who has signed out meanwhile: only scripts ask, and they need no page.
    """
    if not current_user.is_authenticated:
        return signed_out()
    return render_template("shared/_silence.html")


@bp.get("/healthz")
@rate_limits.limiter.exempt
def healthz() -> ResponseReturnValue:
    """Return 200, or 503 naming what fails: database, redis, worker, queues, overdue."""
    problems = monitoring.problems()
    if problems:
        return jsonify(status="failing", failing=problems), 503
    return jsonify(status="ok", failing=[])
