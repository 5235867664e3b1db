"""What became of jobs, for the browser's polling and for programs. The row decides.

Asked more often than everything else together, so it reads one query and no more: that finds the
jobs of the session that the cookie names, and the language of its person comes with the rows. Only
when it finds nothing, another one tells whether the session has ended. One job may be asked for
without a limit, because counting would cost as much as answering. When to ask again, the
answer says itself: ``poll_after_ms()`` in tweets/views.py.

Most polls of one job are answered before they come here: quick_status.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.models import JobStatus
from app.web import i18n, quick_status, rate_limits, schemas, sessions
from app.web.errors import signed_out
from app.web.tweets import STATUS, job_views

bp = Blueprint("status", __name__)


@bp.get(f"{STATUS}<job_id>")
@rate_limits.limiter.exempt
def one(job_id: str) -> ResponseReturnValue:
    """Say what one job has become; 404 when it is not the caller's."""
    if quick_status.FAILED in request.environ:
        raise request.environ[quick_status.FAILED]
    key = sessions.key()
    found = JobStatus.of(key, [job_id]) if key else []
    if not found and not current_user.is_authenticated:
        return signed_out()
    if not found:
        abort(404)
    return jsonify(_views(found)[0])


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
    return jsonify(jobs=_views(found))


def _views(found: Sequence[JobStatus]) -> list[dict[str, Any]]:
    if found:
        i18n.prefer(found[0].locale, request.headers.get("Accept-Language", ""))
    return job_views(found, request.root_path)
