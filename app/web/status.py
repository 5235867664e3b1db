"""What became of jobs, for the browser's polling and for programs. The row decides.

Asked more often than everything else together, so it reads one query and no more: the user is
known by the session, and their language comes with the rows. One job may be asked for without a
limit, because counting would cost as much as answering.
"""

from __future__ import annotations

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.models import Job
from app.web import limits, locales, sessions
from app.web.job_views import job_views
from app.web.problems import refuse, signed_out

bp = Blueprint("status", __name__)

MOST = 100


@bp.get("/status/<job_id>")
@limits.limiter.exempt
def one(job_id: str) -> ResponseReturnValue:
    """Say what one job has become; 404 when it is not the caller's."""
    user_id = sessions.user_id()
    if user_id is None:
        return signed_out()
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
        return signed_out()
    job_ids = [part.strip() for part in request.args.get("job_ids", "").split(",") if part.strip()]
    if len(job_ids) > MOST:
        message = _("Ask for at most %(most)s jobs at a time.", most=MOST)
        return refuse(422, "too_many", message, field="job_ids")
    found = Job.of(user_id, job_ids)
    if found:
        locales.prefer(found[0].locale)
    return jsonify(jobs=job_views(found))
