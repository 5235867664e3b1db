"""Signing in at the board: a person pastes a token that the board gave to them."""

from __future__ import annotations

from collections.abc import Mapping

from app.networks.base import SIGN_IN_SECONDS, Connection, Credentials, Profile
from app.networks.errors import ConnectRefused, LookUpRefused, TokenRefused
from app.networks.noticeboard.client import Board
from app.networks.noticeboard.responses import reading_of
from app.networks.oauth import token_of
from app.networks.responses import known_shape


def connect(board: Board, typed: Mapping[str, str]) -> Connection:
    """Return the account of the token that was typed. Raises ConnectRefused, LookUpFailed."""
    credentials = {"access_token": typed.get("token", "").strip()}
    if not credentials["access_token"]:
        raise ConnectRefused("refused")
    try:
        profile = who_am_i(board.within(SIGN_IN_SECONDS), credentials)
    except (TokenRefused, LookUpRefused) as error:
        raise ConnectRefused("refused", str(error)) from error
    return Connection(profile, credentials)


def who_am_i(board: Board, credentials: Credentials) -> Profile:
    """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
    with known_shape():
        person = reading_of(board.read("/me", token=token_of(credentials)))
        return Profile(remote_id=person["id"], handle=person["name"])
