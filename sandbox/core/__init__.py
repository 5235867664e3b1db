"""What every network of the sandbox shares: clock, store, server, limits, pages."""

from sandbox.core.app import STATE, make_app
from sandbox.core.clock import Clock, iso
from sandbox.core.consent import decide, problem_page, wrong_request
from sandbox.core.guards import LOOPBACK, Stopped
from sandbox.core.limits import Window, Windows
from sandbox.core.pages import add_avatars, add_elsewhere, drawn_avatar, moment
from sandbox.core.server import WIRE, make_sandbox_server
from sandbox.core.settings import BadSetting, Knobs, count, counts, seconds, truth
from sandbox.core.store import Store

__all__ = [
    "LOOPBACK",
    "STATE",
    "WIRE",
    "BadSetting",
    "Clock",
    "Knobs",
    "Stopped",
    "Store",
    "Window",
    "Windows",
    "add_avatars",
    "add_elsewhere",
    "count",
    "counts",
    "decide",
    "drawn_avatar",
    "iso",
    "make_app",
    "make_sandbox_server",
    "moment",
    "problem_page",
    "seconds",
    "truth",
    "wrong_request",
]
