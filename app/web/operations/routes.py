"""The numbers, and the lists of jobs."""

from __future__ import annotations

from typing import Any

from flask import jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.models import Role
from app.operations import lists
from app.web import rate_limits, schemas
from app.web.errors import wants_json
from app.web.operations import views
from app.web.operations.access import bp
from app.web.operations.tabs import page, summary


@bp.get("/operations/summary")
@rate_limits.reads
def numbers() -> ResponseReturnValue:
    """Return the numbers of the strip."""
    return jsonify(summary())


@rate_limits.reads
def listed(tab: str) -> ResponseReturnValue:
    """Show the jobs that are somewhere."""
    asked = schemas.query(schemas.calls.OperationsQuery)
    wanted = lists.Filter(**{name: getattr(asked, name) or "" for name in FIELDS})
    try:
        found = lists.page(tab, wanted, asked.before)
        jobs = (views.jobs_view if wants_json() else views.jobs_shown)(found.jobs)
    except lists.UnknownCursor:
        raise schemas.Invalid("wrong_type", "before") from None
    except SQLAlchemyError:
        rollback_quietly()
        if wants_json():
            raise
        return page("list", tab, jobs=None, wanted=wanted, networks=views.network_choices())
    told = {"total": found.total, "total_is_exact": found.is_counted, "next": found.next}
    if wants_json():
        return jsonify(jobs=jobs, **told)
    if len(jobs) == 1 and wanted.job_id:
        return redirect(url_for("operations.job", job_id=jobs[0]["job_id"]), 303)
    return page("list", tab, jobs=jobs, **told, **_frame(tab, wanted, found))


FIELDS = ("text", "handle", "network", "reason", "job_id")
for _tab in lists.LISTINGS:
    bp.get(f"/operations/{_tab}", endpoint=_tab, defaults={"tab": _tab})(listed)


def _frame(tab: str, wanted: lists.Filter, found: lists.Page) -> dict[str, Any]:
    given: dict[str, Any] = dict(wanted.given())
    here = f"operations.{tab}"
    return {
        "wanted": wanted,
        "networks": views.network_choices(),
        "actions": views.actions_at(tab) if current_user.role == Role.OPERATOR else (),
        "first_url": url_for(here, **given) if "before" in request.args else None,
        "next_url": url_for(here, **given, before=found.next) if found.next else None,
        "all_url": url_for(here) if given else None,
    }
