"""What the calls about pools take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from app.models import pool
from app.web.schemas.fields import (
    AccountId,
    Pictures,
    Schema,
    SubmitId,
    Text,
    TypedAccountIds,
    TypedCount,
)


class Tweet(Schema):
    """One text of a pool, with pictures."""

    text: Annotated[Text, Field(min_length=1)] = Field(
        description="the words; `{one|another}` takes turns"
    )
    pictures: Pictures | None = Field(
        None, description="ids of your pictures, in order; left out or null: as they are"
    )


Texts = Annotated[list[Text | Tweet], Field(min_length=1, max_length=pool.MAX_IN_POOL)]
Rest = Annotated[int, Field(ge=pool.MIN_REST_SECONDS, le=pool.MAX_REST_SECONDS)]


class NewPool(Schema):
    """``POST /pools``"""

    account: AccountId | None = Field(None, description="left out or null for the first account")
    rest_s: Rest | None = Field(
        None, description="seconds that a text rests before it goes out again; 30 days if left out"
    )
    tweets: Texts = Field(description="texts, or objects with `text` and `pictures`")
    submit_id: SubmitId | None = Field(
        None, description="the same one again makes no second pool; also `Idempotency-Key`"
    )


class PoolChange(Schema):
    """``PATCH /pools/<id>``"""

    rest_s: Rest | None = Field(None, description="as above")
    tweets: Texts | None = Field(
        None, description="all of them; a text that was there before stays as rested as it is"
    )


class PoolForm(Schema):
    """``POST /pools`` and ``POST /pools/<id>`` as a form: texts with empty lines between them."""

    csrf_token: Text | None = None
    submit_id: SubmitId | None = None
    accounts: TypedAccountIds = Field(default_factory=list)
    rest_days: TypedCount = None
    texts: Text = ""
