"""What the consent pages of all networks do with the form that a person sent."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from flask import Response, make_response, render_template, request

Person = TypeVar("Person", covariant=True)


class Host(Protocol[Person]):
    """Who knows the people of a network."""

    def person(self, handle: str) -> Person:
        """Return the person of that handle. Raises ValueError for an impossible one."""


def decide(state: Host[Person], show: Callable[[str, str], Response]) -> Person | Response | None:
    """Return the person who approved, None for a refusal, or the page again.

    ``show`` makes the page again, with the handle and what was wrong.
    """
    decision = request.form.get("decision")
    if decision == "refuse":
        return None
    handle = request.form.get("handle", "").strip() or request.form.get("person", "")
    if decision != "approve":
        return show(handle, "Choose Approve or Refuse.")
    try:
        return state.person(handle)
    except ValueError as problem:
        return show(handle, str(problem))


def problem_page(title: str, detail: str, status: int = 400) -> Response:
    """A page that says in plain words what went wrong."""
    return make_response(render_template("problem.html", title=title, detail=detail), status)


def wrong_request(detail: str) -> Response:
    """A page that says what is wrong with the request of the app."""
    return problem_page("This sign-in request is not right", detail)
