"""What fits into a post of X, the body of the call that creates it, and the call itself."""

from __future__ import annotations

from app.networks.base import Body, Credentials, Limits, Outcome, OutcomeKind, Part
from app.networks.http import NoResponse, NotSent
from app.networks.links import LINK_LENGTH
from app.networks.responses import answered, unanswered
from app.networks.x import options
from app.networks.x.client import XApi
from app.networks.x.responses import allowance_left_for, id_in, outcome_of
from app.networks.x.text import MAX_WEIGHTED_LENGTH

LIMITS = Limits(
    characters=MAX_WEIGHTED_LENGTH,
    unit="weighted",
    link_length=LINK_LENGTH,
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=8_192,
    moving_bytes=15_000_000,
    moving_width=1_280,
    moving_height=1_080,
    moving_frames=350,
    alt_length=1_000,
    picture_types=("image/jpeg", "image/png", "image/webp", "image/gif"),
)


def body_of(part: Part) -> Body:
    """Return the JSON of ``POST /2/tweets``."""
    body: Body = {"text": part.text} if part.text else {}
    if part.reply_to is not None:
        body["reply"] = {"in_reply_to_tweet_id": part.reply_to["id"]}
    if part.pictures:
        body["media"] = {"media_ids": [picture["id"] for picture in part.pictures]}
    return {**body, **options.fields(part)}


async def create(
    api: XApi, credentials: Credentials, body: Body, start_by: float, site_url: str
) -> Outcome:
    """Post a tweet; never raises. docs/networks/x.md says what each response means.

    :param start_by: on http.boottime(), after which the call is not begun.
    :param site_url: of X's pages.
    """
    try:
        response = await api.send(
            "POST", "/2/tweets", credentials=credentials, start_by=start_by, json=body
        )
    except (NotSent, NoResponse) as error:
        return unanswered(error)
    remote_id = id_in(response.data) if 200 <= response.status < 300 else None
    if remote_id is None:
        return outcome_of(response)
    return answered(
        response,
        OutcomeKind.OK,
        remote_id=remote_id,
        remote_url=page_of(site_url, remote_id),
        request_id=response.header("x-transaction-id"),
        pause_for=allowance_left_for(response),
        reference={"id": remote_id},
    )


def page_of(site_url: str, remote_id: str) -> str:
    """Return the page of a post."""
    return f"{site_url}/i/web/status/{remote_id}"
