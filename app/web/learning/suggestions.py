"""What to write about next: a few suggestions, one surprise, and dismissing what does not help."""

from __future__ import annotations

import random
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import learning
from app.learning import Found
from app.models import interest
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json
from app.web.i18n import iso_utc, relative_time
from app.web.messages import suggestions as words
from app.web.tweets import routes

bp = Blueprint("suggestions", __name__)
_chance = random.SystemRandom()


@bp.get("/suggestions")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """Show a few suggestions, each with its reason."""
    found = learning.suggestions.listed(current_user.id, current_user.hobbies)
    views = [view_of(one, one.id) for one in found]
    as_of = interest.as_of(current_user.id)
    if wants_json():
        return {"suggestions": views, "as_of": iso_utc(as_of) if as_of else None}
    return render_template("learning/suggestions.html", suggestions=views, as_of=as_of)


@bp.get("/suggestions/surprise")
@rate_limits.reads
@login_required
def surprise() -> ResponseReturnValue:
    """Draw one thing to write about, another one each time; as a page, in the composer."""
    found = learning.suggestions.surprise(current_user.id, current_user.hobbies, _chance)
    if found is None:
        return refuse(
            404,
            "nothing_known",
            _("We do not know yet what you write about."),
            next_step=_("Publish a few tweets, or type your hobbies in the settings."),
            action={"url": url_for("settings.show"), "label": _("To the settings")},
        )
    view = view_of(found, _chance.randrange(1000))
    return view if wants_json() else routes.begun_with(view["text"])


@bp.get("/suggestions/<int:suggestion_id>")
@rate_limits.reads
@login_required
def show(suggestion_id: int) -> ResponseReturnValue:
    """Show one suggestion; as a page, in the composer."""
    found = None
    if suggestion_id <= schemas.LARGEST_ID:
        mine = (current_user.id, suggestion_id, current_user.hobbies)
        found = learning.suggestions.one_of(*mine)
    if found is None:
        abort(404)
    view = view_of(found, found.id)
    return {"suggestion": view} if wants_json() else routes.begun_with(view["text"])


@bp.post("/suggestions/<int:suggestion_id>/dismiss")
@rate_limits.writes
@login_required
def dismiss(suggestion_id: int) -> ResponseReturnValue:
    """Never suggest this again."""
    schemas.body(schemas.calls.NothingMore)
    known = suggestion_id <= schemas.LARGEST_ID
    if not known or not learning.suggestions.dismiss(current_user.id, suggestion_id):
        abort(404)
    if wants_json():
        return {"dismissed": suggestion_id}
    flash(_("This is not suggested any more."))
    return redirect(url_for("suggestions.index"), 303)


def view_of(found: Found, number: int) -> dict[str, Any]:
    """Return a suggestion as JSON and pages have it.

    :param number: which of several beginnings its words have.
    """
    ago = relative_time(found.created_at) if found.created_at else ""
    return {
        "id": found.id,
        "text": words.starter_of(found, number),
        "reason": words.reason_of(found, ago),
        "source": {
            "kind": found.kind.value,
            "id": found.source_id,
            "label": words.label_of(found),
        },
    }
