"""For monitors: is everything working?"""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.services import watching
from app.web.limits import limiter

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@limiter.exempt
def healthz() -> ResponseReturnValue:
    """Return 200, or 503 naming what fails: database, redis, worker, overdue."""
    problems = watching.problems()
    if problems:
        return jsonify(status="failing", failing=problems), 503
    return jsonify(status="ok", failing=[])
