"""X's OAuth 1.0a in three steps, with a consent page (docs: X sign-in)."""

from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request

from sandbox.core import consent
from sandbox.x.records import Person, RequestToken
from sandbox.x.signatures import OUT_OF_BAND, Signatures
from sandbox.x.state import XState

WISHES = {
    "read": ["See its timeline and Tweets"],
    "read-write": ["See its timeline and Tweets", "Post and delete Tweets"],
}


def make_oauth1(state: XState, signatures: Signatures) -> Blueprint:
    """The routes of X's OAuth 1.0a."""
    routes = Blueprint("x_oauth1", __name__)

    @routes.post("/oauth/request_token")
    def request_token() -> Response:
        return signatures.request_token(request)

    @routes.post("/oauth/access_token")
    def access_token() -> Response:
        return signatures.access_token(request)

    # X signs in silently at the second address; the sandbox has no sessions, so both ask.
    @routes.route("/oauth/authorize", methods=["GET", "POST"])
    @routes.route("/oauth/authenticate", methods=["GET", "POST"])
    def authorize() -> Response:
        return _authorize(state)

    @routes.post("/1.1/oauth/invalidate_token.json")
    def invalidate_token() -> Response:
        token = signatures.verified_token(request)
        with state.lock:
            state.signed_tokens.end(token)
        return jsonify(access_token=token.token)

    return routes


def _authorize(state: XState) -> Response:
    with state.lock:
        token = state.signed_tokens.request(request.args.get("oauth_token"))
    if token is None or token.verifier is not None:
        return consent.problem_page(
            "This sign-in request is not right", "Its request token is unknown or was used."
        )
    wishes = WISHES[token.access_level]
    asked = consent.Asked("Tweet Later", wishes, request.args.get("screen_name", ""))
    if request.method == "GET":
        return consent.show(asked)
    decision = consent.decide(state, asked, request)
    if isinstance(decision, Response):
        return decision
    return _refused(state, token) if decision is None else _approved(state, token, decision)


def _refused(state: XState, token: RequestToken) -> Response:
    with state.lock:
        state.signed_tokens.spend_request(token.token)
    if token.callback == OUT_OF_BAND:
        return consent.problem_page("You refused", "Nothing was connected.", 200)
    return _back(token, {"denied": token.token})


def _approved(state: XState, token: RequestToken, person: Person) -> Response:
    pin = token.callback == OUT_OF_BAND
    with state.lock:
        verifier = state.signed_tokens.approve(token, person.id, pin)
    if pin:
        return consent.problem_page("Your PIN", verifier, 200)
    return _back(token, {"oauth_token": token.token, "oauth_verifier": verifier})


def _back(token: RequestToken, query: dict[str, str]) -> Response:
    return Response("", 302, {"Location": f"{token.callback}?{urlencode(query)}"})
