"""Presets over HTTP: selections of accounts, signatures, and sets of hashtags.

The same verbs for each kind, so every view has the ``kind`` of its address.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.models import preset
from app.planning import Wanted, presets
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import refuse, wants_json
from app.web.messages import REFUSALS, input_refusal

bp = Blueprint("presets", __name__)

PAGE = 50
View = Callable[..., ResponseReturnValue]
PATHS = {
    preset.PresetKind.SELECTION: "selections",
    preset.PresetKind.SIGNATURE: "signatures",
    preset.PresetKind.HASHTAGS: "hashtag-sets",
}
NEW: Mapping[preset.PresetKind, type[Any]] = {
    preset.PresetKind.SELECTION: schemas.planning.NewSelection,
    preset.PresetKind.SIGNATURE: schemas.planning.NewSignature,
    preset.PresetKind.HASHTAGS: schemas.planning.NewHashtagSet,
}
CHANGES: Mapping[preset.PresetKind, type[Any]] = {
    preset.PresetKind.SELECTION: schemas.planning.SelectionChange,
    preset.PresetKind.SIGNATURE: schemas.planning.SignatureChange,
    preset.PresetKind.HASHTAGS: schemas.planning.HashtagSetChange,
}


def _of_each_kind(method: str, rest: str = "") -> Callable[[View], View]:
    """Add a view for every kind; ``<id>`` in the ``rest`` is the id of one."""

    def add(view: View) -> View:
        for kind, path in PATHS.items():
            rule = f"/{path}{rest.replace('<id>', f'<int:{kind}_id>')}"
            bp.add_url_rule(rule, view_func=view, methods=[method], defaults={"kind": kind})
        return view

    return add


@_of_each_kind("GET")
@rate_limits.reads
@login_required
def index(kind: preset.PresetKind) -> ResponseReturnValue:
    """List somebody's presets of a kind, the newest first."""
    asked = schemas.query(schemas.calls.ListQuery)
    if not wants_json():
        return _page(kind)
    found = preset.listed(current_user.id, kind, asked.before, PAGE + 1)
    following = found[PAGE - 1].id if len(found) > PAGE else None
    return jsonify({f"{kind}s": [_plain(row) for row in found[:PAGE]], "next": following})


@_of_each_kind("POST")
@rate_limits.writes
@login_required
def create(kind: preset.PresetKind) -> ResponseReturnValue:
    """Make a preset."""
    try:
        if request.is_json:
            given = schemas.body(NEW[kind])
            wanted, key = _wanted(given.model_dump()), given.submit_id
        else:
            wanted, key = _typed()
        key = schemas.key_in_header() or key
        row = presets.create(current_user, kind, wanted, key)
    except REFUSALS as problem:
        return _refused(kind, problem)
    if wants_json():
        return jsonify({kind: _plain(row)}), 201
    flash(_("Saved."))
    return redirect(_address(kind), 303)


@_of_each_kind("GET", "/<id>")
@rate_limits.reads
@login_required
def show(kind: preset.PresetKind, **ids: int) -> ResponseReturnValue:
    """Show one preset; people see it in the list."""
    row = _own(kind, **ids)
    if wants_json():
        return jsonify({kind: _plain(row)})
    return redirect(f"{_address(kind)}#preset-{row.id}")


@_of_each_kind("PATCH", "/<id>")
@rate_limits.writes
@login_required
def change(kind: preset.PresetKind, **ids: int) -> ResponseReturnValue:
    """Change what is named of a preset; what was published with it stays as it is."""
    row = _own(kind, **ids)
    wanted = _wanted(schemas.body(CHANGES[kind]).model_dump())
    if wanted == Wanted():
        raise schemas.Invalid("nothing_to_change")
    try:
        row = presets.change(row, current_user, wanted)
    except REFUSALS as problem:
        return _refused(kind, problem)
    return jsonify({kind: _plain(row)})


@_of_each_kind("POST", "/<id>")
@rate_limits.writes
@login_required
def save(kind: preset.PresetKind, **ids: int) -> ResponseReturnValue:
    """Do the same as a form, which says all of it."""
    row = _own(kind, **ids)
    row_id = row.id
    try:
        presets.change(row, current_user, _typed()[0])
    except REFUSALS as problem:
        return _refused(kind, problem, row_id)
    flash(_("Saved."))
    return redirect(_address(kind), 303)


@_of_each_kind("DELETE", "/<id>")
@rate_limits.writes
@login_required
def delete(kind: preset.PresetKind, **ids: int) -> ResponseReturnValue:
    """Delete a preset."""
    presets.remove(_own(kind, **ids))
    return "", 204


@_of_each_kind("POST", "/<id>/delete")
@rate_limits.writes
@login_required
def remove(kind: preset.PresetKind, **ids: int) -> ResponseReturnValue:
    """Do the same as a form."""
    presets.remove(_own(kind, **ids))
    flash(_("Deleted. Tweets that have it already keep it."))
    return redirect(_address(kind), 303)


def _own(kind: preset.PresetKind, **ids: int) -> preset.Preset:
    (preset_id,) = ids.values()
    is_possible = preset_id <= schemas.LARGEST_ID
    row = preset.own(current_user.id, kind, preset_id) if is_possible else None
    if row is None:
        abort(404)
    return row


def _address(kind: preset.PresetKind) -> str:
    return url_for("presets.index", kind=kind)


def _wanted(given: Mapping[str, Any]) -> Wanted:
    return Wanted(**{name: given.get(name) for name in Wanted._fields})


def _typed() -> tuple[Wanted, str | None]:
    """Return what a form says, and its submit id; raises Invalid."""
    form = schemas.form(schemas.planning.PresetForm)
    accounts = [one for one in form.accounts if isinstance(one, int)]
    return Wanted(form.name, form.text, accounts), form.submit_id


def _refused(
    kind: preset.PresetKind, problem: Exception, preset_id: int | None = None
) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    if wants_json():
        return refuse(422, code, message, field=field or None)
    return _page(kind, (field, message), preset_id), 422


def _plain(row: preset.Preset) -> dict[str, Any]:
    """Return a preset as programs see it."""
    found: dict[str, Any] = {"id": row.id, "name": row.name}
    if row.kind != preset.PresetKind.SELECTION:
        found["text"] = row.text
    if row.kind != preset.PresetKind.HASHTAGS:
        found["accounts"] = presets.accounts_of(row, current_user.accounts)
    return found


def _page(
    kind: preset.PresetKind, error: tuple[str, str] | None = None, wrong_id: int | None = None
) -> str:
    """Return the page of all presets of a kind.

    :param error: the field of a form that was refused, and why.
    :param wrong_id: the preset whose form that was, None for the form of a new one.
    """
    found = preset.listed(current_user.id, kind, None, preset.MAX_PRESETS)
    views = [_plain(row) for row in sorted(found, key=lambda row: row.name_key)]
    typed: dict[str, Any] = {}
    if error:
        form = request.form
        typed = {"name": form.get("name", ""), "text": form.get("text", "")}
        typed["accounts"] = [int(one) for one in form.getlist("accounts") if one.isdecimal()]
    return render_template(
        "presets/index.html",
        kind=kind,
        kinds=[(one, _address(one)) for one in preset.PresetKind],
        presets=views,
        accounts=current_user.accounts,
        titles={name: network.title for name, network in networks().items()},
        error=error,
        wrong_id=wrong_id,
        typed=typed,
        submit_id=str(uuid.uuid4()),
        limits=preset,
    )
