"""Acting on jobs: programs act at once, people are asked first how many and whose."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from flask import abort, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app.db import utcnow
from app.operations import actions, lists
from app.operations import audit as record
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json
from app.web.messages import REFUSALS, input_refusal
from app.web.operations import views
from app.web.operations.access import bp
from app.web.operations.tabs import page
from app.when import understand

FIELDS = ("text", "handle", "network", "reason", "job_id")


@rate_limits.writes
def act(action: str) -> ResponseReturnValue:
    """Do something to jobs of others, or say to how many."""
    try:
        if request.is_json:
            return _by_program(actions.Action(action))
        return _by_person(actions.Action(action))
    except REFUSALS as problem:
        field, code, message = input_refusal(problem)
        return refuse(422, code, message, field=field or None)


for _action in actions.Action:
    bp.post(
        f"/operations/jobs/{_action}", endpoint=f"act_{_action}", defaults={"action": str(_action)}
    )(act)


def _by_program(action: actions.Action) -> ResponseReturnValue:
    asked = schemas.body(schemas.calls.OperationsAction)
    chosen = _chosen(asked.job_ids or (), asked.filter)
    if asked.dry_run:
        return jsonify(_as_json(actions.preview(chosen)))
    submit_id = asked.submit_id or schemas.key_in_header()
    return jsonify(audit=_done(action, chosen, asked.when, asked.url, submit_id)), 202


def _as_json(found: actions.Preview) -> dict[str, int]:
    return {"matched": found.matched, "people": found.people}


def _chosen(job_ids: Any, matching: schemas.calls.Filter | None) -> actions.Chosen:
    """Return which jobs are meant: one of both must be said, so that nothing is done by mistake."""
    if bool(job_ids) == (matching is not None):
        raise schemas.Invalid("missing", "job_ids")
    if matching is None:
        return actions.Chosen(job_ids=tuple(job_ids))
    given = {name: getattr(matching, name) or "" for name in FIELDS}
    return actions.Chosen(tab=matching.tab, wanted=lists.Filter(**given))


def _done(
    action: actions.Action,
    chosen: actions.Chosen,
    when: str | None,
    url: str | None,
    submit_id: str | None,
) -> dict[str, Any]:
    order = actions.Order(action, chosen, _due_at(action, when), url or None)
    done = record.action(actions.act(order, current_user.id, submit_id))
    if done is None:
        abort(404)
    return views.audit_view(done)


def _due_at(action: actions.Action, when: str | None) -> datetime:
    if action != actions.Action.RESCHEDULE:
        return utcnow()
    if not (when or "").strip():
        raise schemas.Invalid("empty_time", "when")
    return understand(when, current_user.zone, utcnow()).at


def _by_person(action: actions.Action) -> ResponseReturnValue:
    """Ask how sure they are, with what that would mean; then act, and show the record."""
    asked = schemas.form(schemas.calls.OperationsActionForm)
    chosen = actions.Chosen(job_ids=tuple(asked.job_ids))
    if asked.everything:
        chosen = _chosen((), asked)
    if asked.sure:
        done = _done(action, chosen, asked.when, asked.url, asked.submit_id)
        if wants_json():
            return jsonify(audit=done), 202
        return redirect(url_for("operations.action", audit_id=done["id"]), 303)
    found = actions.preview(chosen)
    kept = {name: value for name in ("tab", *FIELDS) if (value := getattr(asked, name))}
    return page(
        "confirm",
        asked.tab,
        action=action,
        words=views.action_words(action),
        matched=found.matched,
        people=found.people,
        kept=kept | ({"everything": "1"} if asked.everything else {}),
        job_ids=() if asked.everything else asked.job_ids,
        submit_id=str(uuid.uuid4()),
        asks_when=action == actions.Action.RESCHEDULE,
        asks_url=action == actions.Action.CONFIRM and found.matched == 1,
        hint=_hint(action),
    )


def _hint(action: actions.Action) -> str:
    """Say what an action leaves alone."""
    if action == actions.Action.RETRY:
        return _("What may already have been posted is sent again only when you tick it yourself.")
    if action == actions.Action.RESCHEDULE:
        return _("What waits for its owner's answer is left as it is.")
    if action == actions.Action.CONFIRM:
        return _("This concerns only jobs that wait for their owner's answer.")
    return _("What has already failed or gone out is left as it is.")
