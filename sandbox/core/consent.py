"""The page on which a person says who they are and whether an app may act for them."""

from dataclasses import dataclass

from flask import Request, Response, make_response, render_template

from sandbox.x.records import Person
from sandbox.x.state import INVENTED, XState


@dataclass(frozen=True)
class Asked:
    """What the app asks for."""

    app: str
    wishes: list[str]
    screen_name: str = ""


def show(asked: Asked, handle: str = "", error: str = "") -> Response:
    """The consent page; ``error`` tells what was wrong with ``handle``."""
    status = 422 if error else 200
    page = render_template(
        "consent.html",
        asked=asked,
        people=INVENTED,
        handle=handle or asked.screen_name,
        error=error,
    )
    return make_response(page, status)


def decide(state: XState, asked: Asked, request: Request) -> Person | Response | None:
    """The person who approved, None for a refusal, or the page again when no one can be read."""
    decision = request.form.get("decision")
    if decision == "refuse":
        return None
    handle = request.form.get("handle", "").strip() or request.form.get("person", "")
    if decision != "approve":
        return show(asked, handle, "Choose Approve or Refuse.")
    try:
        return state.person(handle)
    except ValueError as problem:
        return show(asked, handle, str(problem))


def problem_page(title: str, detail: str, status: int = 400) -> Response:
    """A page that says in plain words what went wrong."""
    page = render_template("problem.html", title=title, detail=detail)
    return make_response(page, status)
