"""Signing in through a network's consent page, and out."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import LoginManager, current_user, login_user, logout_user

from app.db import db
from app.models import User
from app.networks.base import Connection, ConnectRefused, LookUpFailed, Network
from app.services import connecting
from app.web import forms, limits, refusals, schemas, turns
from app.web.pages import networks

bp = Blueprint("auth", __name__)
login_manager = LoginManager()

STATE_NAMES = ("state", "oauth_token", "denied")
"""Where networks send back what the consent page began with."""
MOST_AT_ONCE = 3
"""Consent pages that one browser may have open; the oldest is forgotten."""


def init_app(app: Flask) -> None:
    """Register the way a session names its user."""
    login_manager.init_app(app)


@login_manager.user_loader
def _load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


@bp.get("/login/<network>")
@limits.sign_in
def login(network: str) -> ResponseReturnValue:
    """Send the person to the network's consent page, or ask first for what it needs to know.

    What the address already says, such as the server of an account to reconnect, is not asked.
    """
    site = _ready_network(network)
    session["timezone"] = request.args.get("timezone", "")[:64]
    _remember_way_back(request.args.get("back"))
    fields = [field.name for field in site.connect_fields if not field.secret]
    typed = {name: request.args[name][:300] for name in fields if request.args.get(name)}
    if len(typed) < len(site.connect_fields):
        return _connect_page(site, typed)
    return _begin(site, typed)


@bp.post("/login/<network>")
@limits.sign_in
def begin(network: str) -> ResponseReturnValue:
    """Begin with what was typed: a server, or a handle and an app password."""
    site = _ready_network(network)
    _remember_way_back(request.form.get("back"))
    names = [field.name for field in site.connect_fields]
    return _begin(site, schemas.connect_fields(names, request.form))


def _begin(site: Network, typed: dict[str, str]) -> ResponseReturnValue:
    try:
        db.session.commit()  # the network may take long: no transaction stays open meanwhile
        with turns.asking(site.name, typed.get("server", "")):
            begun = site.begin(typed, _redirect_uri(site.name))
    except turns.TooManyAsking:
        return refusals.crowded(site)
    except LookUpFailed as error:
        return refusals.no_answer(site, error)
    except ConnectRefused as refusal:
        return _ask_again(site, typed, refusal) if typed else refusals.refused(site, refusal)
    if isinstance(begun, list):
        return _connect(site, begun)
    session["consents"] = [*session.get("consents", []), begun.memory][-MOST_AT_ONCE:]
    return redirect(begun.url)


def _ask_again(site: Network, typed: dict[str, str], refusal: ConnectRefused) -> Any:
    kept = {field.name: typed[field.name] for field in site.connect_fields if not field.secret}
    error = refusals.field_sentence(site, refusal)
    return _connect_page(site, kept, error), 422


def _connect_page(site: Network, typed: dict[str, str], error: str | None = None) -> str:
    return render_template(
        "connect.html", network=site, typed=typed, error=error, back=session.get("back")
    )


def _remember_way_back(page: str | None) -> None:
    """Note where to go when the account is connected: the list of accounts, or the start page."""
    session["back"] = "accounts" if page == "accounts" else ""


@bp.get("/login/<network>/callback")
@limits.sign_in
def callback(network: str) -> ResponseReturnValue:
    """Take the network's answer: sign in, or connect to whoever is signed in."""
    site = _ready_network(network)
    try:
        memory = _recall()
        db.session.commit()  # as above
        with turns.asking(network, str(memory.get("server") or "")):
            connections = site.finish(memory, request.args.to_dict(), _redirect_uri(network))
    except turns.TooManyAsking:
        return refusals.crowded(site)
    except LookUpFailed as error:
        return refusals.no_answer(site, error)
    except ConnectRefused as refusal:
        return refusals.refused(site, refusal)
    return _connect(site, connections)


def _recall() -> dict[str, Any]:
    """Return what was kept for this callback, and forget it: it is good for once."""
    state = next((request.args[name] for name in STATE_NAMES if name in request.args), None)
    kept: list[dict[str, Any]] = session.get("consents", [])
    for memory in kept:
        if memory["state"] == state:
            session["consents"] = [other for other in kept if other is not memory]
            return memory
    raise ConnectRefused("stale")


def _connect(site: Network, connections: list[Connection]) -> ResponseReturnValue:
    user = current_user if current_user.is_authenticated else None
    try:
        user, left_out = connecting.connect_all(site.name, connections, user)
    except connecting.BelongsToSomebodyElse:
        return refusals.belongs_to_somebody_else(connections[0].profile.handle)
    for profile in left_out:
        flash(_("@%(handle)s is already connected to another user here.", handle=profile.handle))
    if current_user.is_authenticated:
        taken = [each.profile for each in connections if each.profile not in left_out]
        handles = ", ".join(f"@{profile.handle}" for profile in taken)
        flash(_("Connected on %(network)s: %(handles)s", network=site.title, handles=handles))
    return _enter(user)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out; the accounts stay connected and what is scheduled still goes out."""
    logout_user()
    session.clear()
    return redirect(url_for("tweets.index"), 303)


def _enter(user: User) -> ResponseReturnValue:
    zone, told = session.get("timezone", ""), session.get("_flashes")
    page = "accounts.index" if session.get("back") else "tweets.index"
    session.clear()  # nothing else of before the sign-in may be taken along
    session.permanent = True
    if told:
        session["_flashes"] = told
    login_user(user)
    forms.remember_zone(zone)
    return redirect(url_for(page), 303)


def _ready_network(name: str) -> Network:
    site = networks().get(name)
    if site is None or not site.ready:
        abort(404)
    return site


def _redirect_uri(network: str) -> str:
    base = current_app.config["APP_URL"] or request.host_url.rstrip("/")
    return f"{base}{url_for('auth.callback', network=network)}"
