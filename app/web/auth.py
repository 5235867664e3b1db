"""Signing in through a network's consent page, and out."""

from __future__ import annotations

import logging
from typing import Any

import requests
from authlib.integrations.base_client import MismatchingStateError, OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Blueprint, Flask, abort, current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import LoginManager, current_user, login_user, logout_user

from app.db import db
from app.models import User
from app.networks.base import LookUpFailed, LookUpRefused, Network, TokenRefused
from app.services import connecting
from app.web import forms, limits
from app.web.pages import networks
from app.web.problems import refuse

log = logging.getLogger(__name__)
bp = Blueprint("auth", __name__)
login_manager = LoginManager()

SILENT = (requests.RequestException, LookUpFailed)


def init_app(app: Flask) -> None:
    """Register the networks that are set up, and the way a session names its user."""
    registry: Any = OAuth(app)
    for network in app.extensions["networks"].values():
        if network.ready:
            registry.register(network.name, **network.oauth_client())
    app.extensions["oauth"] = registry
    login_manager.init_app(app)


@login_manager.user_loader
def _load_user(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


@bp.get("/login/<network>")
@limits.sign_in
def login(network: str) -> ResponseReturnValue:
    """Send the person to the network's consent page."""
    site = _ready_network(network)
    session["timezone"] = request.args.get("timezone", "")[:64]
    try:
        client = current_app.extensions["oauth"].create_client(network)
        return client.authorize_redirect(_redirect_uri(network))
    except requests.RequestException as error:
        return _no_answer(site, error)
    except (OAuthError, ValueError) as error:
        return _refused_by_network(site, error)


@bp.get("/login/<network>/callback")
@limits.sign_in
def callback(network: str) -> ResponseReturnValue:
    """Take the network's answer: sign in, or connect to whoever is signed in."""
    site = _ready_network(network)
    if request.args.get("error") or request.args.get("denied"):
        return _refused_by_person(site)
    try:
        db.session.commit()  # the network may take long: no transaction stays open meanwhile
        client = current_app.extensions["oauth"].create_client(network)
        credentials = site.credentials_from(client.authorize_access_token())
        profile = site.who_am_i(credentials)
    except SILENT as error:
        return _no_answer(site, error)
    except (MismatchingStateError, KeyError):
        return _stale(site)
    except (OAuthError, TokenRefused, LookUpRefused, ValueError) as error:
        return _refused_by_network(site, error)
    user = current_user if current_user.is_authenticated else None
    try:
        user = connecting.connect(network, profile, credentials, user)
    except connecting.BelongsToSomebodyElse:
        return _belongs_to_somebody_else(profile.handle)
    return _enter(user)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign out; the accounts stay connected and what is scheduled still goes out."""
    logout_user()
    session.clear()
    return redirect(url_for("tweets.index"), 303)


def _enter(user: User) -> ResponseReturnValue:
    zone = session.get("timezone", "")
    session.clear()  # nothing else of before the sign-in may be taken along
    session.permanent = True
    login_user(user)
    forms.remember_zone(zone)
    return redirect(url_for("tweets.index"), 303)


def _ready_network(name: str) -> Network:
    site = networks().get(name)
    if site is None or not site.ready:
        abort(404)
    return site


def _redirect_uri(network: str) -> str:
    base = current_app.config["APP_URL"] or request.host_url.rstrip("/")
    return f"{base}{url_for('auth.callback', network=network)}"


def _again(site: Network) -> dict[str, str]:
    return {"url": url_for("auth.login", network=site.name), "label": _("Try again")}


def _refused_by_person(site: Network) -> ResponseReturnValue:
    return refuse(
        403,
        "consent_refused",
        _("You did not give Tweet Later access on %(network)s.", network=site.title),
        title=_("Not connected"),
        next_step=_("Nothing was stored. You can try again whenever you like."),
        action=_again(site),
    )


def _stale(site: Network) -> ResponseReturnValue:
    return refuse(
        400,
        "stale_callback",
        _("This sign-in was started in another window, or too long ago."),
        title=_("Not signed in"),
        next_step=_("Start it again from here."),
        action=_again(site),
    )


def _refused_by_network(site: Network, error: Exception) -> ResponseReturnValue:
    log.warning("%s refused a sign-in: %s", site.name, _kind(error))
    return refuse(
        400,
        "sign_in_refused",
        _("%(network)s did not complete the sign-in.", network=site.title),
        title=_("Not signed in"),
        next_step=_("Its pages are open for a short time only. Start again from here."),
        action=_again(site),
    )


def _no_answer(site: Network, error: Exception) -> ResponseReturnValue:
    log.warning("%s did not answer a sign-in: %s", site.name, type(error).__name__)
    return refuse(
        502,
        "network_silent",
        _("%(network)s does not answer at the moment.", network=site.title),
        title=_("Not signed in"),
        next_step=_("Wait a minute, then try again."),
        action=_again(site),
    )


def _belongs_to_somebody_else(handle: str) -> ResponseReturnValue:
    return refuse(
        409,
        "account_taken",
        _("@%(handle)s is already connected to another user here.", handle=handle),
        title=_("Not connected"),
        next_step=_("Sign out, then sign in with that account."),
        action={"url": url_for("settings.show"), "label": _("To your accounts")},
    )


def _kind(error: Any) -> str:
    """Name the error without anything that the network sent: it might be a token."""
    return str(getattr(error, "error", None) or type(error).__name__)[:60]
