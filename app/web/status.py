"""What became of jobs, for the browser's polling and for programs. The row decides.

Asked more often than everything else together, so it reads one query and no more: that finds the
jobs of the session that the cookie names, and the language of its person comes with the rows. Only
when it finds nothing, another one tells whether the session has ended. One job may be asked for
without a limit, because counting would cost as much as answering. When to ask again, the
answer says itself: ``poll_after_ms()`` in tweets/views.py.
"""

from __future__ import annotations

from flask import Blueprint, abort, jsonify
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.models import JobStatus
from app.web import i18n, rate_limits, schemas, sessions
from app.web.errors import signed_out
from app.web.tweets import job_views

bp = Blueprint("status", __name__)


@bp.get("/status/<job_id>")
@rate_limits.limiter.exempt
def one(job_id: str) -> ResponseReturnValue:
    """Say what one job has become; 404 when it is not the caller's."""
    key = sessions.key()
    found = JobStatus.of(key, [job_id]) if key else []
    if not found and not current_user.is_authenticated:
        return signed_out()
    if not found:
        abort(404)
    i18n.prefer(found[0].locale)
    return jsonify(job_views(found)[0])


@bp.get("/status")
@rate_limits.reads
def many() -> ResponseReturnValue:
    """Say what many jobs have become; unknown and foreign ids are left out."""
    key = sessions.key()
    if key is None:
        return signed_out()
    listed = schemas.query(schemas.calls.StatusQuery).job_ids or ""
    job_ids = [part.strip() for part in listed.split(",") if part.strip()]
    if len(job_ids) > schemas.MAX_JOBS:
        raise schemas.Invalid("too_many", "job_ids", limit=schemas.MAX_JOBS)
    found = JobStatus.of(key, job_ids)
    if not found and not current_user.is_authenticated:
        return signed_out()
    if found:
        i18n.prefer(found[0].locale)
    return jsonify(jobs=job_views(found))
