"""The interests of a person: what they are, hiding one, pinning one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.models import Interest, interest
from app.web import rate_limits, schemas
from app.web.errors import wants_json
from app.web.i18n import iso_utc

bp = Blueprint("interests", __name__)


@bp.get("/interests")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List them as a worker has found them: pinned ones first, hidden ones last."""
    known, as_of = interest.listed(current_user.id), interest.as_of(current_user.id)
    if wants_json():
        plain = [_plain(one) for one in known]
        return {"interests": plain, "as_of": iso_utc(as_of) if as_of else None}
    return render_template(
        "learning/interests.html",
        shown=[one for one in known if not one.hidden],
        hidden=[one for one in known if one.hidden],
        as_of=as_of,
    )


@bp.patch("/interests/<int:interest_id>")
@rate_limits.writes
@login_required
def change(interest_id: int) -> ResponseReturnValue:
    """Hide an interest or pin it, or undo that."""
    one, wanted = _own(interest_id), schemas.body(schemas.calls.InterestChange)
    if wanted.hidden is None and wanted.pinned is None:
        raise schemas.Invalid("nothing_to_change")
    interest.mark(one, wanted.hidden, wanted.pinned)
    return {"interest": _plain(one)}


@bp.post("/interests/<int:interest_id>")
@rate_limits.writes
@login_required
def mark(interest_id: int) -> ResponseReturnValue:
    """Do the same as a plain form."""
    one, wanted = _own(interest_id), schemas.body(schemas.calls.InterestForm)
    interest.mark(one, wanted.hidden, wanted.pinned)
    if wants_json():
        return {"interest": _plain(one)}
    flash(_said(one, wanted))
    return redirect(url_for("interests.index"), 303)


def _own(interest_id: int) -> Interest:
    """Return an interest of the person's own; somebody else's does not exist."""
    found = None
    if interest_id <= schemas.LARGEST_ID:
        found = interest.of_owner(current_user.id, interest_id)
    return found or abort(404)


def _said(one: Interest, wanted: schemas.calls.InterestForm) -> str:
    if wanted.hidden is not None:
        words = _("%(label)s is hidden.") if one.hidden else _("%(label)s is shown again.")
    else:
        words = _("%(label)s is pinned.") if one.pinned else _("%(label)s is not pinned any more.")
    return words % {"label": one.label}


def _plain(one: Interest) -> dict[str, Any]:
    names = ("id", "kind", "label", "weight", "hidden", "pinned")
    return {name: getattr(one, name) for name in names}
