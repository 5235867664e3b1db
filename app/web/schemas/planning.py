"""The schemas of calls about what is planned and not a tweet yet."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.models import preset
from app.web.schemas.calls import ListQuery, NewTweet
from app.web.schemas.fields import (
    AccountIds,
    Cursor,
    Schema,
    ShownAt,
    SubmitId,
    Text,
    TypedAccountIds,
    When,
)

PresetName = Annotated[str, Field(max_length=preset.MAX_PRESET_NAME)]
PresetText = Annotated[str, Field(max_length=preset.MAX_PRESET_TEXT)]


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


class NewSelection(Schema):
    """``POST /selections``"""

    name: PresetName = Field(description="no other selection has it, in upper or lower case")
    accounts: AccountIds = Field(description="ids, at least one")
    submit_id: SubmitId | None = Field(
        None, description="the same one again makes no second one; also `Idempotency-Key`"
    )


class SelectionChange(Schema):
    """``PATCH /selections/<id>``"""

    name: PresetName | None = Field(None, description="as above")
    accounts: AccountIds | None = Field(None, description="all of them")


class NewSignature(Schema):
    """``POST /signatures``"""

    name: PresetName = Field(description="no other signature has it, in upper or lower case")
    text: PresetText = Field(description="what is added at the end, after an empty line")
    accounts: AccountIds | None = Field(
        None, description="ids of the accounts that have it by default, in place of another one"
    )
    submit_id: SubmitId | None = Field(None, description="as above")


class SignatureChange(Schema):
    """``PATCH /signatures/<id>``"""

    name: PresetName | None = Field(None, description="as above")
    text: PresetText | None = Field(None, description="as above")
    accounts: AccountIds | None = Field(None, description="all of them; an empty list for none")


class NewHashtagSet(Schema):
    """``POST /hashtag-sets``"""

    name: PresetName = Field(description="no other set has it, in upper or lower case")
    text: PresetText = Field(description="hashtags, with spaces or commas between them")
    submit_id: SubmitId | None = Field(None, description="as above")


class HashtagSetChange(Schema):
    """``PATCH /hashtag-sets/<id>``"""

    name: PresetName | None = Field(None, description="as above")
    text: PresetText | None = Field(None, description="as above")


class PresetForm(Schema):
    """``POST`` of any of them as a form; a box that is not ticked is not sent."""

    csrf_token: Text | None = None
    submit_id: SubmitId | None = None
    name: Text = ""
    text: Text = ""
    accounts: TypedAccountIds = Field(default_factory=list)
