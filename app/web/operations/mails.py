"""What is mailed: the state of each mail, without an address."""

from __future__ import annotations

from typing import Any

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue

from app.models import MailState
from app.operations import mails as outbox
from app.web import rate_limits, schemas
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.operations.access import bp
from app.web.operations.tabs import page


@bp.get("/operations/mails")
@rate_limits.reads
def mails() -> ResponseReturnValue:
    """List the mails, the newest first."""
    asked = schemas.query(schemas.calls.MailsQuery)
    before = None if asked.before is None else int(asked.before)
    found = outbox.page(asked.state, before)
    if wants_json():
        return jsonify(mails=[_view(one) for one in found.mails], next=found.next)
    further = found.next and url_for("operations.mails", state=asked.state, before=found.next)
    states = [str(state) for state in MailState]
    return page(
        "mails", "mails", mails=found.mails, state=asked.state, states=states, next_url=further
    )


def _view(one: Any) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "state": one.state,
        "next_at": None if one.next_at is None else iso_utc(one.next_at),
        "attempts": one.fence,
        "message_id": one.message_id,
        "error": one.error,
    }
