"""Mastodon's API: who am I, posts, and a person's list of them (docs: Mastodon endpoints)."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.mastodon.calls import Call, Caller, add_call, add_headers, fields, words
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.posts import Draft
from sandbox.mastodon.records import Person, Status
from sandbox.mastodon.render import account_json, kept_of, status_json
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.text import length

VISIBILITIES = ("public", "unlisted", "private", "direct")
NOT_PLAYED = ("poll", "scheduled_at", "quoted_status_id")
MAX_PAGE = 40


def make_api(state: MastodonState) -> Blueprint:
    """The routes of people and posts."""
    routes = Blueprint("mastodon_api", __name__, url_prefix="/api/v1")
    routes.after_request(add_headers)
    one = "/statuses/<status_id>"
    for call, view in (
        (Call("GET", "/accounts/verify_credentials", "me", "read:accounts"), _me),
        (Call("GET", "/accounts/<account_id>/statuses", "timeline", "read:statuses"), _list),
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
            draft = _checked(state, caller.person, carried)
            status = state.posts.publish(caller.person.id, caller.token.client_id, draft, key)
        return jsonify(status_json(state, status, caller.person))


def _checked(state: MastodonState, person: Person, carried: dict[str, Any]) -> Draft:
    for name in NOT_PLAYED:
        if carried.get(name):
            raise MastodonError(422, "unsupported", name=name)
    media_ids = carried.get("media_ids") or []
    if not isinstance(media_ids, list):
        raise MastodonError(422, "bad_value", name="media_ids")
    text, spoiler = words(carried, "status").strip(), words(carried, "spoiler_text")
    if not text and not media_ids:
        raise MastodonError(422, "blank")
    if length(text) + length(spoiler) > state.settings.characters:
        raise MastodonError(422, "too_long", limit=state.settings.characters)
    visibility = words(carried, "visibility") or state.settings.privacy
    if visibility not in VISIBILITIES:
        raise MastodonError(422, "bad_value", name="Visibility")
    answered = carried.get("in_reply_to_id")
    if answered is not None and _shown(state, str(answered)) is None:
        raise MastodonError(500 if state.settings.stumbles_without_parent else 404, "not_found")
    state.posts.check_media(person.id, [str(one) for one in media_ids])
    return Draft(
        text=text,
        media=[str(one) for one in media_ids],
        in_reply_to=None if answered is None else str(answered),
        visibility=visibility,
        spoiler=spoiler,
        language=words(carried, "language") or "en",
    )


def _status(state: MastodonState, caller: Caller, status_id: str) -> Response:
    with state.lock:
        return jsonify(status_json(state, _found(state, status_id), caller.person))


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
    limit = min(MAX_PAGE, max(1, _number("limit", 20)))
    with state.lock:
        if state.person_by_id(account_id) is None:
            raise MastodonError(404, "not_found")
        found = [one for one in state.posts.shown(account_id) if _is_asked_for(one)]
        page = found[-limit:] if "min_id" in request.args else found[:limit]
        answer = jsonify([status_json(state, one, caller.person) for one in page])
    if page:
        answer.headers["Link"] = ", ".join(_links(page, limit, has_next=len(page) == limit))
    return answer


def _is_asked_for(status: Status) -> bool:
    query, number = request.args, int(status.id)
    if query.get("exclude_replies") == "true" and status.in_reply_to:
        return False
    if query.get("pinned") == "true":
        return False
    return (
        ("max_id" not in query or number < _number("max_id"))
        and ("since_id" not in query or number > _number("since_id"))
        and ("min_id" not in query or number > _number("min_id"))
    )


def _links(page: list[Status], limit: int, has_next: bool) -> list[str]:
    url = f"{request.base_url}?limit={limit}"
    links = [f'<{url}&min_id={page[0].id}>; rel="prev"']
    return ([f'<{url}&max_id={page[-1].id}>; rel="next"'] if has_next else []) + links


def _number(name: str, usual: int = 0) -> int:
    told = request.args.get(name, "")
    return int(told) if told.isdecimal() else usual


def _found(state: MastodonState, status_id: str) -> Status:
    status = _shown(state, status_id)
    if status is None:
        raise MastodonError(404, "not_found")
    return status


def _shown(state: MastodonState, status_id: str) -> Status | None:
    status = state.posts.find(status_id)
    return status if status is not None and not status.deleted else None
