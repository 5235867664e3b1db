"""What people read about a Delivery: its state, how a try ended, why it waits or failed."""

from __future__ import annotations

import logging
from functools import lru_cache

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.models import RESTORED
from app.states import HoldReason, State
from app.web.messages.pictures import picture_delivery_errors

log = logging.getLogger(__name__)

_LABELS = {
    State.SCHEDULED: lazy_gettext("Scheduled"),
    State.CLAIMED: lazy_gettext("Sending"),
    State.SENDING: lazy_gettext("Sending"),
    State.UNCONFIRMED: lazy_gettext("Checking whether it went out"),
    State.HELD: lazy_gettext("Waiting"),
    State.REVIEW: lazy_gettext("Waiting for you"),
    State.PUBLISHED: lazy_gettext("Published"),
    State.FAILED: lazy_gettext("Failed"),
    State.CANCELLED: lazy_gettext("Cancelled"),
}


def label_of(state: str) -> str:
    """Return the short words for a Delivery state."""
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
        again = _("Connect the account again. Its waiting tweets go out then.")
        return (reason, *(known or (access_ended(handle), again)))
    if reason == HoldReason.NETWORK:
        return (reason, *delivery_error("app_forbidden", network))
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
    words = {
        "ok": _("Accepted"),
        "not_sent": _("Not sent: the network could not be reached"),
        "later": _("The network answered: not now"),
        "rejected": _("Refused"),
        "auth": _("The network did not accept our access"),
        "hold": _("The network refuses this app"),
        "ambiguous": _("No clear answer"),
    }
    return words.get(kind or "", _("No answer recorded"))


def delivery_error(code: str | None, network: str) -> tuple[str, str]:
    """Return (message, next step) for an error code of a Delivery."""
    if known := known_error(code or "", network):
        return known
    _note_unknown("an error code", str(code))
    general = _("Something went wrong, and we cannot say what.")
    return general, _("Look at the details of this tweet.")


def known_error(code: str, network: str) -> tuple[str, str] | None:
    """Return (message, next step) for an error code; None for one without words of its own."""
    tables = (_waiting, _unclear, _refused, picture_delivery_errors, _access, _account, _asking)
    for known in tables:
        found = known(network).get(code)
        if found:
            return found
    return None


def _waiting(network: str) -> dict[str, tuple[str, str]]:
    return {
        "unreachable": (_("%(n)s could not be reached.", n=network), _("We try again.")),
        "not_prepared": (
            _("Something went wrong on our side before this was sent."),
            _("We try again."),
        ),
        "rate_limited": (
            _("%(n)s asks us to wait before the next tweet.", n=network),
            _("It goes out automatically."),
        ),
        "usage_cap": (
            _("The allowance of this app at %(n)s is used up.", n=network),
            _("It goes out when there is a new allowance."),
        ),
        "token_refused": (
            _("%(n)s no longer accepts our access.", n=network),
            _("We renew it and try again."),
        ),
        "app_forbidden": (
            _("%(n)s refuses this app for now.", n=network),
            _("Nothing to do: we ask again automatically."),
        ),
        "no_credits": (
            _("This app has no credits left at %(n)s.", n=network),
            _("It goes out when there are new credits."),
        ),
        RESTORED: (
            _("Our records come from a backup, so we cannot know whether this went out."),
            _("Look at your profile. Then send it now, choose another time, or discard it."),
        ),
        "disconnected": (
            _("This account was disconnected before the tweet was due."),
            _("Connect it again, then write the tweet again."),
        ),
    }


def _unclear(network: str) -> dict[str, tuple[str, str]]:
    nothing = _("Nothing to do: we are checking.")
    return {
        "no_answer": (
            _("%(n)s did not answer in time. We do not know yet whether it went out.", n=network),
            nothing,
        ),
        "server_error": (
            _("%(n)s reported an error. We do not know yet whether it went out.", n=network),
            nothing,
        ),
        "garbled_answer": (
            _(
                "%(n)s sent an answer that we cannot read. We do not know yet whether it went out.",
                n=network,
            ),
            nothing,
        ),
        "redirected": (
            _(
                "%(n)s sent us to another address. We do not know yet whether it went out.",
                n=network,
            ),
            nothing,
        ),
        "echoed": (
            _("%(n)s says that it already has this. We are looking for it there.", n=network),
            nothing,
        ),
        "worker_lost": (
            _("We were interrupted while sending. We do not know yet whether it went out."),
            nothing,
        ),
    }


def _refused(network: str) -> dict[str, tuple[str, str]]:
    edit = _("Change the text and try again.")
    return {
        "not_stored": (
            _("We could not store what was about to be sent. Nothing was sent."),
            _("Write it again as a new tweet."),
        ),
        "duplicate": (
            _("%(n)s refused it because you published the same text recently.", n=network),
            edit,
        ),
        "rejected": (_("%(n)s refused this text.", n=network), edit),
        "not_found": (
            _("%(n)s could not find the post that this belongs to.", n=network),
            _("If a part of it was deleted there, write the rest again as a new tweet."),
        ),
        "content_policy": (_("%(n)s says this breaks its rules.", n=network), edit),
        "link_refused": (
            _("%(n)s does not accept a link in this text.", n=network),
            _("Remove or change the link and try again."),
        ),
        "blocked": (
            _("%(n)s blocks this account from posting for a while.", n=network),
            _("Look for a message about it there, wait, then try again."),
        ),
    }


def _access(network: str) -> dict[str, tuple[str, str]]:
    again = _("Connect the account again. Its waiting tweets go out then.")
    return {
        "permission_missing": (
            _("%(n)s did not give Tweet Later permission to post.", n=network),
            _("Connect the account again and allow everything that is asked."),
        ),
        "picture_permission": (
            _("Our access to this account at %(n)s does not include pictures.", n=network),
            _("Connect the account again and allow pictures, then try again."),
        ),
        "oauth1_permissions": (
            _("%(n)s only allows this app to read.", n=network),
            _("Its operator must allow it to write. Then connect the account again."),
        ),
        "unsupported_authentication": (
            _("%(n)s no longer accepts this kind of access.", n=network),
            again,
        ),
        "app_removed": (_("You removed Tweet Later from your apps at %(n)s.", n=network), again),
        "password_changed": (
            _("%(n)s ended our access because your password was changed.", n=network),
            again,
        ),
        "server_moved": (
            _("The server of this account is gone or has moved."),
            _("Connect the account again under the name of its new server."),
        ),
        "page_not_authorized": (
            _("%(n)s has not yet authorized this Page to publish.", n=network),
            _("Do what %(n)s asks for this Page, then connect it again.", n=network),
        ),
    }


def _account(network: str) -> dict[str, tuple[str, str]]:
    there = _("Sign in at %(n)s and do what it asks, then connect the account again.", n=network)
    return {
        "account_inactive": (
            _("%(n)s says this account is deactivated or suspended.", n=network),
            _("Resolve that at %(n)s, then connect the account again.", n=network),
        ),
        "user_suspended": (_("%(n)s has suspended this account.", n=network), there),
        "checkpoint": (_("%(n)s wants you to confirm a sign-in first.", n=network), there),
        "confirm_identity": (_("%(n)s wants you to confirm who you are.", n=network), there),
        "role_lost": (
            _("You may no longer post for this Page at %(n)s.", n=network),
            _("Ask one of its owners for the role, then connect it again."),
        ),
    }


def _asking(network: str) -> dict[str, tuple[str, str]]:
    look = _("Look at your profile, then tell us: is it there?")
    return {
        "never_seen": (
            _("We sent it, got no clear answer, and do not see it on %(n)s.", n=network),
            look,
        ),
        "likely_there": (
            _("We sent it and got no clear answer. A post at %(n)s looks like it.", n=network),
            look,
        ),
        "parent_gone": (
            _("%(n)s no longer has the part before this one.", n=network),
            _("Discard the rest, or write it again as a new tweet."),
        ),
        "unreadable": (
            _(
                "%(n)s gave no clear answer, and we are not allowed to read your timeline there.",
                n=network,
            ),
            look,
        ),
    }
