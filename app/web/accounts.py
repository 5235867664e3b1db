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
from app.models.session import hash_of
from app.networks.base import Profile
from app.services import avatars, connecting, disconnecting, doors, pending, showing, surveying
from app.services.pending import Pending
from app.web import auth, limits, reasons, refusals, schemas, sentences, sessions, turns, ways_out
from app.web.pages import networks
from app.web.problems import refuse, wants_json

bp = Blueprint("accounts", __name__)


@bp.get("/accounts")
@limits.reads
@login_required
def index() -> ResponseReturnValue:
    """Show every account, and how to connect another one."""
    accounts = current_user.accounts
    with_avatar = avatars.kept_of([account.id for account in accounts])
    opening = doors.opening(accounts)
    careless = doors.careless_hosts(accounts)
    views = [_view(survey, with_avatar) for survey in surveying.survey(accounts)]
    for view in views:
        view["opens"] = view["id"] in opening
        view["is_only_way"] = opening == {view["id"]}
        view["is_careless"] = view["network"] == "mastodon" and view["host"] in careless
    ready = [network for network in networks().values() if network.ready]
    return render_template(
        "accounts.html",
        surveys=views,
        networks=ready,
        unreturned={network.name: ways_out.servers_of(network) for network in ready},
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


@bp.get("/accounts/confirm")
@limits.reads
@login_required
def confirm() -> ResponseReturnValue:
    """Name the accounts that a network opened to us, and ask whether to connect them."""
    waiting = pending.of(current_user.id, session.get("pending"))
    if waiting is None:
        return _nothing_to_confirm()
    strangers = connecting.strangers(waiting.network, waiting.connections, current_user.id)
    if len(strangers) == len(waiting.connections):
        return refusals.belongs_to_somebody_else(strangers[0].handle)
    opened = _opened(waiting, strangers)
    if wants_json():
        return {"network": waiting.network, "accounts": opened}
    return render_template(
        "confirm.html",
        title=networks()[waiting.network].title,
        opened=opened,
        strangers=strangers,
        are_shared=any(one.profile.person_id for one in waiting.connections),
        shown=_mark_of(waiting),
    )


@bp.post("/accounts/confirm")
@limits.writes
@login_required
def settle() -> ResponseReturnValue:
    """Connect what a network opened to us, or end the access again."""
    waiting = pending.of(current_user.id, session.get("pending"))
    if waiting is None:
        return _nothing_to_confirm()
    given = schemas.body(schemas.Confirming)
    if given.shown not in {None, _mark_of(waiting)}:
        return redirect(url_for("accounts.confirm"), 303)  # another tab has opened another account
    if given.refuse:
        return _refuse(waiting)
    site = networks()[waiting.network]
    try:
        done = connecting.add(
            site.name, waiting.connections, current_user.id, lambda: pending.take(waiting.id)
        )
    except connecting.NotWanted:
        return _nothing_to_confirm()
    except connecting.TooManyAccounts as problem:
        return refusals.too_many_accounts(problem.most)
    except connecting.BelongsToSomebodyElse as taken:
        _forget(waiting)
        return refusals.belongs_to_somebody_else(taken.profiles[0].handle)
    session.pop("pending", None)
    auth.note_connected(site, done)
    if wants_json():
        return {"accounts": [_plain(account) for account in [*done.added, *done.renewed]]}
    return redirect(url_for("accounts.index"), 303)


def _mark_of(waiting: Pending) -> str:
    """Return what tells the page of one opened access from the page of another."""
    return hash_of(waiting.id)[:32]


def _refuse(waiting: Pending) -> ResponseReturnValue:
    session.pop("pending", None)
    db.session.commit()
    try:
        with turns.asking(waiting.network, waiting.connections[0].profile.server):
            if not pending.refuse(waiting.id):
                return _nothing_to_confirm()
    except turns.TooManyAsking:
        pending.leave_to_workers(waiting.id)
    words = _("Nothing was connected.")
    if wants_json():
        return {"accounts": [], "message": words}
    flash(words)
    return redirect(url_for("accounts.index"), 303)


def _forget(waiting: Pending) -> None:
    session.pop("pending", None)
    pending.forget(waiting.id)


def _nothing_to_confirm() -> ResponseReturnValue:
    session.pop("pending", None)
    if wants_json():
        return refuse(404, "nothing_pending", _("No account waits to be connected."))
    return redirect(url_for("accounts.index"), 303)


def _opened(waiting: Pending, strangers: list[Profile]) -> list[dict[str, Any]]:
    """Return what the page says of each account that can be connected."""
    mine = {(one.network, one.server, one.remote_id) for one in current_user.accounts}
    return [
        {
            "handle": profile.handle,
            "display_name": profile.display_name,
            "server": profile.server,
            "profile_url": networks()[waiting.network].profile_url(profile.handle),
            "is_known": (waiting.network, profile.server, profile.remote_id) in mine,
            "signs_in": connecting.would_sign_in(waiting.network, connection, current_user.id),
            "proves_nobody": connection.proves_nobody,
        }
        for connection in waiting.connections
        if (profile := connection.profile) not in strangers
    ]


@bp.patch("/accounts/<int:account_id>")
@limits.writes
@login_required
def change(account_id: int) -> ResponseReturnValue:
    """Say whether an account opens the door, or who sees its posts."""
    account, wanted = _own(account_id), schemas.body(schemas.AccountChange)
    if wanted.signs_in is None and wanted.visibility is None:
        raise schemas.Invalid("nothing_to_change")
    if wanted.visibility is not None and (refusal := _cannot_be_chosen(account)):
        return refusal
    if wanted.signs_in is not None and (refusal := _switch(account, wanted.signs_in)):
        return refusal
    if wanted.visibility is not None:
        showing.choose(account_id, _stored(wanted.visibility))
    return _plain(_own(account_id))


@bp.post("/accounts/<int:account_id>/visibility")
@limits.writes
@login_required
def choose_visibility(account_id: int) -> ResponseReturnValue:
    """Say who sees an account's posts from now on, as a plain form."""
    account, wanted = _own(account_id), schemas.body(schemas.VisibilityForm).visibility
    if refusal := _cannot_be_chosen(account):
        return refusal
    handle = account.handle
    showing.choose(account_id, _stored(wanted))
    flash(_("Changed for all that @%(handle)s has yet to post. Older posts stay.", handle=handle))
    return redirect(url_for("accounts.index"), 303)


def _stored(visibility: str) -> str:
    return "" if visibility == schemas.DEFAULT_VISIBILITY else visibility


def _cannot_be_chosen(account: Account) -> ResponseReturnValue | None:
    """Return why nobody can choose here who sees an account's posts; nothing where one can."""
    site = networks()[account.network]
    if site.visibilities:
        return None
    words = _("Who sees posts on %(network)s can only be changed there.", network=site.title)
    action = {"url": url_for("accounts.index"), "label": _("To your accounts")}
    return refuse(
        422, "no_visibility", words, title=_("Not changed"), field="visibility", action=action
    )


@bp.post("/accounts/<int:account_id>/door")
@limits.writes
@login_required
def open_door(account_id: int) -> ResponseReturnValue:
    """The same as a plain form: ``signs_in`` is 1 or 0."""
    account, wanted = _own(account_id), schemas.body(schemas.DoorForm).signs_in
    handle = account.handle
    if refusal := _switch(account, wanted):
        return refusal
    if wanted:
        flash(_("You can now sign in with @%(handle)s.", handle=handle))
    else:
        flash(
            _(
                "@%(handle)s only publishes now. Sessions that were opened with it have ended.",
                handle=handle,
            )
        )
    return redirect(url_for("accounts.index"), 303)


def _switch(account: Account, signs_in: bool) -> ResponseReturnValue | None:
    """Switch it and return nothing, or why that cannot be."""
    handle, title = account.handle, networks()[account.network].title
    server = account.server or title
    try:
        doors.switch(current_user.id, account.id, signs_in, sessions.visit())
    except doors.LastDoor:
        code, words = (
            "last_door",
            _("@%(handle)s is your only way in. Let another account sign in first.", handle=handle),
        )
    except doors.ProvesNobody:
        code, words = (
            "proves_nobody",
            _(
                "%(server)s does not check who signs in, so @%(handle)s cannot.",
                server=server,
                handle=handle,
            ),
        )
    except doors.OpensAnother:
        code, words = (
            "opens_another",
            _("Whoever owns @%(handle)s signs in as another user here already.", handle=handle),
        )
    except doors.NobodyProved:
        code, words = (
            "reconnect_first",
            _(
                "Reconnect @%(handle)s first: %(network)s must say who you are.",
                handle=handle,
                network=title,
            ),
        )
    else:
        return None
    action = {"url": url_for("accounts.index"), "label": _("To your accounts")}
    return refuse(409, code, words, title=_("Not changed"), field="signs_in", action=action)


def _plain(account: Account) -> dict[str, Any]:
    """Return an account as programs see it."""
    is_chosen_here = bool(networks()[account.network].visibilities)
    chosen = account.visibility or schemas.DEFAULT_VISIBILITY
    return {
        "id": account.id,
        "network": account.network,
        "title": networks()[account.network].title,
        "handle": account.handle,
        "display_name": account.display_name,
        "server": account.server,
        "signs_in": account.signs_in,
        "visibility": chosen if is_chosen_here else None,
    }


@bp.get("/accounts/<int:account_id>/disconnect")
@limits.reads
@login_required
def ask(account_id: int) -> ResponseReturnValue:
    """Say what disconnecting would do, and ask."""
    account = _own(account_id)
    waiting = surveying.waiting_of([account.id]).get(account.id, 0)
    mine = doors.accounts_of(current_user.id)
    is_only_way = doors.opening(mine) == {account.id}
    return render_template(
        "disconnect.html",
        account=account,
        title=networks()[account.network].title,
        waiting=waiting,
        is_last=len(mine) == 1,
        is_only_way=is_only_way,
        others=[one for one in mine if is_only_way and one.id != account.id and one.person_id],
    )


@bp.post("/accounts/<int:account_id>/disconnect")
@limits.writes
@login_required
def disconnect(account_id: int) -> ResponseReturnValue:
    """Cancel what waits for an account and forget its access."""
    account = _own(account_id)
    handle, network, server = account.handle, account.network, account.server
    visit = sessions.visit()
    db.session.commit()
    cancelled = disconnecting.disconnect(account_id, visit)
    with suppress(turns.TooManyAsking), turns.asking(network, server):  # else a worker does
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
        "is_shared": account.person_id not in {"", account.remote_id},
        "title": network.title,
        "handle": account.handle,
        "display_name": account.display_name,
        "server": account.server,
        "host": account.host,
        "avatar_url": url_for("accounts.avatar", account_id=account.id) if has_avatar else "",
        "profile_url": account.profile_url or network.profile_url(account.handle),
        "health": _health_of(survey),
        "paused_until": survey.paused_until,
        "waiting": survey.waiting,
        "visibilities": network.visibilities,
        "chosen_visibility": account.visibility or schemas.DEFAULT_VISIBILITY,
        "visibility": (account.limits or {}).get("visibility") or "",
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
