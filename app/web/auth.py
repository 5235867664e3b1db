"""Signing in through a network's consent page, and out.

A GET begins nothing where somebody typed something or is signed in: a link in somebody else's page
must lead no further than a form of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user

from app import mail
from app.accounts import Connected, audit, disconnections, identities, pending, sign_in_methods
from app.accounts import connections as connecting
from app.accounts import sessions as signing_in
from app.db import db
from app.learning import consent
from app.models import EventKind
from app.networks import (
    Connection,
    ConnectRefused,
    Consent,
    LookUpFailed,
    Network,
    RegistersApps,
    http,
)
from app.web import (
    concurrency,
    consents,
    messages,
    rate_limits,
    schemas,
    sessions,
    stuck_sign_ins,
    wanted_pages,
)
from app.web.context import networks
from app.web.errors import gives_back, refuse, refuse_with, wants_json
from app.web.tweets import forms

bp = Blueprint("auth", __name__)
login_manager = LoginManager()
login_manager.session_protection = None  # a session is a row that can be ended, wherever it is used
login_manager.user_loader(sessions.load)


def init_app(app: Flask) -> None:
    """Register the way a session names its user."""
    login_manager.init_app(app)


@bp.get("/login/<network>")
@rate_limits.sign_in
def login(network: str) -> ResponseReturnValue:
    """Show the form; where nothing is typed, send who is signed out to the consent page at once.

    What the address already says, such as the server of an account to reconnect, is filled in.
    """
    site = _ready_network(network)
    session["timezone"] = request.args.get("timezone", "")[:64]
    _remember_way_back(request.args.get("back"))
    if not site.connect_fields and not current_user.is_authenticated:
        return _begin(site, {})
    names = [field.name for field in site.connect_fields if not field.secret]
    typed = {name: request.args[name][:300] for name in names if request.args.get(name)}
    return _connect_page(site, typed)


@bp.post("/login/<network>")
@rate_limits.sign_in
def begin(network: str) -> ResponseReturnValue:
    """Begin with what was typed: a server, a handle and an app password, or nothing."""
    site = _ready_network(network)
    _remember_way_back(request.form.get("back"))
    names = [field.name for field in site.connect_fields]
    try:
        typed = schemas.connect_fields(names, request.form)
    except schemas.Invalid as problem:
        if wants_json():
            raise
        return _given_back(site, messages.input_refusal(problem)[2]), 422
    return _begin(site, typed)


@bp.post("/login/<network>/anew")
@rate_limits.sign_in
@rate_limits.anew
def anew(network: str) -> ResponseReturnValue:
    """Begin again with another app, where the server let nobody come back to us."""
    site = _ready_network(network)
    given = schemas.body(schemas.calls.AnewForm)
    _remember_way_back(given.back)
    memory = stuck_sign_ins.memory_of(site, given.server)
    if memory is None or not isinstance(site, RegistersApps):
        way = url_for("auth.login", network=network, server=given.server, back=given.back or None)
        return redirect(way, 303)
    asked, uri, signing_in_now = (
        site,
        consents.redirect_uri(network),
        not current_user.is_authenticated,
    )

    def ask() -> Consent:
        try:
            begun = asked.begin_anew(memory, uri, signing_in_now)
        except ConnectRefused:
            stuck_sign_ins.close(network, given.server)
            raise
        stuck_sign_ins.close(network, given.server)
        return begun

    return _begin_with(site, {"server": str(memory["server"])}, ask)


def _given_back(site: Network, error: str) -> str:
    """Return the form with what was typed there but passwords, and what is wrong."""
    names = [field.name for field in site.connect_fields if not field.secret]
    return _connect_page(site, {name: request.form.get(name, "")[:300] for name in names}, error)


def _old_form(message: str) -> ResponseReturnValue:
    site = _ready_network(str((request.view_args or {})["network"]))
    return _given_back(site, message), 400


gives_back("auth.begin", _old_form)


def _begin(site: Network, typed: dict[str, str]) -> ResponseReturnValue:
    signing_in_now, uri = not current_user.is_authenticated, consents.redirect_uri(site.name)
    return _begin_with(site, typed, lambda: site.begin(typed, uri, signing_in_now))


def _begin_with(
    site: Network, typed: dict[str, str], ask: Callable[[], Consent | list[Connection]]
) -> ResponseReturnValue:
    signing_in_now = not current_user.is_authenticated
    try:
        db.session.commit()  # the network may take long: no transaction stays open meanwhile
        with concurrency.asking(site.name, concurrency.named_in(typed)):
            begun = ask()
    except concurrency.TooManyAsking:
        return refuse_with(messages.connect.crowded(site, typed))
    except LookUpFailed as error:
        return refuse_with(messages.connect.no_answer(site, error, typed))
    except ConnectRefused as refusal:
        if typed:
            return _ask_again(site, typed, refusal)
        return refuse_with(messages.connect.refused(site, refusal))
    if isinstance(begun, list):
        return _connect_at_once(site, begun)
    known = {**begun.memory, "network": site.name, "signing_in": signing_in_now}
    consents.remember(stuck_sign_ins.note(known))
    if not signing_in_now:
        mail.reminders.after_beginning(current_user.id, site.name, site.title)
        db.session.commit()
    return redirect(begun.url)


def _ask_again(site: Network, typed: dict[str, str], refusal: ConnectRefused) -> Any:
    kept = {field.name: typed[field.name] for field in site.connect_fields if not field.secret}
    error = messages.connect.field_sentence(site, refusal)
    if wants_json():
        return refuse(422, refusal.code, error, field=_field_of(site, refusal))
    return _connect_page(site, kept, error), 422


def _field_of(site: Network, refusal: ConnectRefused) -> str:
    """Return the name of what has to be typed otherwise."""
    is_secret = "password" in refusal.code
    fields = [field.name for field in site.connect_fields if field.secret == is_secret]
    return (fields or [site.connect_fields[0].name])[0]


def _connect_page(site: Network, typed: dict[str, str], error: str | None = None) -> str:
    return render_template(
        "accounts/connect.html",
        network=site,
        typed=typed,
        error=error,
        back=session.get("back"),
        unreturned=stuck_sign_ins.servers_of(site),
    )


def _remember_way_back(page: str | None) -> None:
    """Note where to go when the account is connected: the list of accounts, or the start page."""
    session["back"] = "accounts" if page == "accounts" else ""


@bp.get("/login/<network>/callback")
@bp.get("/login/<network>/callback/<host>")
@rate_limits.sign_in
def callback(network: str, host: str = "") -> ResponseReturnValue:
    """Take the network's answer: sign in; or ask whoever is signed in whether to connect it."""
    site = _ready_network(network)
    signs_in = not current_user.is_authenticated
    try:
        memory = _recall(network, host, signs_in)
        db.session.commit()  # as above
        with concurrency.asking(network, str(memory.get("server") or "")):
            connections = site.finish(
                memory, request.args.to_dict(), consents.redirect_uri(network)
            )
            if signs_in:
                identities.learn(site, connections)
    except concurrency.TooManyAsking:
        return refuse_with(messages.connect.crowded(site))
    except LookUpFailed as error:
        return refuse_with(messages.connect.no_answer(site, error))
    except ConnectRefused as refusal:
        if refusal.code == "denied" and not signs_in:
            mail.reminders.not_needed(current_user.id, network)
            db.session.commit()
        return refuse_with(messages.connect.refused(site, refusal))
    stuck_sign_ins.close(network, host)
    if signs_in:
        return _sign_in(site, connections)
    if wider := memory.get("learning"):
        return _learn(site, connections, int(wider))
    session["pending"] = pending.keep(current_user.id, site.name, connections)
    return redirect(url_for("accounts.confirm"), 303)


def _learn(site: Network, connections: list[Connection], account_id: int) -> ResponseReturnValue:
    """Take wider access to an account that is connected already; nothing else is connected."""
    account = next((one for one in current_user.accounts if one.id == account_id), None)
    names = account and (account.network, account.server, account.remote_id)
    same = [
        one
        for one in connections
        if names == (site.name, one.profile.server, one.profile.remote_id)
    ]
    if others := [one for one in connections if one not in same]:
        _end(site, others)
    if account is None or not same:
        other = connections[0].profile.handle
        return refuse_with(messages.learning.another_account(account and account.handle, other))
    connecting.add(site.name, same, current_user.id)
    fresh = next(one for one in current_user.accounts if one.id == account_id)
    is_granted = consent.granted(fresh)
    flash(messages.learning.granted(fresh.handle, site.title, is_granted))
    return redirect(url_for("learning.show", account_id=account_id), 303)


def _recall(network: str, host: str, signs_in: bool) -> dict[str, Any]:
    """Return what was kept for this callback, and forget it: it is good for once.

    It is bound to the network and the server that it was made for: another one must not get to
    see what belongs to it. What began for somebody who was signed in signs nobody in.
    """
    memory = consents.take()
    if memory is None:
        raise ConnectRefused("stale")
    if (memory.get("network"), memory.get("host", "")) != (network, host):
        raise ConnectRefused("stale", "foreign_state")
    if signs_in and not memory.get("signing_in"):
        raise ConnectRefused("stale", "signed_out_meanwhile")
    return memory


def _connect_at_once(site: Network, connections: list[Connection]) -> ResponseReturnValue:
    """Connect without asking again: the form was ours, and a password was typed in it."""
    if not current_user.is_authenticated:
        return _sign_in(site, connections)
    if not sessions.is_alive():  # it was ended while the network was asked
        _end(site, connections)
        abort(401)
    try:
        done = connecting.add(site.name, connections, current_user.id)
    except connecting.BelongsToSomebodyElse as taken:
        return refuse_with(messages.connect.belongs_to_somebody_else(taken.profiles[0].handle))
    except connecting.TooManyAccounts as problem:
        _end(site, connections)
        return refuse_with(messages.connect.too_many_accounts(problem.most))
    note_connected(site, done)
    page = "accounts.index" if session.get("back") else "tweets.index"
    return redirect(url_for(page), 303)


def _sign_in(site: Network, connections: list[Connection]) -> ResponseReturnValue:
    first = connections[0].profile
    refusal: tuple[messages.Refusal, int | None]
    try:
        done = connecting.sign_in(site.name, connections)
    except sign_in_methods.ProvesNobody:
        refusal = messages.connect.server_checks_nobody(site, first.server), None
    except connecting.SignsNobodyIn as closed:
        refusal = messages.connect.account_only_publishes(first.handle), closed.user_id
    except connecting.BelongsToSomebodyElse:
        refusal = messages.connect.belongs_to_somebody_else(first.handle), None
    else:
        return _enter(site, done)
    kind = EventKind.SIGN_IN_REFUSED
    audit.note(kind, sessions.visit(), refusal[1], site.name, first.handle)
    db.session.commit()
    _end(site, connections)
    return refuse_with(refusal[0])


def _end(site: Network, connections: list[Connection]) -> None:
    """End access that is not used, unless too many people wait for the network already."""
    with (
        suppress(concurrency.TooManyAsking),
        concurrency.asking(site.name, connections[0].profile.server),
    ):
        began = http.boottime()
        for one in connections:
            disconnections.end_access(site.name, one.profile, one.credentials, began)


def note_connected(site: Network, done: Connected) -> None:
    """Say on the next page what was connected and what was not, and write it to the audit log."""
    for words in messages.connect.connected(site.title, done):
        flash(words)
    renewed = [account for account in done.renewed if account is not done.sign_in_account]
    for kind, some in ((EventKind.ACCOUNT_ADDED, done.added), (EventKind.ACCOUNT_RENEWED, renewed)):
        for account in some:
            audit.note(kind, sessions.visit(), done.user_id, site.name, account.handle)
    db.session.commit()


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out; the accounts stay connected and what is scheduled still goes out."""
    if current_user.is_authenticated:
        signing_in.sign_out(sessions.here(), sessions.visit())
    sessions.forget()
    return redirect(url_for("tweets.index"), 303)


def _enter(site: Network, done: Connected) -> ResponseReturnValue:
    page = wanted_pages.take("accounts.index" if session.get("back") else "tweets.index")
    known = forms.known_zone(session.get("timezone"))
    zone = known.key if known else ""
    assert done.sign_in_account is not None
    try:
        sessions.open_for(done.user_id, done.sign_in_account, zone)
    except signing_in.SignInMethodOff:
        return refuse_with(messages.connect.refused(site, ConnectRefused("stale", "method_off")))
    note_connected(site, done)
    forms.remember_zone(zone)
    return redirect(page, 303)


def _ready_network(name: str) -> Network:
    site = networks().get(name)
    if site is None or not site.ready:
        abort(404)
    return site
