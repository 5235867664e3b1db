"""Finds out who calls Facebook, and whether the app that holds the token is the one it went to."""

import hashlib
import hmac
from dataclasses import dataclass

from flask import Request

from sandbox.facebook import errors
from sandbox.facebook.query import Parameters, words
from sandbox.facebook.records import Page, Token
from sandbox.facebook.state import FacebookState

APP_ID = "100200300400500"
APP_SECRET = "sandbox-facebook-secret"
APP_NAME = "Tweet Later"
SCOPES = {
    "pages_show_list": "See the list of your Pages",
    "pages_manage_posts": "Publish posts and pictures on them",
    "pages_read_engagement": "Read what they published",
}


@dataclass(frozen=True)
class Caller:
    """Who calls: a person, or a Page."""

    token: Token
    handle: str

    def needs(self, scope: str, code: int) -> None:
        """Raise GraphError unless ``scope`` was granted."""
        if scope not in self.token.scopes:
            raise errors.permission(code, scope)

    def needs_person(self) -> None:
        """Raise GraphError unless a person calls."""
        if self.token.kind == "page":
            raise errors.GraphError(100, "(#100) This is for a person's token, not for a Page's.")


def identify(state: FacebookState, request: Request, parameters: Parameters) -> Caller:
    """The caller of ``request``. Call with the lock held. Raises GraphError."""
    value = token_in(request, parameters)
    if not value:
        raise errors.no_token()
    token = state.tokens.live(value)
    _check_proof(value, words(parameters, "appsecret_proof"), state.settings.require_proof)
    if token.page_id is not None:
        return Caller(token, state.page_by_id(token.page_id).handle)
    return Caller(token, state.person_by_id(token.person_id).handle)


def token_in(request: Request, parameters: Parameters) -> str:
    """The token, from the header or the parameters."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "oauth"):
        return value.strip()
    return words(parameters, "access_token")


def page_called(state: FacebookState, caller: Caller, page_id: str) -> Page:
    """The Page of an address, if it is the caller itself. Raises GraphError."""
    page = state.known_page(page_id)
    if page is None or page.id != page_id:
        raise errors.no_such_object(page_id)
    if caller.token.page_id != page.id:
        raise errors.not_the_page()
    return page


def check_app(parameters: Parameters) -> None:
    """Raise GraphError unless the app's own id and secret are right."""
    if words(parameters, "client_id") != APP_ID:
        raise errors.GraphError(101, "Error validating application.")
    if not hmac.compare_digest(words(parameters, "client_secret").encode(), APP_SECRET.encode()):
        raise errors.GraphError(1, "Error validating client secret.")


def proof_of(token: str) -> str:
    """The ``appsecret_proof`` of a token."""
    return hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


def _check_proof(token: str, proof: str, required: bool) -> None:
    if not proof and required:
        raise errors.invalid("API calls from the server require an appsecret_proof argument")
    if proof and not hmac.compare_digest(proof.encode(), proof_of(token).encode()):
        raise errors.invalid("Invalid appsecret_proof provided in the API argument")
