"""X's liked Tweets and followed accounts (docs: X endpoints)."""

import hashlib
from typing import Any

from flask import Response, jsonify, request

from sandbox.control import Like
from sandbox.x import errors
from sandbox.x.calls import Caller
from sandbox.x.posts import past_tweet
from sandbox.x.query import page_token, read_list, render_person, render_tweet
from sandbox.x.records import Person
from sandbox.x.state import XState

ID_DIGITS = 10**18


def liked_tweets(state: XState, caller: Caller, person_id: str) -> Response:
    """``GET /2/users/:id/liked_tweets``: the latest first; likes are their owner's alone."""
    start, size = read_list(request.args, usual=100, least=5, most=100)
    with state.lock:
        person = _known(state, person_id)
        if person.id != caller.person.id:
            raise errors.plain(403)
        likes = state.interests.likes_of(person_id)
        part = [(like, past_tweet(_stable_id(like.handle), like)) for like in likes[start:][:size]]
        data = [render_tweet(state, tweet, request.args) for _, tweet in part]
        state.reads.count(person.handle, "likes", len(part))
        ids = [tweet.id for _, tweet in part]
        state.ledger.charge_reads("like", ids, caller.person, person_id)
    following_at = start + size if start + size < len(likes) else None
    if part and state.faults.loops("likes", caller.person.handle):
        following_at = start
    answer = _page(data, following_at)
    if part and "author_id" in request.args.get("expansions", "").split(","):
        answer["includes"] = {"users": _authors([like for like, _ in part])}
    return jsonify(answer)


def following(state: XState, caller: Caller, person_id: str) -> Response:
    """``GET /2/users/:id/following``: the latest first."""
    start, size = read_list(request.args, usual=100, least=1, most=1000)
    with state.lock:
        person = _known(state, person_id)
        follows = state.interests.follows_of(person_id)
        part = [_stranger(one.handle, one.name) for one in follows[start:][:size]]
        state.reads.count(person.handle, "follows", len(part))
        ids = [one.id for one in part]
        state.ledger.charge_reads("user", ids, caller.person, person_id)
    following_at = start + size if start + size < len(follows) else None
    if part and state.faults.loops("follows", caller.person.handle):
        following_at = start
    data = [render_person(one, request.args, request.host_url) for one in part]
    return jsonify(_page(data, following_at))


def _page(data: list[dict[str, Any]], following_at: int | None) -> dict[str, Any]:
    meta: dict[str, Any] = {"result_count": len(data)}
    if following_at is not None:
        meta["next_token"] = page_token("at", following_at)
    return ({"data": data} if data else {}) | {"meta": meta}


def _authors(likes: list[Like]) -> list[dict[str, Any]]:
    authors = {like.handle: _stranger(like.handle, like.name) for like in likes}
    return [render_person(one, request.args, request.host_url) for one in authors.values()]


def _known(state: XState, person_id: str) -> Person:
    person = state.person_by_id(person_id)
    if person is None:
        raise errors.no_person(person_id)
    return person


def _stranger(handle: str, name: str) -> Person:
    return Person(_stable_id(handle), handle, name, created_at=0)


def _stable_id(handle: str) -> str:
    """The id of an account, always the same, as a decimal string."""
    digest = hashlib.sha256(handle.encode()).digest()[:8]
    return str(ID_DIGITS + int.from_bytes(digest) % ID_DIGITS)
