"""The dialog for Pages and permissions, and the tokens that follow (docs: Facebook sign-in)."""

import hmac
import re
from typing import Any
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Request,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox.core import decide, wrong_request
from sandbox.facebook import errors
from sandbox.facebook.calls import add_headers, token_in
from sandbox.facebook.effects import FAULTS
from sandbox.facebook.query import Parameters, check_names, read_parameters, words
from sandbox.facebook.state import ENDINGS, INVENTED, FacebookState
from sandbox.facebook.tokens import APP_ID, APP_NAME, APP_SECRET, SCOPES

EXCHANGE = ("client_id", "client_secret", "redirect_uri", "code", "grant_type")
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
            return wrong_request(problem)
        return _show(state) if request.method == "GET" else _decide(state)

    return routes


def make_tokens(state: FacebookState, version: str) -> Blueprint:
    """The routes that give a token for a code, exchange it, and tell what it is."""
    routes = Blueprint("facebook_tokens", __name__, url_prefix=f"/{version}")
    routes.after_request(add_headers)
    routes.add_url_rule(
        "/oauth/access_token", "exchange", lambda: _exchange(state), methods=["GET", "POST"]
    )
    routes.add_url_rule("/debug_token", "debug_token", lambda: _debug_token(state))
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
    person = decide(state, lambda handle, error: _show(state, handle, error))
    if isinstance(person, Response):
        return person
    if person is None:
        return _back(DENIED)
    asked = request.args["scope"].split(",")
    granted, pages = asked, [*CHOICES, SHARED]
    if "ticked" in request.form:  # a browser sends nothing for a box that is not ticked
        granted = [scope for scope in asked if scope in request.form.getlist("permission")]
        pages = [choice for choice in pages if choice in request.form.getlist("page")]
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


def _check_app(parameters: Parameters) -> None:
    """Raise GraphError unless the app's own id and secret are right."""
    if words(parameters, "client_id") != APP_ID:
        raise errors.GraphError(101, "Error validating application.")
    if not hmac.compare_digest(words(parameters, "client_secret").encode(), APP_SECRET.encode()):
        raise errors.GraphError(1, "Error validating client secret.")


def _exchange(state: FacebookState) -> Response:
    parameters = read_parameters(request)
    is_long = words(parameters, "grant_type") == "fb_exchange_token"
    operation = "token" if is_long else "code"
    with state.lock:
        state.calls.count(operation)
    check_names(parameters, *EXCHANGE, "fb_exchange_token")
    _check_app(parameters)
    instead = FAULTS.before(state, operation, None)
    if instead is not None:
        return instead
    with state.lock:
        state.check_running()
        if is_long:
            token = state.tokens.add_long(state.tokens.live(words(parameters, "fb_exchange_token")))
        else:
            code, address = words(parameters, "code"), words(parameters, "redirect_uri")
            token = state.tokens.add_short(state.tokens.spend_code(code, address))
    lifetime = round(token.expires_at - token.issued_at)
    answer = jsonify(access_token=token.value, token_type="bearer", expires_in=lifetime)
    return FAULTS.after(state, operation, None, answer)


def _debug_token(state: FacebookState) -> Response:
    parameters = read_parameters(request)
    check_names(parameters, "input_token")
    if token_in(request, parameters) != f"{APP_ID}|{APP_SECRET}":
        raise errors.GraphError(190, "Invalid OAuth access token signature.")
    with state.lock:
        token = state.tokens.find(words(parameters, "input_token"))
        if token is None:
            raise errors.invalid("The access token could not be decrypted")
        ended = state.tokens.end_of(token)
        expires_at = int(state.clock.to_real(token.expires_at)) if token.expires_at else 0
        reach_ends = token.issued_at + state.settings.data_access_seconds
    data: dict[str, Any] = {
        "app_id": APP_ID,
        "type": "PAGE" if token.kind == "page" else "USER",
        "application": APP_NAME,
        "expires_at": expires_at,
        "data_access_expires_at": int(state.clock.to_real(reach_ends)),
        "is_valid": ended is None,
        "issued_at": int(state.clock.to_real(token.issued_at)),
        "scopes": token.scopes,
        "user_id": token.person_id,
    }
    if token.page_id is not None:
        data["profile_id"] = token.page_id
    if ended is not None:
        error = errors.dead_token(ended).body["error"]
        data["error"] = {"code": 190, "message": error["message"], "subcode": ended}
    return jsonify(data=data)
