"""The tabs of the operations page, and the frame around what each of them shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.operations import counts, pauses
from app.web.i18n import iso_utc
from app.web.operations import views


class Tab(NamedTuple):
    """One tab. Its address is ``/operations/<name>`` and its endpoint ``operations.<name>``."""

    name: str
    label: Any


TABS = (
    Tab("overview", _l("Overview")),
    Tab("sending", _l("Sending now")),
    Tab("queues", _l("Queues")),
    Tab("scheduled", _l("Scheduled")),
    Tab("retries", _l("Retries")),
    Tab("failed", _l("Failed")),
    Tab("unconfirmed", _l("Unconfirmed")),
    Tab("held", _l("Held")),
    Tab("periodic", _l("Periodic")),
    Tab("mails", _l("Mail")),
    Tab("workers", _l("Workers")),
    Tab("redis", _l("Redis")),
    Tab("audit", _l("Audit")),
)
LABELS: Mapping[str, Any] = {tab.name: tab.label for tab in TABS}
_NUMBERS = {
    "published": (_l("Published"), None),
    "failed": (_l("Failed"), "failed"),
    "retrying": (_l("Retrying"), "retries"),
    "scheduled": (_l("Scheduled"), "scheduled"),
    "queued": (_l("Queued"), None),
    "sending": (_l("Sending"), "sending"),
    "unconfirmed": (_l("Unconfirmed"), "unconfirmed"),
    "held": (_l("Held"), "held"),
    "overdue": (_l("Overdue"), None),
}
"""What each number is called, and the tab that has these jobs."""


def page(template: str, tab: str, **values: Any) -> str:
    """Return a page of a tab: the strip of numbers, the tabs, and what the template adds."""
    return render_template(
        f"operations/{template}.html",
        tab=tab,
        tab_label=LABELS.get(tab, ""),
        tabs=TABS,
        strip=_strip(),
        paused=_paused(),
        **values,
    )


def _paused() -> list[dict[str, Any]]:
    """Return the pauses that last; none when the database does not say."""
    try:
        return views.pauses_shown(pauses.lasting())
    except SQLAlchemyError:
        rollback_quietly()
        return []


def _strip() -> list[dict[str, Any]]:
    """Return the numbers as they are shown; their ``count`` is None when nobody knows."""
    known = counts.counts()
    return [
        {
            "name": name,
            "label": label,
            "count": None if known.numbers is None else known.numbers[name],
            "at_least": name in known.at_least,
            "period": _("last 24 hours") if counts.PERIODS[name] else _("now"),
            "url": url_for(f"operations.{leads_to}") if leads_to else None,
        }
        for name, (label, leads_to) in _NUMBERS.items()
    ]


def summary() -> dict[str, Any]:
    """Return the numbers as programs see them."""
    known = counts.counts()
    numbers = known.numbers
    told: dict[str, Any] = {
        "counts": {
            name: {
                "count": None if numbers is None else numbers[name],
                "period_s": period,
                **({"at_least": True} if name in known.at_least else {}),
            }
            for name, period in counts.PERIODS.items()
        },
        "as_of": None if known.as_of is None else iso_utc(known.as_of),
    }
    return told if numbers is not None else {**told, "unavailable": True}
