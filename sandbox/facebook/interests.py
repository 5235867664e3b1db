"""Liked posts and followed accounts, of which Facebook tells nothing (docs: Facebook endpoints)."""

from flask import Response

from sandbox.facebook import errors
from sandbox.facebook.calls import Caller
from sandbox.facebook.query import Parameters
from sandbox.facebook.state import FacebookState


def likes(
    _state: FacebookState, _caller: Caller, _parameters: Parameters, page_id: int
) -> Response:
    """``GET /{page}/likes``: refused."""
    raise errors.no_field("likes", "Page")


def friends(
    _state: FacebookState, _caller: Caller, _parameters: Parameters, page_id: int
) -> Response:
    """``GET /{page}/friends``: refused."""
    raise errors.no_field("friends", "Page")
