"""Mastodon's API: who am I, posts, and a person's list of them (docs: Mastodon endpoints)."""

from collections.abc import Iterator
from itertools import islice

from flask import Blueprint, Response, jsonify, request

from sandbox.mastodon.calls import Call, Caller, add_call, add_headers, fields
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.interests import favourites, following
from sandbox.mastodon.paging import add_links, number_in, page_size
from sandbox.mastodon.records import Status
from sandbox.mastodon.render import account_json, kept_of, status_json
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.validation import read_status

OPEN = ("public", "unlisted")
MAX_PAGE = 40
FOLLOWS = "read:follows read:accounts"


def make_api(state: MastodonState) -> Blueprint:
    """The routes of people and posts."""
    routes = Blueprint("mastodon_api", __name__, url_prefix="/api/v1")
    routes.after_request(add_headers)
    one = "/statuses/<status_id>"
    for call, view in (
        (Call("GET", "/accounts/verify_credentials", "me", "read:accounts"), _me),
        (Call("GET", "/accounts/<account_id>/statuses", "timeline", "read:statuses"), _list),
        (Call("GET", "/accounts/<account_id>/following", "follows", FOLLOWS), following),
        (Call("GET", "/favourites", "likes", "read:favourites"), favourites),
        (Call("POST", "/statuses", "create", "write:statuses"), _create),
        (Call("GET", one, "lookup", "read:statuses"), _status),
        (Call("GET", f"{one}/source", "lookup", "read:statuses"), _source),
        (Call("DELETE", one, "delete", "write:statuses"), _delete),
    ):
        add_call(routes, state, call, view)
    return routes


def _me(state: MastodonState, caller: Caller) -> Response:
    source = {"privacy": state.settings.privacy, "sensitive": False, "language": "en", "note": ""}
    return jsonify(account_json(caller.person) | {"source": source})


def _create(state: MastodonState, caller: Caller) -> Response:
    key = request.headers.get("Idempotency-Key", "")
    carried = fields()
    with state.lock:
        state.check_running()
        status = state.posts.replayed(caller.person.id, key) if key else None
        if status is None:
            draft = read_status(state, caller.person, carried)
            status = state.posts.publish(caller.person.id, caller.token.client_id, draft, key)
        return jsonify(status_json(state, status, caller.person))


def _status(state: MastodonState, caller: Caller, status_id: str) -> Response:
    with state.lock:
        return jsonify(status_json(state, _visible(state, caller, status_id), caller.person))


def _source(state: MastodonState, caller: Caller, status_id: str) -> Response:
    with state.lock:
        status = _found(state, status_id)
        if status.person_id != caller.person.id or not state.settings.source:
            raise MastodonError(404, "not_found")
        text = kept_of(state, status.text)
        return jsonify(id=status.id, text=text, spoiler_text=status.spoiler)


def _delete(state: MastodonState, caller: Caller, status_id: str) -> Response:
    with state.lock:
        status = _found(state, status_id)
        if status.person_id != caller.person.id:
            raise MastodonError(404, "not_found")
        state.posts.delete(status)
        return jsonify(status_json(state, status, caller.person) | {"text": status.text})


def _list(state: MastodonState, caller: Caller, account_id: str) -> Response:
    limit = page_size(20, MAX_PAGE)
    with state.lock:
        person = state.person_by_id(account_id)
        if person is None:
            raise MastodonError(404, "not_found")
        found = (
            one
            for one in _between(state, account_id)
            if _may_see(caller, one) and _is_asked_for(one)
        )
        page = list(islice(found, limit))
        if "min_id" in request.args:
            page.reverse()
        state.reads.count(person.handle, "posts", len(page))
        answer = jsonify([status_json(state, one, caller.person) for one in page])
    loops = bool(page) and state.faults.loops("timeline", caller.person.handle)
    add_links(answer, [int(one.id) for one in page], limit, loops)
    return answer


def _between(state: MastodonState, account_id: str) -> Iterator[Status]:
    query = request.args
    return state.posts.shown(
        account_id,
        above=max(number_in("since_id"), number_in("min_id")),
        below=number_in("max_id") if "max_id" in query else None,
        rising="min_id" in query,
    )


def _is_asked_for(status: Status) -> bool:
    query = request.args
    if query.get("exclude_replies") == "true" and status.in_reply_to:
        return False
    return query.get("pinned") != "true"


def _may_see(caller: Caller, status: Status) -> bool:
    """Nobody here follows anybody, so what is not open is its author's alone."""
    return status.visibility in OPEN or status.person_id == caller.person.id


def _visible(state: MastodonState, caller: Caller, status_id: str) -> Status:
    status = _found(state, status_id)
    if not _may_see(caller, status):
        raise MastodonError(404, "not_found")
    return status


def _found(state: MastodonState, status_id: str) -> Status:
    status = state.posts.live(status_id)
    if status is None:
        raise MastodonError(404, "not_found")
    return status
