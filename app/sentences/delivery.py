"""What people read about a Delivery: its state, how a try ended, why it waits or failed."""

from __future__ import annotations

import logging
from functools import cache, lru_cache

from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.models import RESTORED
from app.sentences.pictures import PICTURE_ERRORS, room_for_pictures
from app.states import HoldReason, State

log = logging.getLogger(__name__)

_LABELS = {
    State.SCHEDULED: _l("Scheduled"),
    State.CLAIMED: _l("Sending"),
    State.SENDING: _l("Sending"),
    State.UNCONFIRMED: _l("Checking whether it went out"),
    State.HELD: _l("Waiting"),
    State.REVIEW: _l("Waiting for you"),
    State.PUBLISHED: _l("Published"),
    State.FAILED: _l("Failed"),
    State.CANCELLED: _l("Cancelled"),
}
_OUTCOMES = {
    "ok": _l("Accepted"),
    "not_sent": _l("Not sent: the network could not be reached"),
    "later": _l("The network answered: not now"),
    "rejected": _l("Refused"),
    "auth": _l("The network did not accept our access"),
    "hold": _l("The network refuses this app"),
    "ambiguous": _l("No clear answer"),
}
_AGAIN = _l("We try again.")
_CHECKING = _l("Nothing to do: we are checking.")
_EDIT = _l("Change the text and try again.")
_CONNECT = _l("Connect the account again. Its waiting tweets go out then.")
_SIGN_IN = _l("Sign in at %(n)s and do what it asks, then connect the account again.")
_LOOK = _l("Look at your profile, then tell us: is it there?")
_ERRORS = PICTURE_ERRORS | {
    # It waits.
    "unreachable": (_l("%(n)s could not be reached."), _AGAIN),
    "not_prepared": (_l("Something went wrong on our side before this was sent."), _AGAIN),
    "rate_limited": (
        _l("%(n)s asks us to wait before the next tweet."),
        _l("It goes out automatically."),
    ),
    "usage_cap": (
        _l("The allowance of this app at %(n)s is used up."),
        _l("It goes out when there is a new allowance."),
    ),
    "token_refused": (_l("%(n)s no longer accepts our access."), _l("We renew it and try again.")),
    "app_forbidden": (
        _l("%(n)s refuses this app for now."),
        _l("Nothing to do: we ask again automatically."),
    ),
    "no_credits": (
        _l("This app has no credits left at %(n)s."),
        _l("It goes out when there are new credits."),
    ),
    RESTORED: (
        _l("Our records come from a backup, so we cannot know whether this went out."),
        _l("Look at your profile. Then send it now, choose another time, or discard it."),
    ),
    "disconnected": (
        _l("This account was disconnected before the tweet was due."),
        _l("Connect it again, then write the tweet again."),
    ),
    # Nobody knows yet whether it is out.
    "no_answer": (
        _l("%(n)s did not answer in time. We do not know yet whether it went out."),
        _CHECKING,
    ),
    "server_error": (
        _l("%(n)s reported an error. We do not know yet whether it went out."),
        _CHECKING,
    ),
    "garbled_answer": (
        _l("%(n)s sent an answer that we cannot read. We do not know yet whether it went out."),
        _CHECKING,
    ),
    "redirected": (
        _l("%(n)s sent us to another address. We do not know yet whether it went out."),
        _CHECKING,
    ),
    "echoed": (_l("%(n)s says that it already has this. We are looking for it there."), _CHECKING),
    "worker_lost": (
        _l("We were interrupted while sending. We do not know yet whether it went out."),
        _CHECKING,
    ),
    # It was refused.
    "not_stored": (
        _l("We could not store what was about to be sent. Nothing was sent."),
        _l("Write it again as a new tweet."),
    ),
    "duplicate": (_l("%(n)s refused it because you published the same text recently."), _EDIT),
    "rejected": (_l("%(n)s refused this text."), _EDIT),
    "not_found": (
        _l("%(n)s could not find the post that this belongs to."),
        _l("If a part of it was deleted there, write the rest again as a new tweet."),
    ),
    "content_policy": (_l("%(n)s says this breaks its rules."), _EDIT),
    "link_refused": (
        _l("%(n)s does not accept a link in this text."),
        _l("Remove or change the link and try again."),
    ),
    "blocked": (
        _l("%(n)s blocks this account from posting for a while."),
        _l("Look for a message about it there, wait, then try again."),
    ),
    # Our access is not enough.
    "permission_missing": (
        _l("%(n)s did not give Tweet Later permission to post."),
        _l("Connect the account again and allow everything that is asked."),
    ),
    "picture_permission": (
        _l("Our access to this account at %(n)s does not include pictures."),
        _l("Connect the account again and allow pictures, then try again."),
    ),
    "oauth1_permissions": (
        _l("%(n)s only allows this app to read."),
        _l("Its operator must allow it to write. Then connect the account again."),
    ),
    "unsupported_authentication": (_l("%(n)s no longer accepts this kind of access."), _CONNECT),
    "app_removed": (_l("You removed Tweet Later from your apps at %(n)s."), _CONNECT),
    "password_changed": (_l("%(n)s ended our access because your password was changed."), _CONNECT),
    "server_moved": (
        _l("The server of this account is gone or has moved."),
        _l("Connect the account again under the name of its new server."),
    ),
    "page_not_authorized": (
        _l("%(n)s has not yet authorized this Page to publish."),
        _l("Do what %(n)s asks for this Page, then connect it again."),
    ),
    # The account itself has to be put right.
    "account_inactive": (
        _l("%(n)s says this account is deactivated or suspended."),
        _l("Resolve that at %(n)s, then connect the account again."),
    ),
    "user_suspended": (_l("%(n)s has suspended this account."), _SIGN_IN),
    "checkpoint": (_l("%(n)s wants you to confirm a sign-in first."), _SIGN_IN),
    "confirm_identity": (_l("%(n)s wants you to confirm who you are."), _SIGN_IN),
    "role_lost": (
        _l("You may no longer post for this Page at %(n)s."),
        _l("Ask one of its owners for the role, then connect it again."),
    ),
    # Only its owner can tell whether it is out.
    "never_seen": (_l("We sent it, got no clear answer, and do not see it on %(n)s."), _LOOK),
    "likely_there": (
        _l("We sent it and got no clear answer. A post at %(n)s looks like it."),
        _LOOK,
    ),
    "parent_gone": (
        _l("%(n)s no longer has the part before this one."),
        _l("Discard the rest, or write it again as a new tweet."),
    ),
    "unreadable": (
        _l("%(n)s gave no clear answer, and we are not allowed to read your timeline there."),
        _LOOK,
    ),
}
"""Message and next step for each error code of a Delivery; ``n`` is the title of its network."""


def label_of(state: str) -> str:
    """Return the short words for a Delivery state."""
    return _label_in(str(get_locale()), state)


@cache
def _label_in(language: str, state: str) -> str:
    """Return them in a language; each status that is asked for needs one of these few."""
    with force_locale(language):
        return str(_LABELS[State(state)])


def hold_error(
    reason: str | None, network: str, handle: str, code: str | None = None
) -> tuple[str, str, str]:
    """Return (code, message, next step) for a held delivery.

    :param code: what the network said when it was tried last.
    """
    decide = _("Send it now, choose another time, or discard it.")
    if reason == HoldReason.RECONNECT:
        known = known_error(code or "", network) if code != "token_refused" else None
        return (reason, *(known or (access_ended(handle), str(_CONNECT))))
    if reason == HoldReason.NETWORK:
        return (reason, *delivery_error("app_forbidden", network))
    if reason == HoldReason.PAUSED:
        waits = _("The people who run this site have paused posting, so this tweet waits.")
        return (reason, waits, _("You need to do nothing: it goes on when posting does."))
    if reason == HoldReason.DELETION:
        leaves = _("You asked us to delete your account, so nothing of yours is sent.")
        return (reason, leaves, _("If you keep your account, you decide about this tweet."))
    if reason == HoldReason.LATE:
        late = _("We could not send it in time, and now it is later than you allow.")
        return (reason, *(delivery_error(code, network) if code == RESTORED else (late, decide)))
    _note_unknown("a reason to hold", str(reason))
    return reason or "held", _("This tweet is on hold, and we cannot say why."), decide


def access_ended(handle: str) -> str:
    """Say that an account must be connected again."""
    return _("Access to @%(handle)s ended.", handle=handle)


@lru_cache(maxsize=100)
def _note_unknown(what: str, code: str) -> None:
    """Write to the log what has no sentence: once, and not each time that a page asks."""
    log.warning("there is no sentence for %s: %s", what, code)


def outcome_of(kind: str | None) -> str:
    """Return the words for how an Attempt ended."""
    return str(_OUTCOMES.get(kind or "", _("No answer recorded")))


def delivery_error(code: str | None, network: str) -> tuple[str, str]:
    """Return (message, next step) for an error code of a Delivery."""
    if known := known_error(code or "", network):
        return known
    _note_unknown("an error code", str(code))
    general = _("Something went wrong, and we cannot say what.")
    return general, _("Look at the details of this tweet.")


def known_error(code: str, network: str) -> tuple[str, str] | None:
    """Return (message, next step) for an error code; None for one without words of its own."""
    if code not in _ERRORS:
        return None
    message, step = _ERRORS[code]
    named = {"n": network, "limit": room_for_pictures()}
    return message % named, step % named
