"""What every call of Facebook passes: who calls and may, rate limits, faults, headers."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

from flask import Request, Response, g, request

from sandbox.facebook import errors
from sandbox.facebook.effects import FAULTS
from sandbox.facebook.query import Parameters, read_parameters, words
from sandbox.facebook.records import Page, Token
from sandbox.facebook.state import FacebookState
from sandbox.facebook.tokens import proof_of

View = Callable[..., Response]


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


def writable_page(state: FacebookState, caller: Caller, page_id: str) -> Page:
    """The Page of an address, if the caller may publish on it. Raises GraphError."""
    page = page_called(state, caller, page_id)
    caller.needs("pages_manage_posts", 200)
    if not state.may_publish(page):
        raise errors.permission(200, "CREATE_CONTENT")
    return page


class Guard:
    """What every call passes before and after its view."""

    def __init__(self, state: FacebookState) -> None:
        self._state = state

    def around(self, view: View, operation: str) -> View:
        """``view`` with token, allowance and faults around it."""
        state = self._state

        @wraps(view)
        def guarded(**where: str) -> Response:
            with state.lock:
                state.calls.count(operation)
                parameters = read_parameters(request)
                caller = identify(state, request, parameters)
                g.page_id = caller.token.page_id
                code, g.usage_headers = state.limits.spend(operation, caller.token.page_id)
            if code is not None:
                raise errors.throttled(code)
            instead = FAULTS.before(state, operation, caller.handle)
            if instead is not None:
                return instead
            answer = view(state, caller, parameters, **where)
            return FAULTS.after(state, operation, caller.handle, answer)

        return guarded


def add_headers(answer: Response) -> Response:
    """Put on what Facebook tells of its allowances."""
    answer.headers.update(getattr(g, "usage_headers", {}))
    answer.headers["facebook-api-version"] = "v25.0"
    return answer


def _check_proof(token: str, proof: str, required: bool) -> None:
    if not proof and required:
        raise errors.invalid("API calls from the server require an appsecret_proof argument")
    if proof and not hmac.compare_digest(proof.encode(), proof_of(token).encode()):
        raise errors.invalid("Invalid appsecret_proof provided in the API argument")
