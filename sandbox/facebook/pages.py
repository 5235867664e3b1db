"""Pages for people: what was posted, so that links to posts lead somewhere."""

from flask import Blueprint, Response, abort, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import PAGE_LENGTH
from sandbox.core import add_avatars, add_elsewhere, moment
from sandbox.facebook.records import Page, Post
from sandbox.facebook.state import FacebookState


def make_pages(state: FacebookState) -> Blueprint:
    """The routes of Pages, posts, pictures and avatars."""
    routes = Blueprint("facebook_pages", __name__)
    routes.add_app_template_filter(moment, "moment")
    routes.add_app_template_filter(lambda post: state.page_by_id(post.page_id), "page")
    routes.add_app_template_filter(state.posts.photo, "photo")

    @routes.get("/<name>")
    def profile(name: str) -> AnyResponse | str:
        with state.lock:
            if "_" in name and (post := state.posts.find(name)):
                return _posts("A post", [post])
            page = _known(state, name)
            return _posts(page.name, state.posts.newest(PAGE_LENGTH, page))

    @routes.get("/<page_id>/posts/<post_id>")
    def post(page_id: str, post_id: str) -> str:
        with state.lock:
            found = state.posts.find(f"{page_id}_{post_id}")
            if found is None:
                abort(404)
            return _posts("A post", [found])

    @routes.get("/i/photo/<photo_id>")
    def photo(photo_id: str) -> Response:
        with state.lock:
            known, data = state.posts.photo(photo_id), state.posts.photo_data(photo_id)
        if known is None or data is None:
            abort(404)
        return Response(data, mimetype=known.mime)

    add_avatars(routes)
    add_elsewhere(routes)
    return routes


def _known(state: FacebookState, name: str) -> Page:
    page = state.known_page(name)
    if page is None:
        abort(404, description=f"There is no Page at {request.path}.")
    return page


def _posts(title: str, posts: list[Post]) -> str:
    return render_template("facebook_timeline.html", title=title, posts=posts, faults=[])
