"""For monitors: is everything working?"""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_login import login_required

from app.services import watching
from app.web import limits
from app.web.limits import limiter

bp = Blueprint("health", __name__)


@bp.get("/silence")
@limits.reads
@login_required
def silence() -> str:
    """Return the banner for pages on which nothing moves; empty while a worker is alive."""
    return render_template("_silence.html")


@bp.get("/healthz")
@limiter.exempt
def healthz() -> ResponseReturnValue:
    """Return 200, or 503 naming what fails: database, redis, worker, overdue."""
    problems = watching.problems()
    if problems:
        return jsonify(status="failing", failing=problems), 503
    return jsonify(status="ok", failing=[])
