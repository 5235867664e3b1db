"""Which days a view of the calendar has, and where "earlier" and "later" lead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from app.when import ONE_DAY, week_of

MONTH, WEEK, AGENDA = "month", "week", "agenda"
VIEWS = (MONTH, WEEK, AGENDA)
DAYS_OF_WEEK = 7
DAYS_OF_AGENDA = 28


class Span(NamedTuple):
    """Days from the first to the last, both of which belong to it."""

    view: str
    first: date
    last: date

    @property
    def earlier(self) -> date:
        """The first day of the span before it."""
        if self.view == MONTH:
            return (self.first - ONE_DAY).replace(day=1)
        return self.first - (DAYS_OF_WEEK if self.view == WEEK else DAYS_OF_AGENDA) * ONE_DAY

    @property
    def later(self) -> date:
        """The first day of the span after it."""
        return self.last + ONE_DAY

    def in_whole_weeks(self, week_start: int) -> Span:
        """Return it with the days before and after that fill its weeks."""
        last_week = week_of(self.last, week_start)
        last = last_week + (DAYS_OF_WEEK - 1) * ONE_DAY
        return self._replace(first=week_of(self.first, week_start), last=last)


def span_of(view: str, day: date, week_start: int) -> Span:
    """Return the span that a day is in; an agenda begins with that day."""
    if view == MONTH:
        first = day.replace(day=1)
        next_month = (first + timedelta(days=31)).replace(day=1)
        return Span(view, first, next_month - ONE_DAY)
    first = week_of(day, week_start) if view == WEEK else day
    length = DAYS_OF_WEEK if view == WEEK else DAYS_OF_AGENDA
    return Span(view, first, first + (length - 1) * ONE_DAY)
