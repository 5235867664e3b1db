"""What people read of signing in, of connecting and disconnecting accounts, and when it fails."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user

from app.accounts import Connected
from app.models import AuditEvent, EventKind
from app.networks import ConnectRefused, Network

log = logging.getLogger(__name__)

_CONNECT_REFUSALS = {
    "bad_server": _l("This is not a server that we can reach. Type its name, like example.social."),
    "no_mastodon": _l(
        "This server answers, but it does not run %(network)s, and it names no server that does. "
        "Type the name of the server where you sign in, like example.social."
    ),
    "other_server": _l(
        "This account is not on the server that you typed. Leave the server empty, and we will "
        "find it."
    ),
    "bad_identity": _l(
        "%(network)s, this account and its server contradict each other, so we cannot tell whose "
        "account it is."
    ),
    "unknown_handle": _l("%(network)s does not know this handle."),
    "bad_password": _l("%(network)s does not accept this handle with this app password."),
    "needs_app_password": _l(
        "%(network)s asks for a code in addition to your own password. Create an app password "
        "there and use that."
    ),
    "too_often": _l("%(network)s has seen too many sign-ins. Wait a few minutes, then try again."),
    "account_inactive": _l("%(network)s says this account is deactivated or suspended."),
    "scope_missing": _l(
        "Tweet Later needs every permission that %(network)s asks you for. Try again and leave all "
        "of them on."
    ),
    "no_pages": _l(
        "%(network)s showed us no Page that you may post for. Choose at least one when it asks."
    ),
    "app_refused": _l(
        "%(network)s does not accept this app. Its operator must check the app's id and secret."
    ),
    # What is wrong with a server that somebody named.
    "server_checks_nothing": _l(
        "This server gives access to anybody who asks, so it cannot tell us who you are. Sign in "
        "with another account, then connect this one."
    ),
    "server_asks_nobody": _l(
        "This server gives access without asking anybody, so its accounts cannot be connected."
    ),
    "start_again": _l(
        "Please start again. This server needs a separate app for your account, and next time it "
        "will have one."
    ),
    "just_registered": _l(
        "We registered again with this server within the last hour, so that is not the problem. If "
        "it still shows an error, ask the people who run it."
    ),
    "another_server": _l(
        "The answer came from a different server than the one you chose. Nothing was connected."
    ),
}
"""By the code of ConnectRefused; some name the network by its title."""
_EVENTS = {
    EventKind.SIGNED_IN: _l("Signed in with %(account)s"),
    EventKind.SIGNED_IN_NEW_BROWSER: _l("Signed in with %(account)s, in a new browser"),
    EventKind.SIGN_IN_REFUSED: _l("A sign-in with %(account)s was refused"),
    EventKind.SIGNED_OUT: _l("Signed out"),
    EventKind.SESSION_ENDED: _l("Ended a session"),
    EventKind.ACCOUNT_ADDED: _l("Connected %(account)s"),
    EventKind.ACCOUNT_RENEWED: _l("Reconnected %(account)s"),
    EventKind.ACCOUNT_DISCONNECTED: _l("Disconnected %(account)s"),
    EventKind.EMAIL_CONFIRMED: _l("Confirmed an e-mail address"),
    EventKind.EMAIL_REMOVED: _l("Removed the e-mail address"),
    EventKind.SIGNS_IN_ON: _l("Allowed %(account)s to sign in"),
    EventKind.SIGNS_IN_OFF: _l("Stopped %(account)s from signing in"),
    EventKind.DELETION_ASKED: _l("Asked to delete the account"),
    EventKind.DELETION_TAKEN_BACK: _l("Kept the account"),
}
_SIGN_IN_NOT_CHANGED = {
    "last_door": _l(
        "@%(handle)s is the only account you can sign in with. Let another account sign in first."
    ),
    "proves_nobody": _l("%(server)s does not check who signs in, so @%(handle)s cannot."),
    "opens_another": _l("The owner of @%(handle)s already signs in here as another user."),
    "reconnect_first": _l("Reconnect @%(handle)s first: %(network)s must say who you are."),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page that says why something was not done; as JSON its code and its message alone."""

    status: int
    code: str
    message: str
    title: str
    next_step: str | None = None
    action: Mapping[str, str] | None = None
    """``url`` and ``label`` of the way on."""
    field: str | None = None


def refused(site: Network, refusal: ConnectRefused) -> Refusal:
    """Say why a consent page ended without an account."""
    if refusal.code == "denied":
        return _refused_by_person(site)
    if refusal.code == "stale":
        return _stale(site)
    return _refused_by_network(site, refusal)


def field_sentence(site: Network, refusal: ConnectRefused) -> str:
    """Return what is wrong with what was typed."""
    other = _("%(network)s did not complete the sign-in.", network=site.title)
    return known_sentence(site, refusal.code) or other


def known_sentence(site: Network, code: str) -> str | None:
    """Return the sentence for a ConnectRefused code; None for one without words of its own."""
    return _CONNECT_REFUSALS[code] % {"network": site.title} if code in _CONNECT_REFUSALS else None


def _again(site: Network, typed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the way back to the form, with what was typed there but passwords."""
    names = [field.name for field in site.connect_fields if not field.secret]
    kept: dict[str, Any] = {name: typed[name][:300] for name in names if typed and typed.get(name)}
    return {"url": url_for("auth.login", network=site.name, **kept), "label": _("Try again")}


def _refused_by_person(site: Network) -> Refusal:
    return Refusal(
        403,
        "consent_refused",
        _("You did not give Tweet Later access on %(network)s.", network=site.title),
        title=_("Not connected"),
        next_step=_("Nothing was stored. You can try again at any time."),
        action=_again(site),
    )


def _stale(site: Network) -> Refusal:
    return Refusal(
        400,
        "stale_callback",
        _("This sign-in was started in another window, or too long ago."),
        title=_("Not signed in"),
        next_step=_("Start it again from here."),
        action=_again(site),
    )


def _refused_by_network(site: Network, refusal: ConnectRefused) -> Refusal:
    reason = refusal.detail if refusal.detail.isidentifier() else refusal.code
    log.warning("%s refused a sign-in: %s", site.name, reason)
    known = known_sentence(site, refusal.code)
    short = _("Its sign-in pages are only open for a short time. Start again from here.")
    return Refusal(
        400,
        "sign_in_refused",
        field_sentence(site, refusal),
        title=_("Not connected") if known else _("Not signed in"),
        next_step=None if known else short,
        action=_again(site),
    )


def no_answer(site: Network, error: Exception, typed: Mapping[str, str] | None = None) -> Refusal:
    """Say that the network is silent."""
    log.warning("%s did not answer a sign-in: %s", site.name, type(error).__name__)
    words = _("%(network)s does not answer at the moment.", network=site.title)
    return _later(site, 502, "network_silent", words, typed)


def crowded(site: Network, typed: Mapping[str, str] | None = None) -> Refusal:
    """Say that too many people wait for the network already."""
    words = _("Too many people are waiting for %(network)s at the moment.", network=site.title)
    return _later(site, 503, "network_crowded", words, typed)


def _later(
    site: Network, status: int, code: str, words: str, typed: Mapping[str, str] | None
) -> Refusal:
    return Refusal(
        status,
        code,
        words,
        title=_("Not signed in"),
        next_step=_("Wait a minute, then try again."),
        action=_again(site, typed),
    )


def belongs_to_somebody_else(handle: str) -> Refusal:
    """Say that another user has this account."""
    words = _("@%(handle)s is already connected to another user here.", handle=handle)
    if current_user.is_authenticated:
        way = {"url": url_for("accounts.index"), "label": _("To your accounts")}
        step = _("Sign out, then sign in with that account.")
    else:
        way = {"url": url_for("tweets.index"), "label": _("To the start page")}
        step = _("Sign in with another account, or ask whoever connected it to disconnect it.")
    title = _("Not connected")
    return Refusal(409, "account_taken", words, title=title, next_step=step, action=way)


def too_many_accounts(most: int) -> Refusal:
    """Say that one person has as many accounts as one may have."""
    return Refusal(
        422,
        "quota",
        ngettext(
            "You can connect at most %(num)s account.",
            "You can connect at most %(num)s accounts.",
            most,
        ),
        title=_("Not connected"),
        next_step=_("Disconnect one that you do not need, then try again."),
        action={"url": url_for("accounts.index"), "label": _("To your accounts")},
    )


def server_checks_nobody(site: Network, server: str) -> Refusal:
    """Say that a server gives access to anybody, so that it cannot say who somebody is."""
    return Refusal(
        403,
        "proves_nobody",
        _(
            "%(server)s does not check who signs in. Anybody could sign in as you, so we do not "
            "let it sign in.",
            server=server or site.title,
        ),
        title=_("Not signed in"),
        next_step=_(
            "Sign in with another account. You can then connect this one to publish with it."
        ),
        action={"url": url_for("tweets.index"), "label": _("To the start page")},
    )


def account_only_publishes(handle: str) -> Refusal:
    """Say that an account is connected here, but does not sign its owner in."""
    return Refusal(
        403,
        "does_not_sign_in",
        _("@%(handle)s is connected here, but cannot be used to sign in.", handle=handle),
        title=_("Not signed in"),
        next_step=_(
            "If it is yours, sign in with another of your accounts and allow it under Accounts."
        ),
        action={"url": url_for("tweets.index"), "label": _("To the start page")},
    )


def sign_in_not_changed(code: str, handle: str, server: str, network: str) -> Refusal:
    """Say why an account cannot be made, or unmade, one that signs its owner in."""
    words = _SIGN_IN_NOT_CHANGED[code] % {"handle": handle, "server": server, "network": network}
    return Refusal(
        409,
        code,
        words,
        title=_("Not changed"),
        field="signs_in",
        action={"url": url_for("accounts.index"), "label": _("To your accounts")},
    )


def sign_in_changed(handle: str, signs_in: bool) -> str:
    """Say that an account signs its owner in from now on, or no longer."""
    if signs_in:
        return _("You can now sign in with @%(handle)s.", handle=handle)
    return _(
        "@%(handle)s only publishes now. Sessions that were opened with it have ended.",
        handle=handle,
    )


def connected(network: str, done: Connected) -> list[str]:
    """Say what was connected and what was not; nothing of the account that somebody came in with.

    :param network: its title.
    """
    taken = _("@%(handle)s is already connected to another user here.")
    accounts = [*done.added, *done.renewed] if not done.sign_in_account else []
    said = []
    if accounts:
        handles = ", ".join(f"@{account.handle}" for account in accounts)
        said.append(_("Connected on %(network)s: %(handles)s", network=network, handles=handles))
    said += [taken % {"handle": profile.handle} for profile in done.left_out]
    if done.beyond:
        handles = ", ".join(f"@{profile.handle}" for profile in done.beyond)
        said.append(
            _("Not connected, because you have too many accounts: %(handles)s", handles=handles)
        )
    return said


def disconnected(handle: str, cancelled: int) -> str:
    """Say that an account is disconnected, and how many tweets that waited for it are cancelled."""
    words = _("@%(handle)s is disconnected.", handle=handle)
    if not cancelled:
        return words
    return f"{words} " + ngettext(
        "%(num)s waiting tweet was cancelled.",
        "%(num)s waiting tweets were cancelled.",
        cancelled,
    )


def event_words(event: AuditEvent, network: str) -> str:
    """Say what happened to somebody's account.

    :param network: the title of the event's network.
    """
    if event.network:
        account = _("@%(handle)s on %(network)s", handle=event.handle, network=network)
    else:
        account = _("a link in a mail")
    return _EVENTS[EventKind(event.kind)] % {"account": account}
