"""X's API v2: who am I, create, timeline, lookup, delete (docs: X endpoints)."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.x import errors
from sandbox.x.calls import Caller, Guard, View, add_headers
from sandbox.x.interests import following, liked_tweets
from sandbox.x.media import append, describe, finalize, initialize, status, upload
from sandbox.x.oauth1 import Signatures
from sandbox.x.posts import Draft, Duplicate, mentions
from sandbox.x.prices import CREATE, CREATE_WITH_LINK
from sandbox.x.query import (
    ID,
    SELECTORS,
    check_names,
    page_token,
    read_timeline,
    render_person,
    render_tweet,
)
from sandbox.x.records import Tweet
from sandbox.x.state import XState
from sandbox.x.validation import read_create

READ = ("tweet.read", "users.read")
MEDIA = ("media.write",)
LIKES = (*READ, "like.read")
FOLLOWS = (*READ, "follows.read")
WRITE = ("tweet.read", "tweet.write", "users.read")


def make_api(state: XState, signatures: Signatures) -> Blueprint:
    """The routes of the API, each behind its token check, rate limit and faults."""
    routes = Blueprint("x_api", __name__)
    guard = Guard(state, signatures)
    rules: list[tuple[str, str, str, tuple[str, ...], View]] = [
        ("GET", "/2/users/me", "me", READ, _me),
        ("POST", "/2/tweets", "create", WRITE, _create),
        ("POST", "/2/media/upload", "upload", MEDIA, upload),
        ("POST", "/2/media/upload/initialize", "upload", MEDIA, initialize),
        ("POST", "/2/media/upload/<media_id>/append", "upload", MEDIA, append),
        ("POST", "/2/media/upload/<media_id>/finalize", "upload", MEDIA, finalize),
        ("GET", "/2/media/upload", "upload", MEDIA, status),
        ("POST", "/2/media/metadata", "describe", MEDIA, describe),
        ("GET", "/2/tweets", "lookup", READ, _lookup_many),
        ("GET", "/2/tweets/<tweet_id>", "lookup", READ, _lookup),
        ("DELETE", "/2/tweets/<tweet_id>", "delete", WRITE, _delete),
        ("GET", "/2/users/<person_id>/tweets", "timeline", READ, _timeline),
        ("GET", "/2/users/<person_id>/liked_tweets", "likes", LIKES, liked_tweets),
        ("GET", "/2/users/<person_id>/following", "follows", FOLLOWS, following),
    ]
    for method, path, operation, scopes, view in rules:
        routes.add_url_rule(
            path,
            endpoint=view.__name__.strip("_"),
            view_func=guard.around(view, operation, scopes),
            methods=[method],
        )
    routes.after_request(add_headers)
    return routes


def _me(state: XState, caller: Caller) -> Response:
    check_names(request.args, SELECTORS)
    with state.lock:
        state.ledger.charge_reads("user", [caller.person.id], caller.person, caller.person.id)
    return jsonify(data=render_person(caller.person, request.args, request.host_url))


def _create(state: XState, caller: Caller) -> Response:
    text, in_reply_to, media_ids, rest = read_create(request.get_data(), request.mimetype)
    draft = Draft.of(text, in_reply_to, caller.client, rest)
    with state.lock:
        state.check_running()
        _check_reply(state, caller, in_reply_to)
        pictures = state.media.take(media_ids, caller.person.id)
        try:
            tweet = state.posts.accept(caller.person, draft.with_pictures(pictures))
        except Duplicate as error:
            raise errors.duplicate() from error
        state.ledger.charge(CREATE_WITH_LINK if draft.urls else CREATE)
    data = {"id": tweet.id, "text": tweet.shown, "edit_history_tweet_ids": [tweet.id]}
    answer = jsonify(data=data)
    answer.status_code = 201
    return answer


def _check_reply(state: XState, caller: Caller, in_reply_to: str | None) -> None:
    if in_reply_to is None:
        return
    parent = state.posts.find(in_reply_to)
    if parent is None:
        raise errors.missing(in_reply_to, "reply.in_reply_to_tweet_id")
    if parent.person_id != caller.person.id and not mentions(parent, caller.person.handle):
        raise errors.reply_not_allowed()


def _timeline(state: XState, caller: Caller, person_id: str) -> Response:
    query = read_timeline(request.args)
    with state.lock:
        person = state.person_by_id(person_id)
        if person is None:
            raise errors.no_person(person_id)
        page: list[Tweet] = []
        more = False
        for tweet in state.posts.timeline(person_id, query.before_id):
            if int(tweet.id) <= query.since_id or tweet.created_at < query.start:
                break
            if query.wants(tweet):
                more = len(page) == query.max_results
                if more:
                    break
                page.append(tweet)
        data = [render_tweet(state, tweet, request.args) for tweet in page]
        state.reads.count(person.handle, "posts", len(page))
        ids = [tweet.id for tweet in page]
        state.ledger.charge_reads("post", ids, caller.person, person_id)
    before = int(page[-1].id) if more else None
    if page and state.faults.loops("timeline", caller.person.handle):
        before = int(page[0].id) + 1
    return jsonify(_page(data, page, before))


def _page(data: list[dict[str, Any]], page: list[Tweet], before: int | None) -> dict[str, Any]:
    if not page:
        return {"meta": {"result_count": 0}}
    meta: dict[str, Any] = {
        "result_count": len(page),
        "newest_id": page[0].id,
        "oldest_id": page[-1].id,
    }
    if before is not None:
        meta["next_token"] = page_token("before", before)
    return {"data": data, "meta": meta}


def _lookup(state: XState, caller: Caller, tweet_id: str) -> Response:
    check_names(request.args, SELECTORS)
    with state.lock:
        tweet = state.posts.visible(_checked_id(tweet_id, "id"))
        if tweet is None:
            raise errors.missing(tweet_id, "id")
        state.ledger.charge_reads("post", [tweet.id], caller.person, tweet.person_id)
        return jsonify(data=render_tweet(state, tweet, request.args))


def _lookup_many(state: XState, caller: Caller) -> Response:
    check_names(request.args, ("ids", *SELECTORS))
    ids = request.args.get("ids", "").split(",")
    if len(ids) > 100:
        raise errors.invalid("The `ids` query parameter takes at most 100 ids", "ids", len(ids))
    found, missing = [], []
    with state.lock:
        for tweet_id in ids:
            tweet = state.posts.visible(_checked_id(tweet_id, "ids"))
            if tweet is None:
                missing.append(_without_status(errors.missing(tweet_id, "ids").body))
            else:
                found.append(render_tweet(state, tweet, request.args))
                state.ledger.charge_reads("post", [tweet.id], caller.person, tweet.person_id)
    answer: dict[str, Any] = {"data": found} if found else {}
    return jsonify(answer | ({"errors": missing} if missing else {}))


def _delete(state: XState, caller: Caller, tweet_id: str) -> Response:
    with state.lock:
        tweet = state.posts.find(_checked_id(tweet_id, "id"))
        if tweet is None:
            raise errors.missing(tweet_id, "id")
        if tweet.person_id != caller.person.id:
            raise errors.plain(403, "You are not authorized to delete this Tweet.")
        state.check_running()
        state.posts.delete(tweet)
    return jsonify(data={"deleted": True})


def _checked_id(tweet_id: str, parameter: str) -> str:
    if not ID.fullmatch(tweet_id):
        message = f"The `{parameter}` value [{tweet_id}] does not match ^[0-9]{{1,19}}$"
        raise errors.invalid(message, parameter, tweet_id)
    return tweet_id


def _without_status(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "status"}
