"""Methods about a repository: creating, reading and deleting posts."""

from typing import Any

from flask import Response, jsonify, request

from sandbox.bluesky import errors
from sandbox.bluesky.calls import Method, read_json, text_in
from sandbox.bluesky.ids import COLLECTION, TID, new_tid
from sandbox.bluesky.records import Person, Post
from sandbox.bluesky.state import BlueskyState
from sandbox.bluesky.validation import check_post

PAGE_LENGTH = 50


def _create_record(state: BlueskyState, caller: Person | None) -> Response:
    assert caller is not None
    body = read_json()
    _check_owner(body, caller)
    rkey = body.get("rkey")
    if rkey is not None and (not isinstance(rkey, str) or not TID.fullmatch(rkey)):
        raise errors.invalid("Invalid record key: expected a TID")
    if "record" not in body:
        raise errors.invalid('Input must have the property "record"')
    check_post(body["record"])
    with state.lock:
        state.check_running()
        _check_reply(state, body["record"].get("reply"))
        post = state.posts.create(caller.did, rkey or new_tid(), body["record"])
    commit = {"cid": post.cid, "rev": new_tid()}
    return jsonify(uri=post.uri, cid=post.cid, commit=commit, validationStatus="valid")


def _check_owner(body: dict[str, Any], caller: Person) -> None:
    repo = text_in(body, "repo", "Input")
    if text_in(body, "collection", "Input") != COLLECTION:
        raise errors.invalid(f"Only {COLLECTION} is played here")
    if repo not in (caller.did, caller.handle):
        raise errors.plain(401)


def _check_reply(state: BlueskyState, reply: dict[str, Any] | None) -> None:
    for name, reference in (reply or {}).items():
        post = state.posts.find(reference["uri"])
        if post is None or post.cid != reference["cid"]:
            raise errors.invalid(f"Record/reply/{name} is no post of this sandbox")


def _delete_record(state: BlueskyState, caller: Person | None) -> Response:
    assert caller is not None
    body = read_json()
    _check_owner(body, caller)
    uri = f"at://{caller.did}/{COLLECTION}/{text_in(body, 'rkey', 'Input')}"
    with state.lock:
        if post := state.posts.find(uri):
            state.posts.delete(post)
    return jsonify({})


def _get_record(state: BlueskyState, _caller: Person | None) -> Response:
    rkey = text_in(request.args, "rkey", "Params")
    with state.lock:
        uri = f"at://{_owner(state).did}/{_collection()}/{rkey}"
        post = state.posts.find(uri)
    if post is None:
        raise errors.no_record(uri)
    return jsonify(_shown(post))


def _list_records(state: BlueskyState, _caller: Person | None) -> Response:
    limit = request.args.get("limit", str(PAGE_LENGTH))
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise errors.invalid("limit can not be greater than 100, or less than 1")
    _collection()
    with state.lock:
        posts = state.posts.posts_of(_owner(state).did)
    if request.args.get("reverse") == "true":
        posts = posts[::-1]
    keys = [post.rkey for post in posts]
    cursor = request.args.get("cursor")
    first = keys.index(cursor) + 1 if cursor in keys else 0
    page = posts[first : first + int(limit)]
    more = {"cursor": page[-1].rkey} if first + int(limit) < len(posts) else {}
    return jsonify({"records": [_shown(post) for post in page], **more})


def _owner(state: BlueskyState) -> Person:
    name = text_in(request.args, "repo", "Params")
    person = state.known_person(name)
    if person is None:
        raise errors.invalid(f"Could not find repo: {name}")
    return person


def _collection() -> str:
    return text_in(request.args, "collection", "Params")


def _shown(post: Post) -> dict[str, Any]:
    return {"uri": post.uri, "cid": post.cid, "value": post.record}


def _repo() -> Any:
    return request.args.get("repo")


METHODS = {
    "com.atproto.repo.createRecord": Method(
        "POST", "create", _create_record, "access", spends={"hour": 3, "day": 3}
    ),
    "com.atproto.repo.deleteRecord": Method(
        "POST", "delete", _delete_record, "access", spends={"hour": 1, "day": 1}
    ),
    "com.atproto.repo.getRecord": Method("GET", "timeline", _get_record, names=_repo),
    "com.atproto.repo.listRecords": Method("GET", "timeline", _list_records, names=_repo),
}
