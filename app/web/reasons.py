"""What people read about a Delivery that waits or failed: a sentence and a next step."""

from __future__ import annotations

from flask_babel import gettext as _


def delivery_error(code: str, network: str) -> tuple[str, str]:
    """Return (message, next step) for an error code of a Delivery."""
    for known in (_waiting, _unclear, _refused, _asking):
        found = known(network).get(code)
        if found:
            return found
    return _("%(n)s did not take it.", n=network), _("Try again.")


def _waiting(network: str) -> dict[str, tuple[str, str]]:
    return {
        "unreachable": (_("%(n)s could not be reached.", n=network), _("We try again.")),
        "rate_limited": (
            _("%(n)s asks us to wait before the next tweet.", n=network),
            _("It goes out by itself."),
        ),
        "usage_cap": (
            _("The allowance of this app at %(n)s is used up.", n=network),
            _("It goes out when there is a new one."),
        ),
        "token_refused": (
            _("%(n)s no longer accepts our access.", n=network),
            _("We renew it and try again."),
        ),
    }


def _unclear(network: str) -> dict[str, tuple[str, str]]:
    nothing = _("You need do nothing.")
    return {
        "no_answer": (
            _("%(n)s did not answer in time. We are checking whether it went out.", n=network),
            nothing,
        ),
        "server_error": (
            _("%(n)s reported an error. We are checking whether it went out.", n=network),
            nothing,
        ),
        "garbled_answer": (
            _("%(n)s gave an unreadable answer. We are checking whether it went out.", n=network),
            nothing,
        ),
        "redirected": (
            _("%(n)s pointed elsewhere. We are checking whether it went out.", n=network),
            nothing,
        ),
        "worker_lost": (
            _("We were interrupted while sending. We are checking whether it went out."),
            nothing,
        ),
    }


def _refused(network: str) -> dict[str, tuple[str, str]]:
    edit = _("Change the text and try again.")
    return {
        "duplicate": (
            _("%(n)s refused it because you published the same text recently.", n=network),
            edit,
        ),
        "rejected": (_("%(n)s refused this text.", n=network), edit),
        "not_found": (_("%(n)s did not find what this belongs to.", n=network), edit),
    }


def _asking(network: str) -> dict[str, tuple[str, str]]:
    look = _("Look at your profile, then tell us: is it there?")
    return {
        "never_seen": (
            _("We sent it twice without an answer and do not see it on %(n)s.", n=network),
            look,
        ),
        "unreadable": (
            _("%(n)s gave no clear answer, and we may not read your timeline there.", n=network),
            look,
        ),
    }
