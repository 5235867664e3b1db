"""X's OAuth 2.0: authorization code with PKCE, refreshing, revoking (docs: X sign-in)."""

import os
from collections.abc import Callable
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
    grants,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Blueprint, Response, jsonify, request

from sandbox.core import decide, wrong_request
from sandbox.x.calls import add_headers
from sandbox.x.effects import FAULTS
from sandbox.x.pages import Asked, consent_page
from sandbox.x.records import Code, Pair, Person
from sandbox.x.state import XState
from sandbox.x.tokens import CLIENTS, SCOPES, Client

BAD_CODE = "Value passed for the authorization code was invalid."
BAD_TOKEN = "Value passed for the token was invalid."
BAD_VERIFIER = "Value passed for the code verifier did not match the code challenge."
NO_BASIC = "Missing valid authorization header"
AUTH_METHODS = ["client_secret_basic", "none"]
FORM = "application/x-www-form-urlencoded"


class XServer(AuthorizationServer):
    """Authlib's server over the state's token book."""

    def __init__(self, state: XState) -> None:
        super().__init__(query_client=CLIENTS.get, save_token=lambda token, request: None)
        self.state = state
        self.scopes_supported = list(SCOPES)

    def issue(
        self, client_id: str, person: Person, scope: str, family: str | None = None
    ) -> dict[str, Any]:
        """A new token answer for ``person``."""
        with self.state.lock:
            self.state.check_running()
            pair = self.state.tokens.add_pair(client_id, person.id, scope, family)
            lifetime = int(self.state.settings.access_token_seconds)
        token: dict[str, Any] = {
            "token_type": "bearer",
            "expires_in": lifetime,
            "access_token": pair.access_token,
            "scope": scope,
        }
        return token | ({"refresh_token": pair.refresh_token} if pair.refresh_token else {})


def _authenticated(find_client: Callable[[], Any]) -> Client:
    try:
        client: Client = find_client()
    except InvalidClientError as error:
        raise UnauthorizedClientError(description=NO_BASIC, status_code=401) from error
    return client


class CodeGrant(grants.AuthorizationCodeGrant):
    """Codes that live 30 seconds and can be shown once."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: XServer
    request: Any

    def authenticate_token_endpoint_client(self) -> Client:
        """The calling app. Raises UnauthorizedClientError."""
        return _authenticated(super().authenticate_token_endpoint_client)

    def save_authorization_code(self, code: str, request: Any) -> Code:
        """Remember a code with what it was asked for."""
        asked = request.payload.data
        with self.server.state.lock:
            return self.server.state.tokens.add_code(
                code=code,
                client_id=request.client.client_id,
                person_id=request.user.id,
                redirect_uri=request.payload.redirect_uri,
                scope=request.scope,
                code_challenge=asked["code_challenge"],
                code_challenge_method=asked.get("code_challenge_method"),
            )

    def query_authorization_code(self, code: str, client: Any) -> Code:
        """Spend the code. Raises InvalidRequestError."""
        shown_uri = self.request.payload.redirect_uri
        with self.server.state.lock:
            known = self.server.state.tokens.spend_code(code, client.client_id, shown_uri)
        if known is None:
            raise InvalidRequestError(BAD_CODE)
        return known

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to do: asking for the code spent it."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        """Who approved."""
        return self.server.state.person_by_id(authorization_code.person_id)

    def generate_token(
        self,
        user: Any = None,
        scope: Any = None,
        grant_type: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        """The pair to answer with."""
        return self.server.issue(self.request.client.client_id, user, scope)


class RefreshGrant(grants.RefreshTokenGrant):
    """Refresh tokens that work once."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    server: XServer
    request: Any

    def authenticate_token_endpoint_client(self) -> Client:
        """The calling app. Raises UnauthorizedClientError."""
        return _authenticated(super().authenticate_token_endpoint_client)

    def authenticate_refresh_token(self, refresh_token: str) -> Any:
        """Spend the refresh token. Raises InvalidRequestError."""
        client_id = self.request.client.client_id
        with self.server.state.lock:
            self.server.state.check_running()
            pair = self.server.state.tokens.spend_refresh(refresh_token, client_id)
        if pair is None:
            raise InvalidRequestError(BAD_TOKEN)
        return pair

    def authenticate_user(self, refresh_token: Pair) -> Person | None:
        """Whose token it is."""
        return self.server.state.person_by_id(refresh_token.person_id)

    def issue_token(self, user: Person, refresh_token: Any) -> dict[str, Any]:
        """The next pair of the same family."""
        client_id = refresh_token.client_id
        return self.server.issue(client_id, user, refresh_token.scope, refresh_token.family)

    def revoke_old_credential(self, refresh_token: Any) -> None:
        """Nothing to do: showing the token spent it."""


class RequiredCodeChallenge(CodeChallenge):
    """PKCE, from every kind of app."""

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        """Raises InvalidRequestError when the challenge is missing or malformed."""
        if not grant.request.payload.data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        super().validate_code_challenge(grant, redirect_uri)

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        """Raises InvalidRequestError when the verifier does not belong to the challenge."""
        try:
            super().validate_code_verifier(grant, result)
        except InvalidGrantError as error:
            raise InvalidRequestError(BAD_VERIFIER) from error


class Revoking(RevocationEndpoint):
    """Revokes the pair that a token belongs to."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: XServer

    def authenticate_endpoint_client(self, request: Any) -> Client:
        """The calling app. Raises UnauthorizedClientError."""
        find_client: Callable[[Any], Any] = super().authenticate_endpoint_client
        return _authenticated(lambda: find_client(request))

    def query_token(self, token_string: str, token_type_hint: str | None) -> Pair | None:
        """The pair of an access or refresh token."""
        with self.server.state.lock:
            return self.server.state.tokens.by_either(token_string)

    def revoke_token(self, token: Pair, request: Any) -> None:
        """End both of its tokens."""
        with self.server.state.lock:
            self.server.state.tokens.end(token)


def make_oauth2(state: XState) -> Blueprint:
    """The routes of X's OAuth 2.0."""
    # Authlib refuses plain http otherwise; this program speaks nothing else, and only on loopback.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    server: Any = XServer(state)
    server.register_grant(CodeGrant, [RequiredCodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(Revoking)
    routes = Blueprint("x_oauth2", __name__)
    routes.after_request(add_headers)
    routes.add_url_rule(
        "/i/oauth2/authorize",
        view_func=lambda: _authorize(state, server),
        endpoint="authorize",
        methods=["GET", "POST"],
    )
    routes.add_url_rule(
        "/2/oauth2/token",
        view_func=lambda: _token(state, server),
        endpoint="token",
        methods=["POST"],
    )
    routes.add_url_rule(
        "/2/oauth2/revoke",
        view_func=lambda: server.create_endpoint_response(Revoking.ENDPOINT_NAME),
        endpoint="revoke",
        methods=["POST"],
    )
    return routes


def _authorize(state: XState, server: Any) -> Response:
    try:
        grant = server.get_consent_grant()
    except OAuth2Error as error:
        detail = str(error.get_error_description() or error.error)
        return wrong_request(detail)
    scopes = grant.request.scope.split()
    asked = Asked(grant.request.client.name, [SCOPES[scope] for scope in scopes])
    if request.method == "GET":
        return consent_page(asked)
    decision = decide(state, lambda handle, error: consent_page(asked, handle, error))
    if isinstance(decision, Response):
        return decision
    answer: Response = server.create_authorization_response(grant_user=decision, grant=grant)
    return answer


def _token(state: XState, server: Any) -> Response:
    if request.mimetype != FORM:
        return _refusal("invalid_request", f"Content-Type must be {FORM}")
    refresh_token = request.form.get("refresh_token", "")
    refreshing = request.form.get("grant_type") == "refresh_token"
    operation = "token" if refreshing else "code"
    with state.lock:
        state.calls.count(operation)
        pair = state.tokens.by_either(refresh_token)
    handle = state.handle_of(pair.person_id) if pair else None
    instead = FAULTS.before(state, operation, handle)
    if instead is not None:
        return instead
    answer: Response = server.create_token_response()
    return FAULTS.after(state, operation, handle, answer) if answer.status_code == 200 else answer


def _refusal(error: str, description: str) -> Response:
    answer = jsonify(error=error, error_description=description)
    answer.status_code = 400
    return answer
