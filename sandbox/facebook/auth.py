"""The dialog on which a person chooses Pages and permissions (docs: Facebook sign-in)."""

import re
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.facebook.calls import APP_ID, APP_NAME, SCOPES
from sandbox.facebook.state import ENDINGS, INVENTED, FacebookState

CALLBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::\d{1,5})?/login/facebook/callback")
KNOWN = {"client_id", "redirect_uri", "state", "response_type", "scope", "auth_type", "display"}
CHOICES = {ending.strip(".") or "main": ending for ending in ENDINGS}
SHARED = "shared"
DENIED = {
    "error": "access_denied",
    "error_code": "200",
    "error_description": "Permissions error",
    "error_reason": "user_denied",
}


def make_dialog(state: FacebookState, version: str) -> Blueprint:
    """The route of the dialog."""
    routes = Blueprint("facebook_dialog", __name__)

    @routes.route(f"/{version}/dialog/oauth", methods=["GET", "POST"])
    def dialog() -> AnyResponse:
        problem = _problem(request)
        if problem:
            page = render_template(
                "problem.html", title="This sign-in request is not right", detail=problem
            )
            return make_response(page, 400)
        return _show(state) if request.method == "GET" else _decide(state)

    return routes


def _problem(asked: Request) -> str:
    """What is wrong with the request, in a sentence; nothing when it is right."""
    query = asked.args
    if set(query) - KNOWN:
        return f"The parameter {min(set(query) - KNOWN)} is not known."
    if query.get("client_id") != APP_ID:
        return "The app's id is not known."
    if not CALLBACK.fullmatch(query.get("redirect_uri", "")):
        return "The address to return to is not registered."
    if query.get("response_type") != "code":
        return "response_type has to be code."
    if not query.get("state"):
        return "state is missing."
    unknown = set(query.get("scope", "").split(",")) - set(SCOPES)
    return f"Invalid scopes: {', '.join(sorted(unknown))}." if unknown else ""


def _show(state: FacebookState, handle: str = "", error: str = "") -> Response:
    asked = request.args["scope"].split(",")
    page = render_template(
        "facebook_consent.html",
        app=APP_NAME,
        wishes={scope: SCOPES[scope] for scope in asked},
        people=INVENTED,
        choices=CHOICES,
        shared=bool(state.settings.shared),
        handle=handle,
        error=error,
    )
    return make_response(page, 422 if error else 200)


def _decide(state: FacebookState) -> AnyResponse:
    decision = request.form.get("decision")
    if decision == "refuse":
        return _back(DENIED)
    handle = request.form.get("handle", "").strip() or request.form.get("person", "")
    if decision != "approve":
        return _show(state, handle, "Choose Approve or Refuse.")
    asked = request.args["scope"].split(",")
    granted, pages = asked, [*CHOICES, SHARED]
    if "ticked" in request.form:  # a browser sends nothing for a box that is not ticked
        granted = [scope for scope in asked if scope in request.form.getlist("permission")]
        pages = [choice for choice in pages if choice in request.form.getlist("page")]
    try:
        person = state.person(handle)
    except ValueError as problem:
        return _show(state, handle, str(problem))
    with state.lock:
        own = [choice for choice in pages if choice != SHARED]
        shown = [state.page(person.handle + CHOICES[choice]).id for choice in own]
        if SHARED in pages:
            shown += [page.id for page in state.pages_shared_with(person)]
        code = state.tokens.add_code(
            person_id=person.id,
            redirect_uri=request.args["redirect_uri"],
            scopes=granted,
            declined=[scope for scope in asked if scope not in granted],
            pages=shown,
        )
    return _back({"code": code.code})


def _back(query: dict[str, str]) -> AnyResponse:
    query = query | {"state": request.args["state"]}
    return redirect(f"{request.args['redirect_uri']}?{urlencode(query)}#_=_")
