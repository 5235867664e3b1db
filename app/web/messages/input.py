"""What people read: labels for states, and a sentence and a next step for every code."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.models import (
    RESTORED,
    QuotaReached,
    SubmitIdReused,
    TooManyPictures,
    UnknownAccount,
    UnknownPicture,
)
from app.networks import TextProblem
from app.pictures import PictureRefused
from app.states import HoldReason, State
from app.web import schemas
from app.web.messages.delivery import known_error
from app.web.messages.pictures import of_contents, picture_refusal
from app.web.messages.usage import too_many_waiting
from app.when import WhenProblem

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
    if reason == HoldReason.RECONNECT:
        known = known_error(code or "", network) if code != "token_refused" else None
        if known:
            return ("reconnect", *known)
        return (
            "reconnect",
            _("Access to @%(handle)s ended.", handle=handle),
            _("Connect the account again; what waits for it goes out then."),
        )
    if reason == HoldReason.NETWORK:
        return (
            "network",
            _("%(network)s refuses this app for now.", network=network),
            _("We ask again by ourselves. You need do nothing."),
        )
    if code == RESTORED:
        return (
            "late",
            _("Our records come from a backup, so we cannot know whether this went out."),
            _("Look at your profile. Then send it now, choose another time, or discard it."),
        )
    return (
        "late",
        _("We could not send it in time, and now it is later than you allow."),
        _("Send it now, choose another time, or discard it."),
    )


def outcome_of(kind: str | None) -> str:
    """Return the words for how an Attempt ended."""
    words = {
        "ok": _("Accepted"),
        "not_sent": _("Not sent: the network could not be reached"),
        "later": _("Not now, said the network"),
        "rejected": _("Refused"),
        "auth": _("The network did not accept our access"),
        "hold": _("The network refuses this app"),
        "ambiguous": _("No clear answer"),
    }
    return words.get(kind or "", _("No answer recorded"))


def input_refusal(problem: Exception) -> tuple[str, str, str]:
    """Return (field, code, sentence) for input that was not stored."""
    if isinstance(problem, schemas.Invalid):
        return problem.field or "", problem.code, schemas.sentence(problem)
    if isinstance(problem, TextProblem):
        field = str(problem.params.get("field") or "text")
        return field, problem.code, _text_sentence(problem.code, problem.params)
    if isinstance(problem, WhenProblem):
        return "when", problem.code, _when_sentence(problem.code, problem.params)
    if isinstance(problem, QuotaReached):
        return "text", "quota", too_many_waiting(problem.limit)
    if isinstance(problem, UnknownAccount):
        return "accounts", "unknown_account", _("That account is not connected here.")
    if isinstance(problem, SubmitIdReused):
        return (
            "submit_id",
            "submit_id_reused",
            _("This form was already used for another tweet. Reload the page and send it again."),
        )
    if isinstance(problem, PictureRefused):
        return "pictures", problem.code, picture_refusal(problem.code, problem.name)
    if isinstance(problem, UnknownPicture | TooManyPictures):
        code = "unknown_picture" if isinstance(problem, UnknownPicture) else "too_many_pictures"
        return "pictures", code, picture_refusal(code)
    raise problem


REFUSALS = (
    schemas.Invalid,
    TextProblem,
    WhenProblem,
    UnknownAccount,
    SubmitIdReused,
    PictureRefused,
    UnknownPicture,
    TooManyPictures,
    QuotaReached,
)


def _text_sentence(code: str, params: dict[str, Any]) -> str:
    if code == "empty":
        return _("Write something first.")
    network = params.get("network", "X")
    named = {**params, "network": network, "handle": params.get("handle", "")}
    if code == "too_long" and "length" not in params:
        return _("That is far too long: %(network)s takes %(limit)s characters.", **named)
    if code == "not_chosen":
        return _(
            "This text is for an account that is not chosen. Choose it, or take the text away."
        )
    if code == "too_long" and params.get("handle"):
        return _(
            "For @%(handle)s on %(network)s that is too long: %(length)s characters as "
            "%(network)s counts them; %(limit)s are allowed.",
            **named,
        )
    if code == "too_long":
        return _(
            "That is %(length)s characters as %(network)s counts them; %(limit)s are allowed.",
            **named,
        )
    if code == "too_many_bytes":
        return _(
            "That looks short, but it is too large for %(network)s: %(length)s bytes; "
            "%(limit)s are allowed. Use fewer joined or marked characters.",
            **named,
        )
    if code == "too_many_parts":
        return _("A thread can have at most %(limit)s parts.", **named)
    if about_pictures := of_contents(code, named):
        return about_pictures
    if code == "control_characters":
        return _control_character(params)
    return _("The text contains an invisible control character. Remove it and try again.")


def _control_character(params: dict[str, Any]) -> str:
    """Return which character cannot be sent, at which place, and the words around it."""
    code = params["code_point"]
    return _(
        "Character %(place)s of the text, %(sign)s, is invisible and cannot be sent. It stands "
        "here: “%(around)s”. Remove it and try again.",
        place=params["position"] + 1,
        sign=f"{code} {params['name']}".strip(),
        around=f"{params['before']}[{code}]{params['after']}",
    )


def _when_sentence(code: str, params: dict[str, Any]) -> str:
    if code == "past":
        return _("That moment has passed. Choose a later one.")
    if code == "gap":
        return _(
            "%(wall)s does not exist on %(date)s in %(zone)s: the clocks go forward that night. "
            "The first time after it is %(first_valid)s.",
            **params,
        )
    if code == "too_far":
        return _("That is too far ahead. Choose a time within two years.")
    if code == "ambiguous":
        return _(
            "That date can be read in two ways. Write it like 2027-01-31, or with the month's name."
        )
    if code == "unknown_zone":
        return _("We do not know this time zone.")
    return _(
        "We did not understand that time. Try “in one hour”, “tomorrow at 9” or “2027-01-31 18:30”."
    )
