"""What people read about series: a rule in words, and why one is not taken."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import format_date, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.planning import RecurrenceProblem, recurrence

_PROBLEMS = {
    "too_long": _l("A rule may have at most %(limit)s characters."),
    "unreadable": _l("This is no rule. A rule looks like FREQ=WEEKLY;BYDAY=MO,WE."),
    "unknown_part": _l(
        "A rule has no “%(name)s” here. The start is given beside it; an end is UNTIL or COUNT."
    ),
    "repeated_part": _l("The rule has “%(name)s” twice."),
    "no_freq": _l(
        "The rule does not say how often: FREQ=DAILY, WEEKLY, MONTHLY, YEARLY or HOURLY."
    ),
    "bad_value": _l("The rule has “%(name)s=%(value)s”, which cannot be."),
    "not_with_freq": _l("“%(name)s” has no meaning in this rule (FREQ=%(freq)s)."),
    "until_and_count": _l(
        "A rule ends at a date (UNTIL) or after some times (COUNT), not by both."
    ),
    "too_often": _l(
        "That is too often. Between two tweets of a series there must be at least 15 minutes: "
        "use FREQ=HOURLY, with BYMINUTE if needed."
    ),
    "never": _l("By this rule nothing goes out from now on, or not within five years."),
    "too_far_back": _l("By this rule too much lies in the past. Choose a later start."),
    "bad_start": _l("Give the start as a date and a time, like 2027-01-31T18:30."),
}

_NTH = {1: _l("first"), 2: _l("second"), 3: _l("third"), 4: _l("fourth"), -1: _l("last")}


def rule_refusal(problem: RecurrenceProblem) -> str:
    """Return why a rule or its start is not taken."""
    named = {"name": "", "value": "", "freq": "", "limit": "", **problem.params}
    return _PROBLEMS[problem.code] % named


def identical_text() -> str:
    """Warn that X may refuse a text that it had before."""
    return _(
        "X refuses a text that you have posted there a short time ago. Each tweet of this series "
        "has the same text: change some of them, or let them lie far apart."
    )


def same_words() -> str:
    """Warn that X may refuse a text of a pool that it had before."""
    return _(
        "X refuses a text that you have posted there a short time ago. Write words that take turns "
        "in braces: {Good morning|Hello}. Or let the text rest long."
    )


def gap_note() -> str:
    """Say that clocks skip the time of a rule that night."""
    return _("The clocks skip the time of the series that night, so it goes out later.")


def missed_note(count: int) -> str:
    """Say how many were left out."""
    return _(
        "%(count)s tweets of this series were left out, because nothing ran when they were due.",
        count=count,
    )


def in_words(rrule: str, start: datetime, zone: ZoneInfo) -> str:
    """Return what a rule says in words; the rule itself where it says more than our form."""
    rule = recurrence.parse(rrule)
    said = _repeating(rule)
    if said is None:
        return rrule
    said = _("%(rule)s at %(time)s", rule=said, time=f"{start:%H:%M}")
    if rule.count is not None:
        return _("%(rule)s, %(count)s times", rule=said, count=rule.count)
    if (ends_at := rule.ends_at(zone)) is not None:
        until = format_date(ends_at.astimezone(zone).date(), "medium", rebase=False)
        return _("%(rule)s, until %(date)s", rule=said, date=until)
    return said


def _repeating(rule: recurrence.Rule) -> str | None:
    names = get_locale().days["format"]["wide"]
    days = rule.parts.get("byweekday", ())
    listed = ", ".join(names[day.weekday] for day in days)
    match rule.freq, sorted(rule.parts), rule.interval:
        case "DAILY", [], 1:
            return _("Every day")
        case "DAILY", [], several:
            return _("Every %(count)s days", count=several)
        case "WEEKLY", ["byweekday"], 1 if {day.weekday for day in days} == set(range(5)):
            return _("Every weekday, Monday to Friday")
        case "WEEKLY", ["byweekday"], 1:
            return _("Every week on %(days)s", days=listed)
        case "WEEKLY", [], 1:
            return _("Every week")
        case "MONTHLY", [], 1:
            return _("Every month")
        case "MONTHLY", ["byweekday"], 1 if len(days) == 1 and days[0].n in _NTH:
            nth = _NTH[days[0].n]
            return _("Every month on the %(nth)s %(day)s", nth=nth, day=listed)
    return None
