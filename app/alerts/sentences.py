"""What is said of an alert: in English to ALERT_URLS, in the reader's language on pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.models import Alert, Condition

TABS: Mapping[str, str] = {
    Condition.OVERDUE: "scheduled",
    Condition.UNCONFIRMED: "unconfirmed",
    Condition.NO_WORKER: "workers",
    Condition.QUEUE: "queues",
    Condition.PERIODIC: "periodic",
    Condition.DISK: "overview",
    Condition.REDIS: "redis",
}
"""The tab of the operations page that shows more."""


def title_of(told: Alert) -> str:
    """Return what is wrong in a few words."""
    titles = {
        Condition.OVERDUE: _("Tweets are overdue"),
        Condition.UNCONFIRMED: _("Tweets stay unconfirmed"),
        Condition.NO_WORKER: _("No worker is running"),
        Condition.QUEUE: _("No worker takes the queue %(name)s", name=told.subject),
        Condition.PERIODIC: _("%(name)s fails time after time", name=told.subject),
        Condition.DISK: _("The disk is nearly full"),
        Condition.REDIS: _("Redis is nearly out of memory"),
    }
    return str(titles[Condition(told.condition)])


def text_of(told: Alert) -> str:
    """Return what was seen when it began, and what to do."""
    facts: Mapping[str, Any] = {"count": 0, "seconds": 0, "percent": 0, **told.facts}
    count, duration = facts["count"], _duration(facts["seconds"])
    texts = {
        Condition.OVERDUE: lambda: ngettext(
            "%(num)s tweet should have begun more than %(duration)s ago. Are workers running, and"
            " do they keep up?",
            "%(num)s tweets should have begun more than %(duration)s ago. Are workers running, and"
            " do they keep up?",
            count,
            duration=duration,
        ),
        Condition.UNCONFIRMED: lambda: ngettext(
            "%(num)s tweet may have been published, and nobody could find out for %(duration)s."
            " Can its network be read?",
            "%(num)s tweets may have been published, and nobody could find out for %(duration)s."
            " Can their network be read?",
            count,
            duration=duration,
        ),
        Condition.NO_WORKER: lambda: _(
            "No worker was seen for %(duration)s, so nothing is published. Start one.",
            duration=duration,
        ),
        Condition.QUEUE: lambda: _(
            "Something has waited in the queue %(name)s for %(duration)s. Start a worker that"
            " takes it: WORKER_QUEUES says which queues a worker takes.",
            name=told.subject,
            duration=duration,
        ),
        Condition.PERIODIC: lambda: _(
            "The work %(name)s, which is done at intervals, has failed three times in a row or"
            " more. The logs of the workers say why.",
            name=told.subject,
        ),
        Condition.DISK: lambda: _(
            "%(percent)s %% of the disk are used. Without room, nothing can be stored or"
            " published.",
            percent=facts["percent"],
        ),
        Condition.REDIS: lambda: _(
            "Redis uses %(percent)s %% of the memory that it may have. When it is full, workers"
            " are no longer told of tweets at once, and find them a few seconds later.",
            percent=facts["percent"],
        ),
    }
    return str(texts[Condition(told.condition)]())


def _duration(seconds: float) -> str:
    if seconds < 120:
        return str(ngettext("%(num)s second", "%(num)s seconds", round(seconds)))
    return str(ngettext("%(num)s minute", "%(num)s minutes", round(seconds / 60)))
