"""The schemas of the forms in which people write, and of the bar that changes many tweets."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.models import MAX_PARTS
from app.web.schemas.calls import Action
from app.web.schemas.fields import (
    Alt,
    Cursor,
    FilePictures,
    Flag,
    JobId,
    MaybeAccountId,
    MaybePresetId,
    Mode,
    Name,
    OptionField,
    PartNumber,
    PictureId,
    Schema,
    ShownAt,
    SubmitId,
    Tab,
    Text,
    TypedAccountIds,
    TypedSignature,
    TypedTweetIds,
    TypedVariants,
    When,
    Words,
)


class _Writing(Schema):
    """What both forms have in which people write. ``NewTweet`` in the flat names of a form."""

    groups: ClassVar[dict[str, str]] = {
        "pictures": "pictures_of",
        "new-alt": "new_alt_of",
        "alt": "alt_of",
        "variant": "variant",
        "options": "options_of",
    }

    csrf_token: Text | None = None
    writer: Name | None = None
    text: Text | None = None
    part: Annotated[list[Text], Field(max_length=MAX_PARTS + 3)] = Field(default_factory=list)
    variant: TypedVariants = Field(default_factory=dict)
    options_of: dict[OptionField, FilePictures] = Field(default_factory=dict)
    pictures: FilePictures = Field(default_factory=list)
    pictures_of: dict[PartNumber, FilePictures] = Field(default_factory=dict)
    alt_of: dict[PictureId, Alt] = Field(default_factory=dict)
    new_alt: Annotated[list[Alt], Field(max_length=100)] = Field(
        default_factory=list, alias="new-alt"
    )
    new_alt_of: dict[PartNumber, list[Alt]] = Field(default_factory=dict)
    drop_picture: FilePictures = Field(default_factory=list, alias="drop-picture")
    when: When | None = None
    shown_at: ShownAt | None = None
    timezone: Name | None = None
    submit_id: SubmitId | None = None


class NewTweetForm(_Writing):
    """``POST /tweets`` as a form."""

    draft: Cursor = None
    draft_version: Cursor = None
    accounts: TypedAccountIds = Field(default_factory=list)
    selection: MaybePresetId = None
    hashtags: MaybePresetId = None
    signature: TypedSignature = None
    mode: Mode | Literal[""] | None = None
    check: Flag | None = None
    more: Flag | None = None
    allow_duplicate: Flag | None = None


class EditForm(_Writing):
    """``POST /tweets/<id>/edit``."""

    job_id: JobId | None = None
    again: Flag | None = None
    now: Flag | None = None


class BulkForm(Schema):
    """``POST /tweets/bulk`` as a form; ``confirmed`` says that the number was shown.

    The other fields lead back to the part of the list that it was sent from.
    """

    action: Action
    tweet_ids: TypedTweetIds = Field(default_factory=list)
    when: When | None = None
    confirmed: Flag | None = None
    tab: Tab | None = None
    q: Words | None = None
    account: MaybeAccountId = None
    before: Cursor = None
