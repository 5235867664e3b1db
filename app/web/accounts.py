"""The accounts of a user: how each is doing, connecting more, disconnecting one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import mail
from app.accounts import (
    Pending,
    avatars,
    connections,
    disconnections,
    overview,
    pending,
    sign_in_methods,
)
from app.accounts import visibility as showing
from app.db import db
from app.learning import overview as learning_of
from app.models import Account, Delivery, hash_of
from app.networks import Profile
from app.web import auth, concurrency, messages, rate_limits, schemas, sessions, stuck_sign_ins
from app.web.context import networks, ready_networks
from app.web.errors import refuse, refuse_with, wants_json
from app.web.learning import routes as learning
from app.web.pictures import private_webp
from app.web.tweets import options as tweet_options

bp = Blueprint("accounts", __name__)


@bp.get("/accounts")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """Show every account, and how to connect another one."""
    accounts = current_user.accounts
    with_avatar = avatars.kept_of([account.id for account in accounts])
    opening = sign_in_methods.opening(accounts)
    careless = sign_in_methods.careless_hosts(accounts)
    views = [_view(survey, with_avatar) for survey in overview.survey(accounts)]
    told = {one.account.id: one for one in learning_of.of_accounts(accounts)}
    for view in views:
        account = view["account"]
        view["learning"] = learning.as_shown(told[account.id])
        view["opens"] = account.id in opening
        view["is_only_way"] = opening == {account.id}
        view["is_careless"] = account.network == "mastodon" and account.host in careless
    ready = ready_networks()
    return render_template(
        "accounts/index.html",
        views=views,
        networks=ready,
        unreturned={network.name: stuck_sign_ins.servers_of(network) for network in ready},
    )


@bp.get("/accounts/<int:account_id>/options")
@rate_limits.reads
@login_required
def options(account_id: int) -> ResponseReturnValue:
    """Say what the posts of an account can have beyond their text: what its composer offers."""
    return {"options": tweet_options.as_json(_own(account_id))}


@bp.get("/accounts/<int:account_id>/option-fields")
@rate_limits.reads
@login_required
def option_fields(account_id: int) -> ResponseReturnValue:
    """Return the fields of the same as a part of a page, for the composer's script."""
    account = _own(account_id)
    return render_template(
        "tweets/_option_fields.html",
        account={
            "id": account.id,
            "title": networks()[account.network].title,
            "options": tweet_options.fields_of(account),
        },
    )


@bp.get("/accounts/<int:account_id>/avatar")
@rate_limits.reads
@login_required
def avatar(account_id: int) -> ResponseReturnValue:
    """Show an account's picture, to its owner alone."""
    picture = avatars.get(_own(account_id).id)
    if picture is None:
        abort(404)
    return private_webp(picture)


@bp.get("/accounts/confirm")
@rate_limits.reads
@login_required
def confirm() -> ResponseReturnValue:
    """Name the accounts that a network opened to us, and ask whether to connect them."""
    waiting = pending.of(current_user.id, session.get("pending"))
    if waiting is None:
        return _nothing_to_confirm()
    strangers = connections.strangers(waiting.network, waiting.connections, current_user.id)
    if len(strangers) == len(waiting.connections):
        return refuse_with(messages.connect.belongs_to_somebody_else(strangers[0].handle))
    opened = _opened(waiting, strangers)
    if wants_json():
        return {"network": waiting.network, "accounts": opened}
    return render_template(
        "accounts/confirm.html",
        title=networks()[waiting.network].title,
        opened=opened,
        strangers=strangers,
        are_shared=any(one.profile.person_id for one in waiting.connections),
        shown=_mark_of(waiting),
    )


@bp.post("/accounts/confirm")
@rate_limits.writes
@login_required
def settle() -> ResponseReturnValue:
    """Connect what a network opened to us, or end the access again."""
    waiting = pending.of(current_user.id, session.get("pending"))
    if waiting is None:
        return _nothing_to_confirm()
    given = schemas.body(schemas.calls.Confirming)
    if given.shown not in {None, _mark_of(waiting)}:
        return redirect(url_for("accounts.confirm"), 303)  # another tab has opened another account
    if given.refuse:
        return _refuse(waiting)
    site = networks()[waiting.network]
    try:
        done = connections.add(
            site.name, waiting.connections, current_user.id, lambda: pending.take(waiting.id)
        )
    except connections.NotWanted:
        return _nothing_to_confirm()
    except connections.TooManyAccounts as problem:
        return refuse_with(messages.connect.too_many_accounts(problem.most))
    except connections.BelongsToSomebodyElse as taken:
        session.pop("pending", None)
        pending.forget(waiting.id)
        return refuse_with(messages.connect.belongs_to_somebody_else(taken.profiles[0].handle))
    session.pop("pending", None)
    auth.note_connected(site, done)
    if wants_json():
        return {"accounts": [_plain(account) for account in [*done.added, *done.renewed]]}
    return redirect(url_for("accounts.index"), 303)


def _mark_of(waiting: Pending) -> str:
    """Return a mark that differs for each pending connection."""
    return hash_of(waiting.id)[:32]


def _refuse(waiting: Pending) -> ResponseReturnValue:
    session.pop("pending", None)
    mail.reminders.not_needed(current_user.id, waiting.network)
    db.session.commit()
    try:
        with concurrency.asking(waiting.network, waiting.connections[0].profile.server):
            if not pending.refuse(waiting.id):
                return _nothing_to_confirm()
    except concurrency.TooManyAsking:
        pending.leave_to_workers(waiting.id)
    words = _("Nothing was connected.")
    if wants_json():
        return {"accounts": [], "message": words}
    flash(words)
    return redirect(url_for("accounts.index"), 303)


def _nothing_to_confirm() -> ResponseReturnValue:
    session.pop("pending", None)
    if wants_json():
        return refuse(404, "nothing_pending", _("No account is waiting to be connected."))
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
            "signs_in": connections.would_sign_in(waiting.network, connection, current_user.id),
            "proves_nobody": connection.proves_nobody,
        }
        for connection in waiting.connections
        if (profile := connection.profile) not in strangers
    ]


@bp.patch("/accounts/<int:account_id>")
@rate_limits.writes
@login_required
def change(account_id: int) -> ResponseReturnValue:
    """Say whether an account signs its owner in, or who sees its posts."""
    account, wanted = _own(account_id), schemas.body(schemas.calls.AccountChange)
    if wanted.signs_in is None and wanted.visibility is None:
        raise schemas.Invalid("nothing_to_change")
    if wanted.visibility is not None and (refusal := _cannot_be_chosen(account)):
        return refusal
    if wanted.signs_in is not None and (refusal := _set_sign_in(account, wanted.signs_in)):
        return refusal
    if wanted.visibility is not None:
        showing.choose(account_id, _stored(wanted.visibility))
    return _plain(_own(account_id))


@bp.post("/accounts/<int:account_id>/visibility")
@rate_limits.writes
@login_required
def choose_visibility(account_id: int) -> ResponseReturnValue:
    """Say who sees an account's posts from now on, as a plain form."""
    account, wanted = _own(account_id), schemas.body(schemas.calls.VisibilityForm).visibility
    if refusal := _cannot_be_chosen(account):
        return refusal
    handle = account.handle
    showing.choose(account_id, _stored(wanted))
    flash(
        _(
            "Changed for everything that @%(handle)s has yet to post. Older posts stay as they "
            "are.",
            handle=handle,
        )
    )
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
@rate_limits.writes
@login_required
def sign_in(account_id: int) -> ResponseReturnValue:
    """The same as a plain form: ``signs_in`` is 1 or 0."""
    account, wanted = _own(account_id), schemas.body(schemas.calls.SignInForm).signs_in
    handle = account.handle
    if refusal := _set_sign_in(account, wanted):
        return refusal
    flash(messages.connect.sign_in_changed(handle, wanted))
    return redirect(url_for("accounts.index"), 303)


_NOT_CHANGED = {
    sign_in_methods.LastSignInMethod: "last_door",
    sign_in_methods.ProvesNobody: "proves_nobody",
    sign_in_methods.OpensAnother: "opens_another",
    sign_in_methods.NobodyProved: "reconnect_first",
}


def _set_sign_in(account: Account, signs_in: bool) -> ResponseReturnValue | None:
    """Let an account sign its owner in or not; return nothing, or why that cannot be."""
    handle, title = account.handle, networks()[account.network].title
    server = account.server or title
    try:
        sign_in_methods.switch(current_user.id, account.id, signs_in, sessions.visit())
    except tuple(_NOT_CHANGED) as problem:
        code = _NOT_CHANGED[type(problem)]
        return refuse_with(messages.connect.sign_in_not_changed(code, handle, server, title))
    return None


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
@rate_limits.reads
@login_required
def ask(account_id: int) -> ResponseReturnValue:
    """Say what disconnecting would do, and ask."""
    account = _own(account_id)
    waiting = overview.waiting_of([account.id]).get(account.id, 0)
    mine = sign_in_methods.accounts_of(current_user.id)
    is_only_way = sign_in_methods.opening(mine) == {account.id}
    return render_template(
        "accounts/disconnect.html",
        account=account,
        title=networks()[account.network].title,
        waiting=waiting,
        is_last=len(mine) == 1,
        is_only_way=is_only_way,
        others=[one for one in mine if is_only_way and one.id != account.id and one.person_id],
    )


@bp.post("/accounts/<int:account_id>/disconnect")
@rate_limits.writes
@login_required
def disconnect(account_id: int) -> ResponseReturnValue:
    """Cancel what waits for an account and forget its access."""
    account = _own(account_id)
    handle, network, server = account.handle, account.network, account.server
    visit = sessions.visit()
    db.session.commit()
    cancelled = disconnections.disconnect(account_id, visit)
    with (
        suppress(concurrency.TooManyAsking),
        concurrency.asking(network, server),
    ):  # else a worker does
        disconnections.finish([account_id])
    words = messages.connect.disconnected(handle, cancelled)
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


def _view(survey: overview.Survey, with_avatar: set[int]) -> dict[str, Any]:
    account = survey.account
    network = networks()[account.network]
    has_avatar = account.id in with_avatar
    return {
        "account": account,
        "survey": survey,
        "network": network,
        "is_shared": account.person_id not in {"", account.remote_id},
        "avatar_url": url_for("accounts.avatar", account_id=account.id) if has_avatar else "",
        "profile_url": account.profile_url or network.profile_url(account.handle),
        "health": _health_of(survey),
        "chosen_visibility": account.visibility or schemas.DEFAULT_VISIBILITY,
        "visibility": (account.limits or {}).get("visibility") or "",
        "last_error": _error_of(survey),
    }


def _health_of(survey: overview.Survey) -> str:
    if survey.account.needs_reconnect:
        return "reconnect"
    if survey.is_stopped:
        return "stopped"
    if survey.paused_until:
        return "paused"
    return "silent" if survey.is_silent else "ok"


def _error_of(survey: overview.Survey) -> dict[str, Any] | None:
    """Return what went wrong last, and when; nothing when a newer tweet went out."""
    trouble, ended = survey.last_trouble, _ended(survey.account)
    if trouble is None:
        return ended
    at = overview.moment_of(trouble)
    posted_at = survey.last_post.accepted_at if survey.last_post else None
    ended_later = ended is not None and ended["at"] > at and not trouble.hold_reason
    if ended_later or (posted_at is not None and posted_at > at):
        return ended
    return {"message": _words_of(trouble), "at": at, "tweet_id": trouble.tweet_id}


def _words_of(trouble: Delivery) -> str:
    title, code = networks()[trouble.account.network].title, trouble.error_code
    if trouble.hold_reason:
        return messages.hold_error(trouble.hold_reason, title, trouble.account.handle, code)[1]
    return messages.delivery_error(code, title)[0]


def _ended(account: Account) -> dict[str, Any] | None:
    if not account.needs_reconnect or account.last_error_at is None:
        return None
    words, at = messages.access_ended(account.handle), account.last_error_at
    return {"message": words, "at": at, "tweet_id": None}
