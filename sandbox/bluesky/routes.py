"""Methods about a repository: creating, reading and deleting posts."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, jsonify, request

from sandbox.bluesky import errors
from sandbox.bluesky.calls import Method, read_json, text_in
from sandbox.bluesky.ids import (
    COLLECTION,
    FOLLOWS,
    LIKES,
    POSTGATE,
    THREADGATE,
    TID,
    cid_of_record,
    new_tid,
    tid_at,
)
from sandbox.bluesky.interests import follow_json, like_json
from sandbox.bluesky.posts import quote_of
from sandbox.bluesky.records import Person, Post
from sandbox.bluesky.state import BlueskyState
from sandbox.bluesky.validation import check_gate, check_post

CREATE = "com.atproto.repo.applyWrites#create"
PAGE_LENGTH = 50
READS = {"timeline": "posts", "likes": "likes", "follows": "follows"}


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
        _check_quote(state, body["record"])
        post = state.posts.create(caller.did, rkey or new_tid(), body["record"])
    commit = {"cid": post.cid, "rev": new_tid()}
    return jsonify(uri=post.uri, cid=post.cid, commit=commit, validationStatus="valid")


def _apply_writes(state: BlueskyState, caller: Person | None) -> Response:
    """Make a post and its gates: all of them or none."""
    assert caller is not None
    body = read_json()
    if text_in(body, "repo", "Input") not in (caller.did, caller.handle):
        raise errors.plain(401)
    post, gates = _post_with_gates(body.get("writes"), caller.did)
    with state.lock:
        state.check_running()
        _check_reply(state, post["value"].get("reply"))
        _check_quote(state, post["value"])
        made = state.posts.create(caller.did, post["rkey"], post["value"], gates)
    results = [
        {
            "$type": "com.atproto.repo.applyWrites#createResult",
            "uri": f"at://{caller.did}/{collection}/{made.rkey}",
            "cid": made.cid if collection == COLLECTION else cid_of_record(gates[collection]),
            "validationStatus": "valid",
        }
        for collection in (COLLECTION, *gates)
    ]
    return jsonify(commit={"cid": made.cid, "rev": new_tid()}, results=results)


def _post_with_gates(writes: Any, did: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    if not isinstance(writes, list) or not writes:
        raise errors.invalid('Input must have the property "writes"')
    post: dict[str, Any] | None = None
    gates: dict[str, dict[str, Any]] = {}
    for write in writes:
        if not isinstance(write, dict) or write.get("$type") != CREATE:
            raise errors.invalid("Only creates are played here")
        rkey, collection = write.get("rkey"), write.get("collection")
        value: Any = write.get("value")
        if not isinstance(rkey, str) or not TID.fullmatch(rkey):
            raise errors.invalid("Invalid record key: expected a TID")
        if collection == COLLECTION and post is None:
            check_post(value)
            post = write
        elif collection in (THREADGATE, POSTGATE) and post and rkey == post["rkey"]:
            check_gate(collection, value, f"at://{did}/{COLLECTION}/{rkey}")
            gates[collection] = value
        else:
            raise errors.invalid("Only a post and then its gates are played here")
    if post is None:
        raise errors.invalid("Only a post and then its gates are played here")
    return post, gates


def _check_quote(state: BlueskyState, record: dict[str, Any]) -> None:
    quote = quote_of(record)
    if quote is None:
        return
    post = state.posts.find(quote["uri"]) or state.strangers.posts.get(quote["uri"])
    if post is None or post.cid != quote["cid"]:
        raise errors.invalid("Record/embed/record is no post of this sandbox")


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
    collection = _collection()
    with state.lock:
        owner = f"at://{_owner(state).did}"
        post = state.posts.find(f"{owner}/{COLLECTION}/{rkey}")
    uri = f"{owner}/{collection}/{rkey}"
    if post is None or collection not in {COLLECTION, *post.gates}:
        raise errors.no_record(uri)
    if collection == COLLECTION:
        return jsonify(_shown(post))
    gate = post.gates[collection]
    return jsonify(uri=uri, cid=cid_of_record(gate), value=gate)


def _list_records(state: BlueskyState, _caller: Person | None) -> Response:
    limit = request.args.get("limit", str(PAGE_LENGTH))
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise errors.invalid("limit can not be greater than 100, or less than 1")
    collection, is_rising = _collection(), request.args.get("reverse") == "true"
    with state.lock:
        owner = _owner(state)
        records = _records(state, owner, collection)
    cursor = request.args.get("cursor")
    if is_rising:
        records = [one for one in records[::-1] if cursor is None or one[0] > cursor]
    else:
        records = [one for one in records if cursor is None or one[0] < cursor]
    page = records[: int(limit)]
    with state.lock:
        state.reads.count(owner.handle, READS[_listing()], len(page))
    return jsonify(
        {"records": [show() for _, show in page], **_next(state, owner, page, is_rising)}
    )


def _records(
    state: BlueskyState, owner: Person, collection: str
) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    """What a repository holds of a collection, newest key first, each with how it is shown."""
    if collection == COLLECTION:
        return [(post.rkey, partial(_shown, post)) for post in state.posts.posts_of(owner.did)]
    if collection == LIKES:
        likes = state.interests.likes_of(owner.did)
        return [(tid_at(like.liked_at), partial(like_json, owner, like)) for like in likes]
    if collection == FOLLOWS:
        follows = state.interests.follows_of(owner.did)
        return [(tid_at(one.followed_at), partial(follow_json, owner, one)) for one in follows]
    return []


def _next(
    state: BlueskyState, owner: Person, page: list[tuple[str, Any]], is_rising: bool
) -> dict[str, str]:
    """The cursor that leads on: after every page that holds something, as the real one does."""
    if not page:
        return {}
    if not state.faults.loops(_listing(), owner.handle):
        return {"cursor": page[-1][0]}
    # A key with something behind it comes after it, a key cut short before it.
    first = page[0][0]
    return {"cursor": first[:-1] if is_rising else f"{first}2"}


def _listing() -> str:
    """What the control panel calls a list of this collection."""
    return {LIKES: "likes", FOLLOWS: "follows"}.get(request.args.get("collection", ""), "timeline")


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
    "com.atproto.repo.applyWrites": Method(
        "POST", "create", _apply_writes, "access", spends={"hour": 3, "day": 3}
    ),
    "com.atproto.repo.deleteRecord": Method(
        "POST", "delete", _delete_record, "access", spends={"hour": 1, "day": 1}
    ),
    "com.atproto.repo.getRecord": Method("GET", "timeline", _get_record, names=_repo),
    "com.atproto.repo.listRecords": Method("GET", _listing, _list_records, names=_repo),
}
