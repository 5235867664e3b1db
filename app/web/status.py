"""What became of jobs, for the browser's polling and for programs. The row decides."""

from __future__ import annotations

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.models import Delivery
from app.web import limits
from app.web.pages import job_views
from app.web.problems import refuse

bp = Blueprint("status", __name__)

MOST = 100


@bp.get("/status/<job_id>")
@limits.reads
def one(job_id: str) -> ResponseReturnValue:
    """Say what one job has become; 404 when it is not the caller's."""
    if not current_user.is_authenticated:
        return _signed_out()
    found = Delivery.of(current_user.id, [job_id])
    if not found:
        abort(404)
    return jsonify(job_views(found)[0])


@bp.get("/status")
@limits.reads
def many() -> ResponseReturnValue:
    """Say what many jobs have become; unknown and foreign ids are left out."""
    if not current_user.is_authenticated:
        return _signed_out()
    job_ids = [part.strip() for part in request.args.get("job_ids", "").split(",") if part.strip()]
    if len(job_ids) > MOST:
        message = _("Ask for at most %(most)s jobs at a time.", most=MOST)
        return refuse(422, "too_many", message, field="job_ids")
    return jsonify(jobs=job_views(Delivery.of(current_user.id, job_ids)))


def _signed_out() -> ResponseReturnValue:
    return jsonify(
        error={"code": "signed_out", "message": _("You are signed out."), "field": None}
    ), 401
