"""What the calls about the slots of an account take."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from app.models import slot
from app.web.schemas.fields import Schema, Text, TypedTimes, TypedWeekday, WallTime, Weekday


class Time(Schema):
    """A time of the week"""

    weekday: Weekday = Field(description="1 for Monday to 7 for Sunday")
    time: WallTime = Field(description="as `09:00`, in the person's time zone")


class SlotsChange(Schema):
    """``PUT /accounts/<id>/slots``"""

    slots: Annotated[list[Time], Field(max_length=slot.MAX_SLOTS)] = Field(
        description="all of them; the same one twice is one"
    )


class SlotsForm(Schema):
    """``POST /accounts/<id>/slots``: times for some weekdays, or all times of each weekday."""

    groups: ClassVar[dict[str, str]] = {"times": "times_of"}

    csrf_token: Text | None = None
    day: Annotated[list[TypedWeekday], Field(max_length=7)] = Field(default_factory=list)
    times: TypedTimes | None = None
    times_of: dict[TypedWeekday, Annotated[list[TypedTimes], Field(max_length=1)]] = Field(
        default_factory=dict
    )
