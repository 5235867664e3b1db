"""The front page of a network: what was posted, and which faults are set."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, render_template

from sandbox.control.presets import describe
from sandbox.control.state import State

PAGE_LENGTH = 50


def make_front_page(
    state: State[Any], template: str, title: str, newest: Callable[[int], Sequence[object]]
) -> Blueprint:
    """Make the route of the front page, named as the shared page frame expects it."""
    routes = Blueprint("control", __name__)

    @routes.get("/")
    def page() -> str:
        with state.lock:
            return render_template(
                template,
                title=title,
                posts=newest(PAGE_LENGTH),
                faults=[describe(fault) for fault in state.faults.active()],
                calls=state.calls.by_operation.get("create", 0),
            )

    return routes
