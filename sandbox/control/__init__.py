"""What is controlled from outside: a network's state, the control API, its presets."""

from sandbox.control.api import BadRequest, Panel, make_panel_routes, read_body, read_handle
from sandbox.control.history import Follow, History, Like, PastPost
from sandbox.control.pages import PAGE_LENGTH, make_front_page
from sandbox.control.presets import EVERYBODY, GROUPS, PRESETS, describe
from sandbox.control.state import State, UnknownPost

__all__ = [
    "EVERYBODY",
    "GROUPS",
    "PAGE_LENGTH",
    "PRESETS",
    "BadRequest",
    "Follow",
    "History",
    "Like",
    "Panel",
    "PastPost",
    "State",
    "UnknownPost",
    "describe",
    "make_front_page",
    "make_panel_routes",
    "read_body",
    "read_handle",
]
