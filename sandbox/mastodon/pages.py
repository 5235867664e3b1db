"""Pages for people: what was posted, so that links to posts lead somewhere."""

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import PAGE_LENGTH
from sandbox.core import add_avatars, add_elsewhere, moment
from sandbox.mastodon.records import Person, Status
from sandbox.mastodon.state import MastodonState


def make_pages(state: MastodonState) -> Blueprint:
    """The routes of profiles, posts, pictures and avatars."""
    routes = Blueprint("mastodon_pages", __name__)
    routes.add_app_template_filter(moment, "moment")
    routes.add_app_template_filter(state.author, "person")
    routes.add_app_template_filter(state.posts.media, "media")

    @routes.get("/@<handle>")
    def profile(handle: str) -> str:
        with state.lock:
            person = _known(state, handle)
            return _posts(person.name, state.posts.newest(PAGE_LENGTH, person.id))

    @routes.get("/@<handle>/<status_id>")
    def post(handle: str, status_id: str) -> AnyResponse | str:
        with state.lock:
            person, found = _known(state, handle), state.posts.find(status_id)
            if found is None or found.deleted or found.person_id != person.id:
                abort(404)
            return _posts("A post", [found])

    @routes.get("/i/media/<media_id>")
    def media(media_id: str) -> Response:
        with state.lock:
            known, data = state.posts.media(media_id), state.posts.media_data(media_id)
        if known is None or data is None:
            abort(404)
        return Response(data, mimetype=known.mime)

    add_avatars(routes)
    add_elsewhere(routes)
    return routes


def _known(state: MastodonState, handle: str) -> Person:
    person = state.known_person(handle)
    if person is None:
        abort(404, description=f"There is nobody at {request.path}.")
    return person


def _posts(title: str, posts: list[Status]) -> str:
    return render_template("mastodon_timeline.html", title=title, posts=posts, faults=[])
