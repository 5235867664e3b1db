"""Look-ups: somebody's own notices, as the board lists them."""

from __future__ import annotations

from datetime import datetime

from app.networks.base import LOOK_UP_SECONDS, Credentials, SeenPost
from app.networks.noticeboard.client import Board
from app.networks.noticeboard.responses import reading_of
from app.networks.noticeboard.text import comparable
from app.networks.oauth import token_of
from app.networks.responses import known_shape, moment_in


def recent(board: Board, credentials: Credentials, since: datetime) -> list[SeenPost]:
    """Return the notices since then, oldest first.

    Raises LookUpFailed, LookUpRefused, TokenRefused.
    """
    board = board.within(LOOK_UP_SECONDS)
    with known_shape():
        listed = reading_of(board.read("/notices", token=token_of(credentials)))
        seen = [
            SeenPost(one["id"], one["url"], moment_in(one["created_at"]), comparable(one["text"]))
            for one in listed
        ]
    return [post for post in seen if post.created_at is None or post.created_at >= since]
