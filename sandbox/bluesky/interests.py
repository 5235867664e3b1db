"""Records of likes and follows, and the posts and people that they lead to."""

from typing import Any

from flask import Response, jsonify, request

from sandbox.bluesky import errors
from sandbox.bluesky.calls import Method, text_in
from sandbox.bluesky.ids import FOLLOWS, LIKES, POSTGATE, cid_of_record, tid_at
from sandbox.bluesky.posts import IMAGES, images_of
from sandbox.bluesky.records import Person, Post
from sandbox.bluesky.state import BlueskyState
from sandbox.bluesky.strangers import liked_post, stranger_did
from sandbox.control import Follow, Like
from sandbox.core import iso

MOST = 25


def like_json(owner: Person, like: Like) -> dict[str, Any]:
    """A like, as it lies in its owner's repository."""
    post = liked_post(like)
    value = {"$type": LIKES, "subject": {"uri": post.uri, "cid": post.cid}}
    return _record(owner, LIKES, like.liked_at, value)


def follow_json(owner: Person, follow: Follow) -> dict[str, Any]:
    """A follow, as it lies in its owner's repository."""
    value = {"$type": FOLLOWS, "subject": stranger_did(follow.handle)}
    return _record(owner, FOLLOWS, follow.followed_at, value)


def _record(owner: Person, collection: str, moment: float, value: dict[str, Any]) -> dict[str, Any]:
    value = {**value, "createdAt": iso(moment)}
    uri = f"at://{owner.did}/{collection}/{tid_at(moment)}"
    return {"uri": uri, "cid": cid_of_record(value), "value": value}


def _get_posts(state: BlueskyState, caller: Person | None) -> Response:
    assert caller is not None
    uris = _listed("uris")
    with state.lock:
        found = [state.posts.find(uri) or state.strangers.posts.get(uri) for uri in uris]
        posts = [post for post in found if post is not None]
        return jsonify(posts=[_post_json(state, post) | _viewed(post, caller) for post in posts])


def _get_profiles(state: BlueskyState, _caller: Person | None) -> Response:
    actors = _listed("actors")
    with state.lock:
        found = [state.somebody(actor) for actor in actors]
    return jsonify(profiles=[profile_json(person) for person in found if person is not None])


def _get_profile(state: BlueskyState, _caller: Person | None) -> Response:
    person = state.somebody(text_in(request.args, "actor", "Params"))
    if person is None:
        raise errors.invalid("Profile not found")
    return jsonify(profile_json(person))


def profile_json(person: Person) -> dict[str, Any]:
    """A person, as others see them."""
    return {
        "did": person.did,
        "handle": person.handle,
        "displayName": person.name,
        "avatar": f"{request.host_url}i/avatar/{person.handle}.png",
        "labels": [],
    }


def _post_json(state: BlueskyState, post: Post) -> dict[str, Any]:
    author = state.somebody(post.did)
    shown: dict[str, Any] = {
        "uri": post.uri,
        "cid": post.cid,
        "author": profile_json(author) if author else {"did": post.did, "handle": "handle.invalid"},
        "record": post.record,
        "replyCount": post.replies,
        "repostCount": post.reposts,
        "likeCount": post.likes,
        "quoteCount": 0,
        "indexedAt": iso(post.created_at),
        "labels": [],
    }
    if images := images_of(post.record):
        shown["embed"] = {"$type": f"{IMAGES}#view", "images": [_image(one) for one in images]}
    return shown


def _viewed(post: Post, reader: Person) -> dict[str, Any]:
    """Whether its author lets this reader quote it."""
    is_closed = POSTGATE in post.gates and post.did != reader.did
    return {"viewer": {"embeddingDisabled": True} if is_closed else {}}


def _image(image: dict[str, Any]) -> dict[str, str]:
    url = f"{request.host_url}i/blob/{image['image']['ref']['$link']}"
    return {"thumb": url, "fullsize": url, "alt": image["alt"]}


def _listed(name: str) -> list[str]:
    values = request.args.getlist(name)
    if not values:
        raise errors.invalid(f'Error: Params must have the property "{name}"')
    if len(values) > MOST:
        raise errors.invalid(f"Error: {name} must not have more than {MOST} elements")
    return values


METHODS = {
    "app.bsky.feed.getPosts": Method("GET", "lookup", _get_posts, "access"),
    "app.bsky.actor.getProfiles": Method("GET", "lookup", _get_profiles, "access"),
    "app.bsky.actor.getProfile": Method("GET", "profile", _get_profile, "access"),
}
