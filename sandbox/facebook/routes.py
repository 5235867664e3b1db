"""The Graph API of the sandbox: who am I, Pages, posts (docs: Facebook endpoints)."""

from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.facebook import errors
from sandbox.facebook.calls import Caller, Guard, add_headers, page_called, writable_page
from sandbox.facebook.interests import friends, likes
from sandbox.facebook.media import upload
from sandbox.facebook.query import (
    PAGING,
    Parameters,
    check_names,
    loop,
    moment,
    page_of,
    pick,
    tree_of,
    words,
)
from sandbox.facebook.records import Page, Post
from sandbox.facebook.render import page_json, picture_json, post_json
from sandbox.facebook.state import APP_REMOVED, FacebookState
from sandbox.facebook.validation import read_post

TASKS = ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MANAGE", "MESSAGING", "MODERATE"]
PAGE_FIELDS = ("id", "name", "username", "picture", "link", "category", "access_token", "tasks")
KEPT = ("limit", "since", "until")
PERSON_FIELDS = ("id", "name", "picture")
POST_FIELDS = (
    *("id", "message", "created_time", "permalink_url", "is_published", "attachments"),
    *("full_picture", "from", "updated_time", "shares", "likes", "reactions", "comments"),
)


def make_graph(state: FacebookState, version: str) -> Blueprint:
    """The routes of people, Pages and posts, each behind its token check, limits and faults."""
    routes = Blueprint("facebook_graph", __name__, url_prefix=f"/{version}")
    routes.after_request(add_headers)
    guard = Guard(state)
    for method, path, operation, view in (
        ("GET", "/me", "me", _me),
        ("GET", "/me/permissions", "lookup", _permissions),
        ("DELETE", "/me/permissions", "delete", _remove_app),
        ("GET", "/me/accounts", "lookup", _accounts),
        ("POST", "/<page_id>/feed", "create", _feed),
        ("POST", "/<page_id>/photos", "upload", upload),
        ("GET", "/<page_id>/published_posts", "timeline", _posts),
        ("GET", "/<page_id>/posts", "timeline", _posts),
        ("GET", "/<page_id>/feed", "timeline", _ranked),
        ("GET", "/<post_id>", "lookup", _post),
        ("GET", "/<int:page_id>/likes", "likes", likes),
        ("GET", "/<int:page_id>/friends", "follows", friends),
    ):
        routes.add_url_rule(
            path, f"{method} {path}", guard.around(view, operation), methods=[method]
        )
    return routes


def _me(state: FacebookState, caller: Caller, parameters: Parameters) -> Response:
    check_names(parameters)
    with state.lock:
        if caller.token.page_id is not None:
            page = state.page_by_id(caller.token.page_id)
            tree = tree_of(words(parameters, "fields") or "id,name", PAGE_FIELDS[:6], "Page")
            return jsonify(pick(page_json(page), tree))
        person = state.person_by_id(caller.token.person_id)
    tree = tree_of(words(parameters, "fields") or "id,name", PERSON_FIELDS, "User")
    known = {"id": person.id, "name": person.name, "picture": picture_json(person.handle)}
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
        data = [pick(page_json(page) | _keys(state, caller, page), tree) for page in part]
    return jsonify({"data": data} | with_next(paging, caller, "me/accounts", parameters))


def with_next(
    paging: dict[str, Any], caller: Caller, path: str, parameters: Parameters
) -> dict[str, Any]:
    """``paging`` with a ``next`` that, as Facebook's does, carries the token in its query."""
    if "next" in paging:
        after = paging["cursors"]["after"]
        fields = words(parameters, "fields")
        kept = "".join(f"&{name}={parameters[name]}" for name in KEPT if name in parameters)
        query = f"access_token={caller.token.value}&fields={fields}{kept}&after={after}"
        paging["next"] = f"{request.host_url}v25.0/{path}?{query}"
    return {"paging": paging} if paging else {}


def _keys(state: FacebookState, caller: Caller, page: Page) -> dict[str, Any]:
    token = state.tokens.of_page(caller.token, page)
    return {
        "access_token": token.value,
        "tasks": TASKS if state.may_publish(page) else ["ANALYZE"],
    }


def _feed(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    check_names(parameters, "message", "link", "published", "attached_media")
    tree = tree_of(words(parameters, "fields") or "id", POST_FIELDS, "Post")
    with state.lock:
        page = writable_page(state, caller, page_id)
        draft = read_post(parameters)
        state.check_running()
        post = state.posts.publish(page, draft.message, draft.link, draft.photos)
        return jsonify(pick(post_json(state, post), tree))


def _post(state: FacebookState, caller: Caller, parameters: Parameters, post_id: str) -> Response:
    check_names(parameters)
    tree = tree_of(words(parameters, "fields") or "id,message,created_time", POST_FIELDS, "Post")
    with state.lock:
        post = state.posts.visible(post_id)
        if post is None or caller.token.page_id != post.page_id:
            raise errors.no_such_object(post_id)
        caller.needs("pages_read_engagement", 10)
        return jsonify(pick(post_json(state, post), tree))


def _posts(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    check_names(parameters, *PAGING)
    return _listed(state, caller, parameters, page_id, state.posts.shown)


def _ranked(state: FacebookState, caller: Caller, parameters: Parameters, page_id: str) -> Response:
    check_names(parameters, *PAGING, "since", "until")
    since, until = moment(parameters, "since"), moment(parameters, "until")

    def chosen(page: Page) -> Iterator[Post]:
        for post in state.posts.ranked(page):
            if (since is None or post.created_at >= since) and (
                until is None or post.created_at <= until
            ):
                yield post

    return _listed(state, caller, parameters, page_id, chosen)


def _listed(
    state: FacebookState,
    caller: Caller,
    parameters: Parameters,
    page_id: str,
    posts_of: Callable[[Page], Iterator[Post]],
) -> Response:
    """A part of the posts of a Page."""
    tree = tree_of(words(parameters, "fields") or "id,message,created_time", POST_FIELDS, "Post")
    with state.lock:
        page = page_called(state, caller, page_id)
        caller.needs("pages_read_engagement", 10)
        part, paging = page_of(list(posts_of(page)), parameters)
        data = [pick(post_json(state, post), tree) for post in part]
        state.reads.count(page.handle, "posts", len(part))
    if part and state.faults.loops("timeline", caller.handle):
        paging = loop(paging)
    path = f"{page_id}/{request.path.rpartition('/')[2]}"
    return jsonify({"data": data} | with_next(paging, caller, path, parameters))
