"""Many tweets at once: a file is read and reported on, and only then, confirmed, scheduled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from flask_login import current_user, login_required
from werkzeug.exceptions import RequestEntityTooLarge

from app import tweet_files
from app.db import db, utcnow
from app.models import QuotaReached, SubmitIdReused, TweetFile
from app.tweet_files import CheckedRow, FileProblem
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json
from app.web.i18n import iso_utc
from app.web.messages import input_refusal

bp = Blueprint("tweet_files", __name__)

PAGE = 100
"""Rows of a report that a page shows at a time."""
UNREAD = (FileProblem, SubmitIdReused, schemas.Invalid)


@bp.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    limit = tweet_files.MAX_BYTES // 1024**2
    return _refused(FileProblem("file_too_large", limit=limit), 413)


@bp.get("/tweets/import")
@rate_limits.reads
@login_required
def begin() -> ResponseReturnValue:
    """Show how a file must look, and where to choose one."""
    return _page()


@bp.post("/tweets/import")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Read a file and say of each row whether it can be published; schedule nothing."""
    try:
        kept = _keep()
    except UNREAD as problem:
        db.session.rollback()
        is_large = isinstance(problem, FileProblem) and problem.code == "file_too_large"
        return _refused(problem, 413 if is_large else 422)
    if wants_json():
        return _as_json(kept), 201
    return redirect(url_for("tweet_files.show", import_id=kept.id), 303)


@bp.get("/tweets/import/<import_id>")
@rate_limits.reads
@login_required
def show(import_id: str) -> ResponseReturnValue:
    """Show what was found in a file, what is wrong first."""
    kept = _own(import_id)
    if wants_json():
        return _as_json(kept)
    report = tweet_files.report_of(kept)
    ordered = sorted(report, key=lambda row: (row["ok"], row["known"]))
    asked = schemas.query(schemas.calls.ReportQuery)
    first = max(0, min(asked.after or 0, len(ordered)))
    return render_template(
        "tweet_files/report.html",
        kept=kept,
        rows=[
            {**row, "due_at": schemas.moment_of(row["due_at"])}
            for row in ordered[first : first + PAGE]
        ],
        after=first + PAGE if len(ordered) > first + PAGE else None,
        new=kept.good - kept.known,
    )


@bp.post("/tweets/import/<import_id>/confirm")
@rate_limits.writes
@login_required
def confirm(import_id: str) -> ResponseReturnValue:
    """Schedule what is new in a file; a second time nothing more, and the same answer."""
    schemas.body(schemas.calls.Nothing)
    try:
        done = tweet_files.confirm(current_user.id, import_id)
    except QuotaReached as problem:
        field, code, message = input_refusal(problem)
        return refuse(422, code, message, field=field)
    if done is None:
        abort(404)
    if wants_json():
        return done._asdict()
    words = ngettext("%(num)s tweet is scheduled.", "%(num)s tweets are scheduled.", done.added)
    flash(words)
    return redirect(url_for("tweet_files.show", import_id=import_id), 303)


@bp.get("/export.json")
@rate_limits.reads
@login_required
def export_json() -> ResponseReturnValue:
    """Give somebody all of their tweets, as JSON."""
    return _file(tweet_files.as_json, "tweets.json", "application/json")


@bp.get("/export.csv")
@rate_limits.reads
@login_required
def export_csv() -> ResponseReturnValue:
    """Give somebody all of their tweets, as rows."""
    return _file(tweet_files.as_csv, "tweets.csv", "text/csv")


@bp.get("/export.zip")
@rate_limits.reads
@login_required
def export_zip() -> ResponseReturnValue:
    """Give somebody all of their tweets in both forms, with the pictures."""
    return _file(tweet_files.as_zip, "tweets.zip", "application/zip")


def _file(pieces: Callable[[int], Iterator[bytes]], name: str, mime: str) -> Response:
    """Answer with a file that is made while it is sent."""
    response = Response(stream_with_context(pieces(current_user.id)), mimetype=mime)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _keep() -> TweetFile:
    """Read the file that was sent, and keep what was found.

    :raises FileProblem: it cannot be read.
    :raises SubmitIdReused: another file came with this submit id.
    """
    schemas.only_file("file")
    file, submit_id = request.files.get("file"), schemas.key_in_header()
    if file is None:
        raise schemas.Invalid("missing", "file")
    data = file.stream.read(tweet_files.MAX_BYTES + 1)
    fingerprint, user_id = hashlib.sha256(data).hexdigest(), current_user.id
    if before := tweet_files.sent_before(user_id, submit_id, fingerprint):
        return before
    checked = tweet_files.check(current_user, tweet_files.read(data), utcnow())
    return tweet_files.keep(user_id, checked, _report(checked), fingerprint, submit_id)


def _report(checked: Sequence[CheckedRow]) -> list[dict[str, Any]]:
    return [
        {
            "row": row.number,
            "ok": row.problem is None,
            "known": row.known,
            "due_at": row.due_at and iso_utc(row.due_at),
            "error": _error_of(row.problem) if row.problem else None,
        }
        for row in checked
    ]


def _error_of(problem: Exception) -> dict[str, str]:
    field, code, message = input_refusal(problem)
    return {"code": code, "message": message, "field": field}


def _as_json(kept: TweetFile) -> dict[str, Any]:
    names = ("id", "rows", "good", "bad", "known")
    return {
        "import": {name: getattr(kept, name) for name in names},
        "report": tweet_files.report_of(kept),
    }


def _own(import_id: str) -> TweetFile:
    """Return the signed-in user's own import; somebody else's does not exist."""
    kept = tweet_files.of(current_user.id, import_id) if import_id.isprintable() else None
    if kept is None:
        abort(404)
    return kept


def _refused(problem: Exception, status: int) -> ResponseReturnValue:
    field, code, message = input_refusal(problem)
    if wants_json():
        return refuse(status, code, message, field=field or None)
    return _page(message), status


def _page(error: str = "") -> str:
    return render_template(
        "tweet_files/begin.html",
        error=error,
        accounts=current_user.accounts if current_user.is_authenticated else [],
        most_rows=tweet_files.MAX_ROWS,
        most_megabytes=tweet_files.MAX_BYTES // 1024**2,
    )
