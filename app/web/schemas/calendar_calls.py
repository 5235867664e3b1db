"""The schemas of the calendar's calls."""

from __future__ import annotations

from pydantic import Field

from app.web.schemas.calls import Reschedule
from app.web.schemas.fields import CalendarView, Day, MaybeAccountId, Schema, ShownAt


class CalendarQuery(Schema):
    """``GET /calendar``"""

    view: CalendarView = Field(None, description="what is shown; left out for `month`")
    date: Day = Field(
        None, description="a day of it, such as 2026-11-01; an agenda begins there; left out, today"
    )
    account: MaybeAccountId = Field(None, description="only what is for this account of yours")


class MoveQuery(CalendarQuery):
    """``GET /tweets/<id>/move``; the calendar that it leads back to."""

    due_at: ShownAt | None = None


class RescheduleForm(Reschedule, CalendarQuery):
    """``POST /tweets/<id>/reschedule`` as a form; with a view, it leads back to the calendar."""
