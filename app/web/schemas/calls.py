"""The schema of every call that takes something."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.models import MAX_PARTS
from app.web.schemas.fields import (
    MAX_ACCOUNTS,
    MAX_LIST,
    AccountIds,
    AccountKey,
    Alt,
    Cursor,
    EventId,
    JobId,
    Name,
    PartNumber,
    PictureId,
    Pictures,
    Schema,
    Server,
    ShownAt,
    SubmitId,
    Text,
    TypedAccountIds,
    VariantOf,
    Visibility,
    When,
    YesOrNo,
)

Parts = Annotated[list["Part"], Field(max_length=MAX_PARTS)]
Variants = Annotated[
    dict[AccountKey, Annotated["Variant | None", VariantOf]], Field(max_length=MAX_ACCOUNTS)
]
Flag = Annotated[str, Field(max_length=10)]
FilePictures = Annotated[list[Text], Field(max_length=100)]


class Part(Schema):
    """One part of a thread."""

    text: Text | None = Field(None, description="the words")
    pictures: Pictures | None = Field(None, description="ids of your pictures, in order")


class Variant(Part):
    """What one account publishes instead."""

    parts: Parts | None = Field(None, description="a thread, instead of `text` and `pictures`")


class NewTweet(Schema):
    """``POST /tweets``"""

    text: Text | None = Field(None, description="the words")
    pictures: Pictures | None = Field(None, description="ids of your pictures, in order")
    parts: Parts | None = Field(None, description="a thread, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="what single accounts publish instead, by account id"
    )
    accounts: AccountIds | None = Field(
        None, description="ids; left out, null or empty for the first account"
    )
    when: When | None = Field(
        None, description="ISO 8601 or words; left out, null, empty or `now` for now"
    )
    shown_at: ShownAt | None = Field(
        None, description="the `due_at` that was shown for `when`: it is what is stored"
    )
    mode: Literal["now", "later"] | None = Field(
        None, description="said once more: `later` needs a time, `now` has none"
    )
    timezone: Name | None = Field(
        None, description="the zone of a person who has not chosen one, as an IANA name"
    )
    submit_id: SubmitId | None = Field(
        None, description="the same one again makes no second tweet; also `Idempotency-Key`"
    )
    check: bool | None = Field(
        None, description="true: only say how the time is understood, store nothing"
    )


class SubmitKey(Schema):
    """The header ``Idempotency-Key``."""

    submit_id: SubmitId | None = None


class TweetChange(Schema):
    """``PATCH /tweets/<id>``"""

    text: Text | None = Field(None, description="the words of the first part")
    pictures: Pictures | None = Field(None, description="the pictures of the first part")
    parts: Parts | None = Field(None, description="all parts, instead of `text` and `pictures`")
    variants: Variants | None = Field(
        None, description="as above; null takes a variant back, accounts left out keep theirs"
    )
    when: When | None = Field(None, description="a time, or `now`; never empty")
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")
    job_id: JobId | None = Field(None, description="only what this job has yet to publish")


class Reschedule(Schema):
    """``POST /tweets/<id>/reschedule``"""

    when: Annotated[When, Field(min_length=1)] = Field(description="a time, or `now`; never empty")
    shown_at: ShownAt | None = Field(None, description="as in `POST /tweets`")


class OneJob(Schema):
    """``POST /tweets/<id>/cancel``, ``/retry`` and ``/confirm``"""

    job_id: JobId | None = Field(None, description="this job alone; left out or null for all")


class AltChange(Schema):
    """``PATCH /pictures/<id>``"""

    alt: Alt = Field(description="what the picture shows, as long as its networks take")


class AccountChange(Schema):
    """``PATCH /accounts/<id>``"""

    signs_in: bool | None = Field(
        None, description="whether this account may be used for signing in"
    )
    visibility: Visibility | None = Field(
        None, description="who sees its posts from now on; Mastodon only"
    )


class Confirming(Schema):
    """``POST /accounts/confirm``"""

    refuse: YesOrNo | None = Field(
        None, description="true or 1: connect nothing, and end the access"
    )
    shown: Name | None = Field(None, description="which page asked; another one is shown anew")


class WhenQuery(Schema):
    """``GET /when``"""

    when: When | None = Field(None, description="a time as in `POST /tweets`")
    timezone: Name | None = Field(None, description="as in `POST /tweets`")


class StatusQuery(Schema):
    """``GET /status``"""

    job_ids: Annotated[str, Field(max_length=MAX_LIST)] | None = Field(
        None, description="up to 100 ids, with commas between them"
    )


class ListQuery(Schema):
    """``GET /``"""

    before: Cursor = Field(None, description="only tweets with smaller ids than this")


class EditQuery(Schema):
    """``GET /tweets/<id>/edit``"""

    job_id: JobId | None = Field(None, description="only what this job has yet to publish")


class _Writing(Schema):
    """What both forms have in which people write. ``NewTweet`` in the flat names of a form."""

    groups: ClassVar[dict[str, str]] = {
        "pictures": "pictures_of",
        "new-alt": "new_alt_of",
        "alt": "alt_of",
        "variant": "variant",
    }

    csrf_token: Text | None = None
    writer: Name | None = None
    text: Text | None = None
    part: Annotated[list[Text], Field(max_length=MAX_PARTS + 3)] = Field(default_factory=list)
    variant: Annotated[dict[AccountKey, list[Text]], Field(max_length=MAX_ACCOUNTS)] = Field(
        default_factory=dict
    )
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

    accounts: TypedAccountIds = Field(default_factory=list)
    mode: Literal["now", "later", ""] | None = None
    check: Flag | None = None


class EditForm(_Writing):
    """``POST /tweets/<id>/edit``."""

    job_id: JobId | None = None
    again: Flag | None = None
    now: Flag | None = None


class SignInForm(Schema):
    """``POST /accounts/<id>/door``."""

    signs_in: YesOrNo


class VisibilityForm(Schema):
    """``POST /accounts/<id>/visibility``."""

    visibility: Visibility


class AnewForm(Schema):
    """``POST /login/<network>/anew``."""

    server: Server
    back: Name | None = None


class SeenForm(Schema):
    """``POST /settings/sessions/seen``."""

    up_to: EventId


class SettingsForm(Schema):
    """``POST /settings``."""

    csrf_token: Text | None = None
    timezone: Name = ""
    locale: Name = ""
    late_tolerance_hours: Name = ""
