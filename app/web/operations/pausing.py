"""Pausing what goes out, and the question what becomes of what waited."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.models import Pause, pause
from app.operations import pauses
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import refuse, wants_json
from app.web.i18n import iso_utc
from app.web.messages import input_refusal
from app.web.operations import views
from app.web.operations.access import bp
from app.web.operations.tabs import page


@bp.get("/operations/pauses")
@rate_limits.reads
def paused() -> ResponseReturnValue:
    """Show what is paused, and what can be."""
    if wants_json():
        found = pauses.page(schemas.query(schemas.calls.ListQuery).before)
        return jsonify(pauses=[_view(one) for one in found.pauses], next=found.next)
    return page("pauses", "queues", networks=views.network_choices())


@bp.post("/operations/pauses")
@rate_limits.writes
def begin_pause() -> ResponseReturnValue:
    """Pause something; after the answer no create call of it begins."""
    asked = schemas.body(schemas.calls.NewPause)
    try:
        made = pauses.begin(
            pause.Scope(asked.scope), str(asked.value or ""), current_user.id, list(networks())
        )
    except pauses.UnknownValue:
        _field, code, message = input_refusal(schemas.Invalid("unknown_scope", "value"))
        return refuse(422, code, message, field="value")
    if wants_json():
        return jsonify(pause=_view(made)), 201
    return redirect(url_for("operations.paused"), 303)


@bp.get("/operations/pauses/<int:pause_id>")
@rate_limits.reads
def one_pause(pause_id: int) -> ResponseReturnValue:
    """Ask what is to become of what waited."""
    found = _found(pause_id)
    if wants_json():
        return jsonify(pause=_view(found))
    held = 0 if found.ended_at else pauses.held_by(pause_id)
    shown = views.pauses_shown([found])[0]
    return page("resume", "queues", asked=shown, held=held, most=pauses.MOST_COUNTED)


@bp.post("/operations/pauses/<int:pause_id>/undo")
@rate_limits.writes
def undo_pause(pause_id: int) -> ResponseReturnValue:
    """Take a pause back, within ten seconds."""
    _found(pause_id)
    try:
        ended = pauses.undo(pause_id, current_user.id)
    except pauses.Ended:
        words = _("It is too late to undo this pause. Resume it instead.")
        return refuse(409, "too_late", words, title=_("Not undone"))
    if wants_json():
        return jsonify(pause=_view(ended))
    flash(_("Undone. Everything goes on as before."))
    return redirect(url_for("operations.paused"), 303)


@bp.post("/operations/pauses/<int:pause_id>/resume")
@rate_limits.writes
def resume(pause_id: int) -> ResponseReturnValue:
    """Let things go on; what waited is sent, moved or discarded."""
    asked = schemas.body(schemas.calls.Resume)
    _found(pause_id)
    try:
        done = pauses.resume(pause_id, pause.Then(asked.then), current_user.id)
    except pauses.Ended:
        words = _("Somebody has ended this pause in another way.")
        return refuse(409, "ended", words, title=_("Already ended"))
    if wants_json():
        return jsonify(pause=_view(pauses.found(pause_id)), audit=views.audit_view(done)), 202
    return redirect(url_for("operations.action", audit_id=done.id), 303)


def _found(pause_id: int) -> Pause:
    try:
        return pauses.found(pause_id)
    except LookupError:
        abort(404)


def _view(one: Pause) -> dict[str, Any]:
    is_account = one.scope == pause.Scope.ACCOUNT
    return {
        "id": one.id,
        "scope": one.scope,
        "value": (int(one.value) if is_account else one.value) if one.value else None,
        "by": one.user.handle,
        "at": iso_utc(one.at),
        "undo_until": iso_utc(one.undo_until),
        "ended_at": one.ended_at and iso_utc(one.ended_at),
        "then": one.then,
    }
