"""The accounts of a user: how each is doing, connecting more, disconnecting one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user, login_required

from app.db import db
from app.models import Account, Delivery
from app.services import avatars, disconnecting, surveying
from app.web import limits, reasons, sentences, turns
from app.web.pages import networks
from app.web.problems import wants_json

bp = Blueprint("accounts", __name__)


@bp.get("/accounts")
@limits.reads
@login_required
def index() -> ResponseReturnValue:
    """Show every account, and how to connect another one."""
    if zone := request.args.get("timezone"):
        session["timezone"] = zone[:64]
    accounts = current_user.accounts
    with_avatar = avatars.kept_of([account.id for account in accounts])
    return render_template(
        "accounts.html",
        surveys=[_view(survey, with_avatar) for survey in surveying.survey(accounts)],
        networks=[network for network in networks().values() if network.ready],
    )


@bp.get("/accounts/<int:account_id>/avatar")
@limits.reads
@login_required
def avatar(account_id: int) -> ResponseReturnValue:
    """Show an account's picture, to its owner alone."""
    picture = avatars.get(_own(account_id).id)
    if picture is None:
        abort(404)
    headers = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
    response = Response(picture, mimetype="image/webp", headers=headers)
    response.add_etag()
    return response.make_conditional(request)


@bp.get("/accounts/<int:account_id>/disconnect")
@limits.reads
@login_required
def ask(account_id: int) -> ResponseReturnValue:
    """Say what disconnecting would do, and ask."""
    account = _own(account_id)
    waiting = surveying.waiting_of([account.id]).get(account.id, 0)
    return render_template(
        "disconnect.html",
        account=account,
        title=networks()[account.network].title,
        waiting=waiting,
        is_last=len(current_user.accounts) == 1,
    )


@bp.post("/accounts/<int:account_id>/disconnect")
@limits.writes
@login_required
def disconnect(account_id: int) -> ResponseReturnValue:
    """Cancel what waits for an account and forget its access."""
    account = _own(account_id)
    handle, network = account.handle, account.network
    db.session.commit()
    cancelled = disconnecting.disconnect(account_id)
    with suppress(turns.TooManyAsking), turns.asking(network):  # else a worker does it soon
        disconnecting.finish([account_id])
    words = _("@%(handle)s is disconnected.", handle=handle)
    if cancelled:
        words += " " + ngettext(
            "%(num)s waiting tweet was cancelled.",
            "%(num)s waiting tweets were cancelled.",
            cancelled,
        )
    if wants_json():
        return {"cancelled": cancelled, "message": words}
    flash(words)
    return redirect(url_for("accounts.index"), 303)


def _own(account_id: int) -> Account:
    """Return the signed-in user's own connected account; any other does not exist."""
    mine = {account.id: account for account in current_user.accounts}
    if account_id not in mine:
        abort(404)
    return mine[account_id]


def _view(survey: surveying.Survey, with_avatar: set[int]) -> dict[str, Any]:
    account = survey.account
    network = networks()[account.network]
    has_avatar = account.id in with_avatar
    return {
        "id": account.id,
        "network": account.network,
        "title": network.title,
        "handle": account.handle,
        "display_name": account.display_name,
        "server": account.server,
        "avatar_url": url_for("accounts.avatar", account_id=account.id) if has_avatar else "",
        "profile_url": account.profile_url or network.profile_url(account.handle),
        "health": _health_of(survey),
        "paused_until": survey.paused_until,
        "waiting": survey.waiting,
        "last_post": survey.last_post,
        "last_error": _error_of(survey),
    }


def _health_of(survey: surveying.Survey) -> str:
    if survey.account.needs_reconnect:
        return "reconnect"
    if survey.is_stopped:
        return "stopped"
    if survey.paused_until:
        return "paused"
    return "silent" if survey.is_silent else "ok"


def _error_of(survey: surveying.Survey) -> dict[str, Any] | None:
    """Return what went wrong last, and when; nothing when a newer tweet went out."""
    trouble, ended = survey.last_trouble, _ended(survey.account)
    if trouble is None:
        return ended
    at = surveying.moment_of(trouble)
    posted_at = survey.last_post.accepted_at if survey.last_post else None
    ended_later = ended is not None and ended["at"] > at and not trouble.hold_reason
    if ended_later or (posted_at is not None and posted_at > at):
        return ended
    return {"message": _words_of(trouble), "at": at, "tweet_id": trouble.tweet_id}


def _words_of(trouble: Delivery) -> str:
    title, code = networks()[trouble.account.network].title, trouble.error_code
    if trouble.hold_reason or not code:
        return sentences.hold_error(trouble.hold_reason, title, trouble.account.handle, code)[1]
    return reasons.delivery_error(code, title)[0]


def _ended(account: Account) -> dict[str, Any] | None:
    if not account.needs_reconnect or account.last_error_at is None:
        return None
    words = _("Access to @%(handle)s ended.", handle=account.handle)
    return {"message": words, "at": account.last_error_at, "tweet_id": None}
