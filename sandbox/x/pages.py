"""Pages for people: profiles, Tweets, and the question whether an app may act for them."""

from dataclasses import dataclass

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import PAGE_LENGTH
from sandbox.core import add_elsewhere, drawn_avatar, moment
from sandbox.x.records import Person, Tweet
from sandbox.x.state import INVENTED, XState
from sandbox.x.text import expand_links


@dataclass(frozen=True)
class Asked:
    """What the app asks for."""

    app: str
    wishes: list[str]
    screen_name: str = ""


def consent_page(asked: Asked, handle: str = "", error: str = "") -> Response:
    """The consent page; ``error`` tells what was wrong with ``handle``."""
    page = render_template(
        "x_consent.html",
        app=asked.app,
        wishes=asked.wishes,
        people=INVENTED,
        handle=handle or asked.screen_name,
        error=error,
    )
    return make_response(page, 422 if error else 200)


def make_pages(state: XState) -> Blueprint:
    """The routes of profiles, Tweets and avatars."""
    routes = Blueprint("x_pages", __name__)
    routes.add_app_template_filter(lambda t: expand_links(t.shown, t.urls), "readable")
    routes.add_app_template_filter(state.handle_of, "handle")
    routes.add_app_template_filter(moment, "moment")

    @routes.get("/<handle>")
    def profile(handle: str) -> str:
        with state.lock:
            person = _known(state, handle)
            tweets = state.posts.newest(PAGE_LENGTH, person.id)
        return render_template("profile.html", person=person, tweets=tweets)

    @routes.get("/<handle>/status/<tweet_id>")
    def tweet(handle: str, tweet_id: str) -> str | AnyResponse:
        with state.lock:
            found = _found(state, tweet_id)
            person = state.person_by_id(found.person_id)
        if person is None or person.handle.lower() != handle.lower():
            return redirect(url_for(".tweet_by_id", tweet_id=tweet_id))
        return render_template("tweet.html", person=person, tweet=found)

    @routes.get("/i/status/<tweet_id>")
    @routes.get("/i/web/status/<tweet_id>")
    def tweet_by_id(tweet_id: str) -> AnyResponse:
        with state.lock:
            handle = state.handle_of(_found(state, tweet_id).person_id)
        return redirect(url_for(".tweet", handle=handle, tweet_id=tweet_id))

    @routes.get("/i/avatar/<handle>.png")
    def avatar(handle: str) -> Response:
        return drawn_avatar(_known(state, handle).handle)

    add_elsewhere(routes)
    return routes


def _known(state: XState, handle: str) -> Person:
    person = state.known_person(handle)
    if person is None:
        abort(404)
    return person


def _found(state: XState, tweet_id: str) -> Tweet:
    tweet = state.posts.find(tweet_id)
    if tweet is None:
        abort(404)
    return tweet
