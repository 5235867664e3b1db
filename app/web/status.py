"""What became of jobs, for the browser's polling and for programs. The row decides.

Asked more often than everything else together, so it reads one query and no more: the user is
known by the session, and their language comes with the rows. One job may be asked for without a
limit, because counting would cost as much as answering.
"""

from __future__ import annotations

from flask import Blueprint, abort, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.models import Job
from app.web import limits, locales, schemas, sessions
from app.web.job_views import job_views
from app.web.problems import refuse
from app.web.schemas.fields import MOST_JOBS

bp = Blueprint("status", __name__)


@bp.get("/status/<job_id>")
@limits.limiter.exempt
def one(job_id: str) -> ResponseReturnValue:
    """Say what one job has become; 404 when it is not the caller's."""
    user_id = sessions.user_id()
    if user_id is None:
        return _signed_out()
    found = Job.of(user_id, [job_id])
    if not found:
        abort(404)
    locales.prefer(found[0].locale)
    return jsonify(job_views(found)[0])


@bp.get("/status")
@limits.reads
def many() -> ResponseReturnValue:
    """Say what many jobs have become; unknown and foreign ids are left out."""
    user_id = sessions.user_id()
    if user_id is None:
        return _signed_out()
    listed = schemas.query(schemas.StatusQuery).job_ids or ""
    job_ids = [part.strip() for part in listed.split(",") if part.strip()]
    if len(job_ids) > MOST_JOBS:
        message = _("Ask for at most %(most)s jobs at a time.", most=MOST_JOBS)
        return refuse(422, "too_many", message, field="job_ids")
    found = Job.of(user_id, job_ids)
    if found:
        locales.prefer(found[0].locale)
    return jsonify(jobs=job_views(found))


def _signed_out() -> ResponseReturnValue:
    return jsonify(
        error={"code": "signed_out", "message": _("You are signed out."), "field": None}
    ), 401
