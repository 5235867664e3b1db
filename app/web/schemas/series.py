"""The schemas of calls about series, and of their forms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.models import MAX_PARTS
from app.web.schemas.calls import (
    Part,  # noqa: F401 (the types of fields name it)
    Parts,
    Variant,  # noqa: F401 (the same)
    Variants,
)
from app.web.schemas.fields import (
    AccountIdsOrAll,
    Flag,
    Name,
    NoSignature,
    OptionsOf,
    Pictures,
    PresetId,
    RuleText,
    Schema,
    ShownAt,
    SubmitId,
    Text,
    TypedAccountIds,
    TypedSignature,
    When,
)

Repeat = Literal["daily", "weekdays", "weekly", "every_n", "monthly", "monthly_nth", "rule"]
Day = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
Ends = Literal["never", "until", "count"]


class NewSeries(Schema):
    """``POST /series``"""

    text: Text | None = Field(None, description="the words")
    pictures: Pictures | None = Field(None, description="ids of your pictures, in order")
    parts: Parts | None = Field(None, description="a thread, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="what single accounts publish instead, by account id"
    )
    options: OptionsOf | None = Field(None, description="what else posts have, by account id")
    accounts: AccountIdsOrAll | None = Field(
        None,
        description="ids, `all`, or `selection:<id>`; left out, null or empty for the first"
        " account",
    )
    signature: PresetId | NoSignature | None = Field(
        None, description="as in `POST /tweets`; it is part of the text from then on"
    )
    rrule: RuleText = Field(description="when it comes again: RRULE of RFC 5545, without DTSTART")
    start: When = Field(
        description="the time on the wall from which the rule counts: ISO 8601 without an offset"
    )
    submit_id: SubmitId | None = Field(
        None, description="the same one again makes no second series; also `Idempotency-Key`"
    )


class SeriesChange(Schema):
    """``PATCH /series/<id>``"""

    since: ShownAt | None = Field(
        None, alias="from", description="a `due_at`: this and all later; left out or null for all"
    )
    text: Text | None = Field(None, description="the words of the first part")
    pictures: Pictures | None = Field(None, description="the pictures of the first part")
    parts: Parts | None = Field(None, description="all parts, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="null takes a variant back, accounts left out keep theirs"
    )
    options: OptionsOf | None = Field(None, description="as above; kept and taken back likewise")
    accounts: AccountIdsOrAll | None = Field(
        None, description="ids, `all`, or `selection:<id>`; left out or null: as they are"
    )
    rrule: RuleText | None = Field(None, description="another rule")
    start: When | None = Field(None, description="another start of the rule")


class SeriesEnd(Schema):
    """``DELETE /series/<id>``"""

    since: ShownAt | None = Field(
        None, alias="from", description="a `due_at`: this and all later; left out or null for all"
    )


class SeriesForm(Schema):
    """``POST /series`` and ``POST /series/<id>``, as a form."""

    csrf_token: Text | None = None
    writer: Name | None = None
    text: Text = ""
    part: Annotated[list[Text], Field(max_length=MAX_PARTS + 3)] = Field(default_factory=list)
    tweet: Name = Field("", description="whose pictures, variants and options it has, too")
    accounts: TypedAccountIds = Field(default_factory=list)
    signature: TypedSignature = None
    start: When = ""
    repeat: Repeat = "daily"
    every: Name = ""
    days: Annotated[list[Day], Field(max_length=7)] = Field(default_factory=list)
    nth: Literal["1", "2", "3", "4", "-1"] = "1"
    nth_day: Day = "MO"
    ends: Ends = "never"
    until: Name = ""
    count: Name = ""
    rrule: RuleText = ""
    submit_id: SubmitId | None = None
    since: ShownAt | None = Field(None, alias="from")


class SeriesEndForm(Schema):
    """``POST /series/<id>/end``, as a form."""

    csrf_token: Text | None = None
    since: ShownAt | None = Field(None, alias="from")
    sure: Flag | None = None


class NewSeriesQuery(Schema):
    """``GET /series/new``"""

    tweet: Name | None = Field(None, description="its words and accounts are in the form")
