"""What people read about learning from their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from app.web.messages.connect import Refusal


def found_words(found: Mapping[str, int], kinds: Sequence[str]) -> str:
    """Return how many things of each list were imported: "1,240 posts, 310 likes".

    :param kinds: the lists that are told, also when nothing of them was found.
    """
    told = {
        "posts": ngettext(
            "%(count)s post", "%(count)s posts", found["posts"], count=_number(found["posts"])
        ),
        "likes": ngettext(
            "%(count)s like", "%(count)s likes", found["likes"], count=_number(found["likes"])
        ),
        "follows": ngettext(
            "%(count)s followed account",
            "%(count)s followed accounts",
            found["follows"],
            count=_number(found["follows"]),
        ),
    }
    return ", ".join(told[kind] for kind in kinds) or _("nothing")


def _number(count: int) -> str:
    return str(format_decimal(count))


def granted(handle: str, network: str, is_granted: bool) -> str:
    """Return what is said after the network's consent page."""
    if is_granted:
        return _(
            "We are reading what @%(handle)s has posted. You can go on meanwhile.", handle=handle
        )
    return _(
        "%(network)s did not let us read what you chose, so nothing is read. Choose less, or ask "
        "again.",
        network=network,
    )


def another_account(handle: str | None, other: str) -> Refusal:
    """Say that the network's consent page was answered for another account."""
    return Refusal(
        409,
        "another_account",
        _(
            "You gave access to @%(other)s, and it should have been @%(handle)s. Nothing was "
            "changed.",
            other=other,
            handle=handle or "?",
        ),
        _("Another account"),
        next_step=_("Sign in at the network with the right account, then try again."),
        action={"url": url_for("accounts.index"), "label": _("To your accounts")},
    )


def import_error(code: str | None, network: str) -> tuple[str, str] | None:
    """Return why an import ended early, and what happens or helps now; None for no error."""
    if code is None:
        return None
    again = _("It goes on by itself.")
    known = {
        "rate_limited": (_("%(network)s asks us to read more slowly.", network=network), again),
        "unreachable": (_("%(network)s did not answer.", network=network), again),
        "page_loop": (
            _("%(network)s sent the same page again and again.", network=network),
            _("We try again at the next run."),
        ),
        "cursor_lost": (
            _("%(network)s no longer knows where we stopped reading.", network=network),
            _("The next run begins at the latest things again."),
        ),
        "no_credits": (
            _("Reading on %(network)s costs money, and there is no credit left.", network=network),
            _("The people who run this site can add credit. Until then we use what you sent here."),
        ),
        "needs_consent": (
            _("%(network)s has not let us read this list yet.", network=network),
            _("Choose what is read again: %(network)s will ask you.", network=network),
        ),
        "not_allowed": (
            _("%(network)s does not let us read this.", network=network),
            _("Choose fewer lists, or reconnect the account."),
        ),
        "access_ended": (_("The access to the account has ended."), _("Reconnect the account.")),
        "access_refused": (
            _("%(network)s refused our access.", network=network),
            _("If this stays so, reconnect the account."),
        ),
    }
    return known.get(code, (_("The last import failed."), again))
