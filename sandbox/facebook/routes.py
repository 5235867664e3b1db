"""The Graph API of the sandbox: tokens, who am I, Pages (docs: Facebook endpoints)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from sandbox.facebook import errors
from sandbox.facebook.calls import (
    APP_ID,
    APP_NAME,
    APP_SECRET,
    Caller,
    check_app,
    identify,
    token_in,
)
from sandbox.facebook.effects import play_after, play_before
from sandbox.facebook.query import (
    PAGING,
    Parameters,
    check_names,
    page_of,
    pick,
    read_parameters,
    tree_of,
    words,
)
from sandbox.facebook.records import Page
from sandbox.facebook.state import APP_REMOVED, FacebookState

TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE"]
PAGE_FIELDS = ("id", "name", "username", "picture", "link", "category", "access_token", "tasks")
PERSON_FIELDS = ("id", "name", "picture")
EXCHANGE = ("client_id", "client_secret", "redirect_uri", "code", "grant_type")

View = Callable[..., Response]


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
                code, g.usage_headers = state.usage.spend(operation, caller.token.page_id)
            if code is not None:
                raise errors.throttled(code)
            instead = play_before(state, operation, caller.handle)
            if instead is not None:
                return instead
            answer = view(state, caller, parameters, **where)
            return play_after(state, operation, caller.handle, answer)

        return guarded


def add_headers(answer: Response) -> Response:
    """Put on what Facebook tells of its allowances."""
    answer.headers.update(getattr(g, "usage_headers", {}))
    answer.headers["facebook-api-version"] = "v25.0"
    return answer


def make_graph(state: FacebookState, version: str) -> Blueprint:
    """The routes that are about people, Pages and their tokens."""
    routes = Blueprint("facebook_graph", __name__, url_prefix=f"/{version}")
    routes.after_request(add_headers)
    guard = Guard(state)
    for method, path, operation, view in (
        ("GET", "/me", "me", _me),
        ("GET", "/me/permissions", "lookup", _permissions),
        ("DELETE", "/me/permissions", "delete", _remove_app),
        ("GET", "/me/accounts", "lookup", _accounts),
    ):
        routes.add_url_rule(
            path, view.__name__.strip("_"), guard.around(view, operation), methods=[method]
        )
    routes.add_url_rule(
        "/oauth/access_token", "exchange", lambda: _exchange(state), methods=["GET", "POST"]
    )
    routes.add_url_rule("/debug_token", "debug_token", lambda: _debug_token(state))
    return routes


def _exchange(state: FacebookState) -> Response:
    parameters = read_parameters(request)
    is_long = words(parameters, "grant_type") == "fb_exchange_token"
    operation = "token" if is_long else "code"
    with state.lock:
        state.calls.count(operation)
    check_names(parameters, *EXCHANGE, "fb_exchange_token")
    check_app(parameters)
    instead = play_before(state, operation, None)
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
    return play_after(state, operation, None, answer)


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
    data: dict[str, Any] = {
        "app_id": APP_ID,
        "type": "PAGE" if token.kind == "page" else "USER",
        "application": APP_NAME,
        "expires_at": expires_at,
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


def _me(state: FacebookState, caller: Caller, parameters: Parameters) -> Response:
    check_names(parameters)
    with state.lock:
        if caller.token.page_id is not None:
            page = state.page_by_id(caller.token.page_id)
            tree = tree_of(words(parameters, "fields") or "id,name", PAGE_FIELDS[:6], "Page")
            return jsonify(pick(_page(page), tree))
        person = state.person_by_id(caller.token.person_id)
    tree = tree_of(words(parameters, "fields") or "id,name", PERSON_FIELDS, "User")
    known = {"id": person.id, "name": person.name, "picture": _picture(person.handle)}
    return jsonify(pick(known, tree))


def _permissions(state: FacebookState, caller: Caller, parameters: Parameters) -> Response:
    check_names(parameters, *PAGING)
    caller.needs_person()
    data = [{"permission": scope, "status": "granted"} for scope in caller.token.scopes]
    data += [{"permission": scope, "status": "declined"} for scope in caller.token.declined]
    return jsonify(data=data)


def _remove_app(state: FacebookState, caller: Caller, parameters: Parameters) -> Response:
    check_names(parameters)
    caller.needs_person()
    with state.lock:
        state.tokens.end_all_of(caller.token.person_id, APP_REMOVED)
    return jsonify(success=True)


def _accounts(state: FacebookState, caller: Caller, parameters: Parameters) -> Response:
    check_names(parameters, *PAGING)
    caller.needs_person()
    caller.needs("pages_show_list", 200)
    fields = words(parameters, "fields") or "id,name,access_token,tasks"
    tree = tree_of(fields, PAGE_FIELDS, "Page")
    with state.lock:
        shown = [state.page_by_id(page_id) for page_id in caller.token.pages]
        part, paging = page_of(shown, parameters, state.settings.accounts_per_page)
        data = [pick(_page(page) | _keys(state, caller, page), tree) for page in part]
    return jsonify({"data": data} | with_next(paging, caller, "me/accounts", parameters))


def with_next(
    paging: dict[str, Any], caller: Caller, path: str, parameters: Parameters
) -> dict[str, Any]:
    """``paging`` with a ``next`` that, as Facebook's does, carries the token in its query."""
    if "next" in paging:
        after = paging["cursors"]["after"]
        fields = words(parameters, "fields")
        query = f"access_token={caller.token.value}&fields={fields}&after={after}"
        paging["next"] = f"{request.host_url}v25.0/{path}?{query}"
    return {"paging": paging} if paging else {}


def _keys(state: FacebookState, caller: Caller, page: Page) -> dict[str, Any]:
    token = state.tokens.of_page(caller.token, page)
    return {
        "access_token": token.value,
        "tasks": TASKS if state.may_publish(page) else ["ANALYZE"],
    }


def _page(page: Page) -> dict[str, Any]:
    return {
        "id": page.id,
        "name": page.name,
        "username": page.handle,
        "picture": _picture(page.handle),
        "link": f"{request.host_url}{page.handle}",
        "category": "Community",
    }


def _picture(handle: str) -> dict[str, Any]:
    url = f"{request.host_url}i/avatar/{handle}.png"
    return {"data": {"height": 50, "is_silhouette": False, "url": url, "width": 50}}
