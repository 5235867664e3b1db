"""Where else people are told: their browsers, and an URL of their own."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required

from app import push
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json

bp = Blueprint("push", __name__)

SCRIPT = "js/push/service-worker.js"
REFUSED = {
    "unknown_scheme": _l(
        "That service is not known here. Use discord, ntfy, pbul, pover, slack, tgram or jsons."
    ),
    "private_address": _l("That address is not on the public internet."),
    "bad_url": _l("That is not an address of such a service, as Apprise writes it."),
    "bad_keys": _l("That is not what a browser gives."),
}


@bp.get("/service-worker.js")
@rate_limits.reads
def service_worker() -> ResponseReturnValue:
    """Serve the script that shows messages. Here and not among the others: it is for all pages."""
    answer = current_app.send_static_file(SCRIPT)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@bp.get("/push/key")
@rate_limits.reads
@login_required
def key() -> ResponseReturnValue:
    """Return the key with which browsers subscribe."""
    if (found := push.public_key()) is None:
        abort(404)
    return jsonify(key=found)


@bp.post("/push/subscriptions")
@rate_limits.writes
@login_required
def subscribe() -> ResponseReturnValue:
    """Keep what the browser gave."""
    given = schemas.body(schemas.calls.PushSubscription)
    try:
        target_id = push.add_browser(current_user.id, given.model_dump())
    except push.WrongAddress as wrong:
        return _refused(wrong, "keys" if wrong.reason == "bad_keys" else "endpoint")
    return jsonify(id=target_id), 201


@bp.delete("/push/subscriptions/<int:target_id>")
@rate_limits.writes
@login_required
def unsubscribe(target_id: int) -> ResponseReturnValue:
    """Tell nothing to this browser any more."""
    if not push.remove(current_user.id, target_id):
        abort(404)
    return Response(status=204)


@bp.post("/settings/alert-url")
@rate_limits.writes
@login_required
def keep_url() -> ResponseReturnValue:
    """Keep the URL at which somebody wants to be told; empty for none."""
    given = schemas.body(schemas.calls.AlertUrl)
    try:
        push.keep_url(current_user.id, given.url)
    except push.WrongAddress as wrong:
        return _refused(wrong, "url")
    if wants_json():
        return jsonify(service=push.url_of(current_user.id))
    flash(_("Saved."))
    return redirect(url_for("settings.show"), 303)


def _refused(wrong: push.WrongAddress, field: str) -> ResponseReturnValue:
    return refuse(422, wrong.reason, str(REFUSED[wrong.reason]), field=field)
