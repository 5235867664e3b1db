"""The form that makes rules: what people choose becomes an RRULE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from app.db import utcnow
from app.models import ALL, StoredPart, Tweet
from app.models import series as rows
from app.planning import RecurrenceProblem
from app.web.schemas import series as schemas
from app.web.tweets import views as tweets

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_SIMPLE = {
    "daily": "FREQ=DAILY",
    "weekdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "monthly": "FREQ=MONTHLY",
}


def empty(tweet: Tweet | None = None) -> dict[str, Any]:
    """Return a form with nothing in it, or with what a tweet says."""
    start = utcnow().astimezone(current_user.zone) + timedelta(days=1)
    ids = [one.account_id for one in tweet.deliveries] if tweet else []
    return {
        **schemas.SeriesForm.model_validate({}).model_dump(),
        **(_texts_of(tweets.shared_parts(tweet)) if tweet else {}),
        "tweet": str(tweet.id) if tweet else "",
        "signature": "none" if tweet else None,  # its text has the one that it was stored with
        "accounts": ids or [account.id for account in current_user.accounts[:1]],
        "start": f"{start:%Y-%m-%d}T09:00",
        "errors": {},
    }


def of_series(series: rows.Series) -> dict[str, Any]:
    """Return the form of a series as it is."""
    return {
        **schemas.SeriesForm.model_validate({}).model_dump(),
        **_texts_of(series.parts),
        "rrule": series.rrule,
        "start": series.start[:16],
        "repeat": "rule",
        "errors": {},
    }


def _texts_of(parts: Sequence[StoredPart]) -> dict[str, Any]:
    return {"text": parts[0]["text"], "part": [part["text"] for part in parts[1:]]}


def parts_of(form: schemas.SeriesForm, stored: Sequence[StoredPart]) -> list[StoredPart]:
    """Return the parts that a form says, each with the pictures that it has; without empty ones."""
    texts = [form.text, *form.part]
    pictures = [part["pictures"] for part in stored] + [[]] * len(texts)
    found: list[StoredPart] = [
        {"text": text, "pictures": own} for text, own in zip(texts, pictures, strict=False)
    ]
    return [one for one in found if one["text"].strip() or one["pictures"]] or found[:1]


def new_of(form: schemas.SeriesForm, tweet: Tweet | None) -> dict[str, Any]:
    """Return what a form says a new series is, in the names of JSON; raises RecurrenceProblem.

    :param tweet: the one that it was opened for, which has pictures, variants and options.
    """
    names = ("accounts", "signature", "start", "submit_id")
    given = {name: getattr(form, name) for name in names} | {"rrule": rule_of(form)}
    if tweet is None:
        return {**given, "parts": parts_of(form, ())}
    is_for_all = ALL in form.accounts
    jobs = [one for one in tweet.deliveries if is_for_all or one.account_id in form.accounts]
    return {
        **given,
        "parts": parts_of(form, tweets.shared_parts(tweet)),
        "variants": {str(one.account_id): {"parts": one.parts} for one in jobs if one.parts},
        "options": {str(one.account_id): one.options for one in jobs if one.options},
    }


def rule_of(form: schemas.SeriesForm) -> str:
    """Return the RRULE that a form says.

    :raises RecurrenceProblem: a number or a date is none.
    """
    if form.repeat == "rule":
        return form.rrule
    if form.repeat == "weekly":
        rule = "FREQ=WEEKLY" + (f";BYDAY={','.join(form.days)}" if form.days else "")
    elif form.repeat == "every_n":
        rule = f"FREQ=DAILY;INTERVAL={_number('INTERVAL', form.every)}"
    elif form.repeat == "monthly_nth":
        rule = f"FREQ=MONTHLY;BYDAY={form.nth}{form.nth_day}"
    else:
        rule = _SIMPLE[form.repeat]
    if form.ends == "count":
        return f"{rule};COUNT={_number('COUNT', form.count)}"
    if form.ends == "until":
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", form.until):
            raise RecurrenceProblem("bad_value", name="UNTIL", value=form.until[:40])
        return f"{rule};UNTIL={form.until.replace('-', '')}"
    return rule


def _number(name: str, typed: str) -> str:
    if not re.fullmatch(r"[0-9]{1,5}", typed.strip()):
        raise RecurrenceProblem("bad_value", name=name, value=typed[:40])
    return typed.strip()


def change_of(series: rows.Series, form: schemas.SeriesForm) -> Mapping[str, Any]:
    """Return what a form changes, in the names of ``PATCH``; what is as it was is left out."""
    given: dict[str, Any] = {"since": form.since, "parts": parts_of(form, series.parts)}
    rule = rule_of(form)
    if rule.strip().upper() != series.rrule:
        given["rrule"] = rule
    if form.start and form.start != series.start[:16]:
        given["start"] = form.start
    return given


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what the form offers, with its words."""
    names = get_locale().days["stand-alone"]["wide"]
    return {
        "repeat": [
            ("daily", _("Every day")),
            ("weekdays", _("Every weekday, Monday to Friday")),
            ("weekly", _("Every week, on the days below")),
            ("every_n", _("Every few days, see below")),
            ("monthly", _("Every month, on the day of the start")),
            ("monthly_nth", _("Every month, on the weekday below")),
            ("rule", _("By the rule below (RFC 5545)")),
        ],
        "days": [(day, names[number]) for number, day in enumerate(DAYS)],
        "nth": [
            ("1", _("first")),
            ("2", _("second")),
            ("3", _("third")),
            ("4", _("fourth")),
            ("-1", _("last")),
        ],
        "ends": [
            ("never", _("It goes on until I end it")),
            ("until", _("On this date")),
            ("count", _("After so many times")),
        ],
    }
