"""X's OAuth 1.0a: signatures, and a sign-in in three steps (docs: X sign-in)."""

import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Request, Response, jsonify, request
from oauthlib.common import generate_token
from oauthlib.oauth1 import (
    AccessTokenEndpoint,
    RequestTokenEndpoint,
    RequestValidator,
    ResourceEndpoint,
)
from oauthlib.oauth1.rfc5849.errors import InvalidRequestError

from sandbox.core import decide, problem_page, wrong_request
from sandbox.x import errors
from sandbox.x.pages import Asked, consent_page
from sandbox.x.records import Person, RequestToken, SignedToken
from sandbox.x.state import XState
from sandbox.x.tokens import CONSUMERS, TIMESTAMP_TOLERANCE, is_registered

NOBODY = "nobody"
OUT_OF_BAND = "oob"
MAX_LENGTH = 256  # of anything a caller names
CALLBACK_REFUSED = "Callback URL not approved for this client application."
NOT_AUTHENTICATED = "Could not authenticate you."
WISHES = {
    "read": ["See its timeline and Tweets"],
    "read-write": ["See its timeline and Tweets", "Post and delete Tweets"],
}


def new_secret() -> str:
    """A random token or token secret, of letters and digits."""
    secret: str = generate_token(length=40)
    return secret


class SignatureRules(RequestValidator):
    """What oauthlib has to know to verify a signature: secrets, nonces, tokens."""

    enforce_ssl = False
    allowed_signature_methods = ("HMAC-SHA1",)
    timestamp_lifetime = TIMESTAMP_TOLERANCE
    dummy_client = dummy_request_token = dummy_access_token = NOBODY

    def __init__(self, state: XState, consumers: Mapping[str, str]) -> None:
        super().__init__()
        self._state = state
        self._consumers = consumers

    def check_client_key(self, client_key: str) -> bool:
        """Any key may be looked up."""
        return len(client_key) <= MAX_LENGTH

    def check_request_token(self, request_token: str) -> bool:
        """Any token may be looked up."""
        return len(request_token) <= MAX_LENGTH

    def check_access_token(self, request_token: str) -> bool:
        """Any token may be looked up."""
        return len(request_token) <= MAX_LENGTH

    def check_nonce(self, nonce: str) -> bool:
        """Any nonce will do while it is new."""
        return len(nonce) <= MAX_LENGTH

    def check_verifier(self, verifier: str) -> bool:
        """Any verifier may be compared."""
        return len(verifier) <= MAX_LENGTH

    def check_realms(self, realms: list[str]) -> bool:
        """X knows no realms."""
        return True

    def get_default_realms(self, client_key: str, request: Any) -> list[str]:
        """X knows no realms."""
        return []

    def validate_requested_realms(self, client_key: str, realms: Any, request: Any) -> bool:
        """X knows no realms."""
        return True

    def validate_realms(
        self, client_key: str, token: str, request: Any, uri: Any = None, realms: Any = None
    ) -> bool:
        """X knows no realms."""
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        """Whether the consumer is registered."""
        return client_key in self._consumers

    def get_client_secret(self, client_key: str, request: Any) -> str:
        """The consumer's half of the signing key."""
        return self._consumers.get(client_key, NOBODY)

    def get_request_token_secret(self, client_key: str, token: str, request: Any) -> str:
        """The other half while a person is being asked."""
        known = self._request_token(client_key, token)
        return known.secret if known else NOBODY

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        """The other half once a person approved."""
        known = self._state.signed_tokens.find(token)
        return known.secret if known else NOBODY

    def validate_timestamp_and_nonce(
        self,
        client_key: str,
        timestamp: str,
        nonce: str,
        request: Any,
        request_token: str | None = None,
        access_token: str | None = None,
    ) -> bool:
        """Whether the nonce is new; oauthlib has checked the timestamp already."""
        token = request_token or access_token
        with self._state.lock:
            return self._state.signed_tokens.use_nonce(client_key, token, timestamp, nonce)

    def validate_redirect_uri(self, client_key: str, redirect_uri: str, request: Any) -> bool:
        """Whether the callback is registered. Raises XError when it is not."""
        if redirect_uri == OUT_OF_BAND or is_registered(redirect_uri):
            return True
        raise errors.legacy(403, 415, CALLBACK_REFUSED)

    def validate_request_token(self, client_key: str, token: str, request: Any) -> bool:
        """Whether the temporary token is known."""
        return self._request_token(client_key, token) is not None

    def validate_verifier(self, client_key: str, token: str, verifier: str, request: Any) -> bool:
        """Whether the verifier is the one a person's consent produced."""
        known = self._request_token(client_key, token)
        expected = known.verifier if known else None
        return expected is not None and hmac.compare_digest(expected.encode(), verifier.encode())

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        """Whether the access token is live and this consumer's."""
        known = self._state.signed_tokens.find(token)
        return known is not None and not known.ended and known.consumer_key == client_key

    def save_request_token(self, token: Any, request: Any) -> None:
        """Remember temporary credentials."""
        wanted = dict(request.params).get("x_auth_access_type")
        level = "read" if wanted == "read" else "read-write"
        with self._state.lock:
            self._state.signed_tokens.add_request(
                RequestToken(
                    token=token["oauth_token"],
                    secret=token["oauth_token_secret"],
                    consumer_key=request.client_key,
                    callback=request.redirect_uri,
                    access_level=level,
                )
            )

    def invalidate_request_token(self, client_key: str, request_token: str, request: Any) -> None:
        """Nothing to do: exchanging the token spent it."""

    def _request_token(self, client_key: str, token: str) -> RequestToken | None:
        known = self._state.signed_tokens.request(token)
        return known if known is not None and known.consumer_key == client_key else None


class ExchangeEndpoint(AccessTokenEndpoint):
    """Turns an approved request token into an access token, once."""

    def __init__(self, state: XState, rules: SignatureRules) -> None:
        super().__init__(rules)
        self._state = state

    def create_access_token(self, request: Any, credentials: Any) -> str:
        """The form-encoded answer. Raises InvalidRequestError when another call was faster."""
        with self._state.lock:
            books = self._state.signed_tokens
            approved = books.spend_request(request.resource_owner_key)
            person = self._state.person_by_id(approved.person_id or "") if approved else None
            if approved is None or person is None:
                raise InvalidRequestError(description="This request token is spent.")
            token = books.add(
                SignedToken(
                    token=f"{person.id}-{new_secret()}",
                    secret=new_secret(),
                    consumer_key=approved.consumer_key,
                    person_id=person.id,
                    access_level=approved.access_level,
                )
            )
        return urlencode(
            {
                "oauth_token": token.token,
                "oauth_token_secret": token.secret,
                "user_id": person.id,
                "screen_name": person.handle,
            }
        )


class Signatures:
    """Verifies signed requests and runs the three steps of the sign-in."""

    def __init__(self, state: XState, consumers: Mapping[str, str] = CONSUMERS) -> None:
        rules = SignatureRules(state, consumers)
        self._state = state
        self._resources = ResourceEndpoint(rules)
        self._asking = RequestTokenEndpoint(rules)
        self._exchange = ExchangeEndpoint(state, rules)

    def verified_token(self, call: Request) -> SignedToken:
        """The token that signed ``call``. Raises XError (401)."""
        return self.verify(*_signed_parts(call))

    def verify(self, uri: str, method: str, body: str, headers: dict[str, str]) -> SignedToken:
        """The token that signed these parts of a request. Raises XError (401)."""
        try:
            valid, signed = self._resources.validate_protected_resource_request(
                uri, method, body, headers
            )
        except ValueError as error:
            raise errors.plain(401) from error
        token = (
            self._state.signed_tokens.find(signed.oauth_params["oauth_token"]) if valid else None
        )
        if token is not None:
            return token
        if signed is not None and signed.validator_log.get("resource_owner") is False:
            raise errors.expired_token()
        raise errors.plain(401)

    def request_token(self, call: Request) -> Response:
        """Step 1: temporary credentials."""
        return _form_answer(self._asking.create_request_token_response(*_signed_parts(call)))

    def access_token(self, call: Request) -> Response:
        """Step 4: the access token."""
        return _form_answer(self._exchange.create_access_token_response(*_signed_parts(call)))


def _signed_parts(call: Request) -> tuple[str, str, str, dict[str, str]]:
    # The address has to be the one that was signed, letter by letter, hence the raw one.
    uri = call.host_url.rstrip("/") + call.environ["RAW_URI"]
    return uri, call.method, call.get_data(as_text=True), dict(call.headers)


def _form_answer(parts: tuple[dict[str, str], str | None, int]) -> Response:
    headers, body, status = parts
    if status != 200:
        raise errors.legacy(401, 32, NOT_AUTHENTICATED)
    return Response(body, status, headers)


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
        return wrong_request("Its request token is unknown or was used.")
    wishes = WISHES[token.access_level]
    asked = Asked("Tweet Later", wishes, request.args.get("screen_name", ""))
    if request.method == "GET":
        return consent_page(asked)
    decision = decide(state, lambda handle, error: consent_page(asked, handle, error))
    if isinstance(decision, Response):
        return decision
    return _refused(state, token) if decision is None else _approved(state, token, decision)


def _refused(state: XState, token: RequestToken) -> Response:
    with state.lock:
        state.signed_tokens.spend_request(token.token)
    if token.callback == OUT_OF_BAND:
        return problem_page("You refused", "Nothing was connected.", 200)
    return _back(token, {"denied": token.token})


def _approved(state: XState, token: RequestToken, person: Person) -> Response:
    pin = token.callback == OUT_OF_BAND
    with state.lock:
        verifier = state.signed_tokens.approve(token, person.id, pin)
    if pin:
        return problem_page("Your PIN", verifier, 200)
    return _back(token, {"oauth_token": token.token, "oauth_verifier": verifier})


def _back(token: RequestToken, query: dict[str, str]) -> Response:
    return Response("", 302, {"Location": f"{token.callback}?{urlencode(query)}"})
