"""Pages for people: what was posted, so that links to posts lead somewhere."""

from flask import Blueprint, Response, abort, jsonify, render_template, request

from sandbox.bluesky.ids import COLLECTION, full_handle
from sandbox.bluesky.posts import card_of, images_of, quote_of
from sandbox.bluesky.records import Person, Post
from sandbox.bluesky.state import BlueskyState
from sandbox.control import PAGE_LENGTH
from sandbox.core import add_avatars, add_elsewhere, moment


def make_pages(state: BlueskyState) -> Blueprint:
    """The routes of profiles, posts, pictures and avatars."""
    routes = Blueprint("bluesky_pages", __name__)
    routes.add_app_template_filter(moment, "moment")
    routes.add_app_template_filter(lambda post: state.person_of(post.did), "person")
    routes.add_app_template_filter(lambda post: images_of(post.record), "images")
    routes.add_app_template_filter(lambda post: card_of(post.record), "card")
    routes.add_app_template_filter(lambda post: quote_of(post.record), "quote")
    routes.add_app_template_filter(segments, "segments")
    routes.add_app_template_filter(leads_to, "leads_to")

    @routes.get("/<name>")
    def document(name: str) -> str | Response:
        if not name.startswith("did:"):
            return profile(name)
        with state.lock:
            found = state.document_of(name, request.host_url)
        if found is None:
            abort(404, description=f"DID not registered: {name}")
        return jsonify(found)

    @routes.get("/profile/<name>")
    def profile(name: str) -> str:
        with state.lock:
            person = _known(state, name)
            return _posts(person.name, state.posts.newest(PAGE_LENGTH, person.did))

    @routes.get("/profile/<name>/post/<rkey>")
    def post(name: str, rkey: str) -> str:
        with state.lock:
            found = state.posts.find(f"at://{_known(state, name).did}/{COLLECTION}/{rkey}")
            if found is None:
                abort(404)
            return _posts("A post", [found])

    @routes.get("/i/blob/<cid>")
    def blob(cid: str) -> Response:
        with state.lock:
            found = state.posts.content(cid)
        if found is None or not found[1].startswith("image/"):
            abort(404)
        return Response(found[0], mimetype=found[1])

    add_avatars(routes)
    add_elsewhere(routes)
    return routes


def segments(post: Post) -> list[tuple[str, str]]:
    """A post's text in pieces, each with where it leads; empty for plain text."""
    text, done, pieces = post.record["text"].encode(), 0, []
    for facet in post.record.get("facets", []):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        pieces.append((text[done:start].decode(), ""))
        pieces.append((text[start:end].decode(), _address(facet["features"][0])))
        done = end
    return [*pieces, (text[done:].decode(), "")]


def _address(feature: dict[str, str]) -> str:
    if "did" in feature:
        return f"/profile/{feature['did']}"
    return leads_to(feature.get("uri", "#"))


def leads_to(uri: str) -> str:
    """An address that a browser may be sent to; "#" for any other."""
    return uri if uri.startswith(("https://", "http://")) else "#"


def _known(state: BlueskyState, name: str) -> Person:
    try:
        person = state.known_person(name if name.startswith("did:") else full_handle(name))
    except ValueError:
        person = None
    if person is None:
        abort(404, description=f"There is nobody at {request.path}.")
    return person


def _posts(title: str, posts: list[Post]) -> str:
    return render_template("bluesky_timeline.html", title=title, posts=posts, faults=[])
