"""The overview: how much went out and how late, which networks are slow, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_decimal
from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from app.models import delivery_rollup
from app.operations import overview as figures
from app.web import charts, rate_limits, schemas
from app.web.context import networks
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.messages import delivery_error
from app.web.operations import alerts
from app.web.operations.access import bp
from app.web.operations.tabs import page

Period = delivery_rollup.Period
Totals = delivery_rollup.Totals

PATTERNS = {
    Period.HOUR: ("EEE HH:mm", "EEE d MMM, HH:mm"),
    Period.DAY: ("d MMM", "EEE d MMM y"),
    Period.MONTH: ("MMM", "MMMM y"),
}
"""How the beginning of a period is written below a chart, and in a table."""
LABEL_EVERY = {Period.HOUR: 12, Period.DAY: 6, Period.MONTH: 2}
MOST_ERRORS = 20
UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


@bp.get("/operations", endpoint="index")
@bp.get("/operations/overview")
@rate_limits.reads
def overview() -> ResponseReturnValue:
    """Show what became of jobs by hour, day or month."""
    period = Period(schemas.query(schemas.calls.OverviewQuery).by or Period.HOUR)
    found = figures.overview(period)
    if wants_json():
        return jsonify(_as_json(period, found))
    lasting = alerts.lasting()
    return page("overview", "overview", alerts=lasting, **_shown(period, found))


def _as_json(period: Period, found: figures.Overview) -> dict[str, Any]:
    told: dict[str, Any] = {
        "by": period,
        "buckets": [
            {
                "at": iso_utc(at),
                "published": totals.published,
                "failed": totals.failed,
                "lateness_ms": totals.lateness.summary(),
            }
            for at, totals in found.buckets
        ],
        "networks": [
            {
                "network": name,
                "published": totals.published,
                "failed": totals.failed,
                "lateness_ms": totals.lateness.summary(),
                "answer_ms": totals.answers.summary(),
            }
            for name, totals in found.networks
        ],
        "errors": [
            {"code": code or None, "count": count} for code, count in found.errors.most_common()
        ],
        "as_of": found.as_of and iso_utc(found.as_of),
    }
    told |= {} if found.is_complete else {"incomplete": True}
    return told if found.as_of else {**told, "unavailable": True}


def _shown(period: Period, found: figures.Overview) -> dict[str, Any]:
    whole = Totals()
    for _network, totals in found.networks:
        whole.merge(totals)
    zone: tzinfo = current_user.zone if period == Period.HOUR else UTC
    rows = [(_label(period, at, zone, 1), totals) for at, totals in found.buckets]
    labels = [_label(period, at, zone, 0) for at, _totals in found.buckets]
    return {
        "period": period,
        "periods": _periods(),
        "note": _note(period),
        "found": found,
        "whole": whole,
        "rows": rows,
        "throughput": _throughput(period, labels, rows) if rows else "",
        "lateness": _lateness(period, labels, rows) if rows else "",
        "errors": _errors(found),
        "titles": {name: _title(name) for name, _totals in found.networks},
        "duration": duration_words,
    }


def _throughput(period: Period, labels: Sequence[str], rows: Sequence[tuple[str, Totals]]) -> Any:
    words = {"published": _("Published"), "failed": _("Failed")}
    numbers = [
        charts.Series(
            title,
            [
                (getattr(totals, name), f"{when}: {getattr(totals, name)} · {title}")
                for when, totals in rows
            ],
        )
        for name, title in words.items()
    ]
    return charts.bars(labels, LABEL_EVERY[period], numbers)


def _lateness(period: Period, labels: Sequence[str], rows: Sequence[tuple[str, Totals]]) -> Any:
    summaries = [(when, totals.lateness.summary()) for when, totals in rows]
    words = {"p50": _("Half"), "p95": _("95 of 100"), "max": _("The latest")}
    lines = [
        charts.Series(
            title,
            [
                (_visible(one[name]), f"{when}: {duration_words(one[name])} · {title}")
                for when, one in summaries
            ],
        )
        for name, title in words.items()
    ]
    return charts.durations(labels, LABEL_EVERY[period], lines, duration_words)


def _visible(milliseconds: int | None) -> int | None:
    """A logarithmic scale has no place for 0."""
    return None if milliseconds is None else max(1, milliseconds)


def _errors(found: figures.Overview) -> list[dict[str, Any]]:
    """Return why jobs failed, network by network, the most frequent reasons first."""
    counted = [
        (count, name, code)
        for name, totals in found.networks
        for code, count in totals.errors.items()
        if count
    ]
    return [
        {
            "network": name,
            "title": _title(name),
            "code": code,
            "message": delivery_error(code, _title(name))[0] if code else _("No reason."),
            "count": count,
        }
        for count, name, code in sorted(counted, reverse=True)[:MOST_ERRORS]
    ]


def _title(name: str) -> str:
    """Return what a network is called; its name, of one that we no longer know."""
    known = networks().get(name)
    return known.title if known else name


def _periods() -> list[tuple[Period, str]]:
    return [(Period.HOUR, _("Hours")), (Period.DAY, _("Days")), (Period.MONTH, _("Months"))]


def _note(period: Period) -> str:
    count = figures.SPANS[period]
    if period == Period.HOUR:
        zone = current_user.zone.key
        return _("The last %(count)s hours, in the time of %(zone)s.", count=count, zone=zone)
    if period == Period.DAY:
        return _("The last %(count)s days. Days begin at midnight in UTC.", count=count)
    return _("The last %(count)s months. Months begin at midnight in UTC.", count=count)


def _label(period: Period, at: datetime, zone: tzinfo, length: int) -> str:
    pattern = PATTERNS[period][length]
    return str(format_datetime(at.astimezone(zone), pattern, locale=get_locale()))


def duration_words(milliseconds: float | None) -> str:
    """Return "80 ms", "1.2 s" or "3 min"; a dash for none."""
    if milliseconds is None:
        return "–"
    length, unit = next(
        ((length, unit) for length, unit in UNITS if milliseconds >= length), (1, "ms")
    )
    amount = milliseconds / length
    pattern = "0.#" if amount < 10 and unit != "ms" else "0"
    return f"{format_decimal(amount, pattern, locale=get_locale())} {unit}"
