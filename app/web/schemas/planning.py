"""The schemas of calls about what is planned and not a tweet yet."""

from __future__ import annotations

from pydantic import Field

from app.web.schemas.calls import ListQuery, NewTweet
from app.web.schemas.fields import Cursor, Schema, ShownAt, When


class NewDraft(NewTweet):
    """``POST /drafts`` and ``PUT /drafts/<id>``"""


class ScheduleDraft(Schema):
    """``POST /drafts/<id>/schedule``"""

    when: When | None = Field(None, description="a time, or `now`; never empty")
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")
    queue: bool | None = Field(None, description="true, instead of `when`: the next free time")
    allow_duplicate: bool | None = Field(None, description="as in `POST /tweets`")


class DraftsQuery(Schema):
    """``GET /drafts``"""

    before: Cursor = Field(None, description="the `next` of the page before")


class ComposerQuery(ListQuery):
    """``GET /``"""

    draft: Cursor = Field(None, description="the draft that the composer opens")
    when: When | None = Field(None, description="the page: what stands in the field for the time")
