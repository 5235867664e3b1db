"""Notices: what fits into one, its body, and the call that creates it."""

from __future__ import annotations

from app.networks.base import Body, Credentials, Limits, Outcome, OutcomeKind, Part
from app.networks.http import NoResponse, NotSent
from app.networks.noticeboard.client import Board
from app.networks.noticeboard.responses import outcome_of
from app.networks.oauth import token_of
from app.networks.responses import answered, object_in, unanswered

LIMITS = Limits(characters=200, pictures=0)


def body_of(part: Part) -> Body:
    """Return the JSON of ``POST /notices``."""
    return {"text": part.text}


async def create(board: Board, credentials: Credentials, body: Body, start_by: float) -> Outcome:
    """Put up a notice; never raises. After ``start_by``, on http.boottime(), nothing is begun."""
    try:
        response = await board.send(
            "POST", "/notices", token=token_of(credentials), start_by=start_by, json=body
        )
    except (NotSent, NoResponse) as error:
        return unanswered(error)
    notice = object_in(response)
    if response.status != 201 or not notice.get("id"):
        return outcome_of(response)
    return answered(
        response,
        OutcomeKind.OK,
        remote_id=notice["id"],
        remote_url=notice.get("url"),
    )
