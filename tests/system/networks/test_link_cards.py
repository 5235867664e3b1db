"""Cards of links, from the row to the network: once, in time, and stored with what is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.db import db
from app.models import Attempt
from app.states import State
from tests.conftest import MakeWorld
from tests.support.pages import Page, WebSite, document, web_site
from tests.support.threads import take_picture, write_thread
from tests.support.waiting import wait_for
from tests.support.world import World

SECRET = "a title that no log may have"


@pytest.fixture
def site() -> Iterator[WebSite]:
    """A site that posts link to."""
    with web_site() as site:
        site.pages["/a"] = document(f"<title>{SECRET}</title>")
        site.pages["/b"] = document("<meta property=og:title content=B>")
        yield site


def titles(world: World) -> list[str | None]:
    """Return the title of each post's card, None for a post without."""
    posts = world.sandbox.on("bluesky").accepted()
    return [post["card"] and post["card"]["title"] for post in posts]


def test_each_part_of_a_thread_has_its_card(small_world: World, site: WebSite) -> None:
    """Of its own first link, unless it has a picture; each page is asked for once."""
    world = small_world
    ana = world.user("ana", "bluesky")
    world.start_worker()
    texts = [f"One {site.url}/a", "Two", f"Three {site.url}/b", f"Four {site.url}/c"]
    picture = take_picture(world, ana, "a dog")
    job = write_thread(world, ana, [*texts, f"Five {site.url}/a"], {4: [picture]}, "bluesky")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert titles(world) == [SECRET, None, "B", None, None]
    assert site.asked == ["/a", "/b", "/c"]
    assert SECRET not in world.log()
    assert site.url not in world.log()


def test_a_post_with_a_card_whose_answer_is_lost(world: World, site: WebSite) -> None:
    """It is found by its key; the page has changed meanwhile, and nobody asked it again."""
    ana = world.user("ana", "bluesky")
    world.sandbox.on("bluesky").fault("accept_then_drop")
    world.start_worker()
    job = world.tweet_later(ana, f"Look {site.url}/a")
    wait_for(lambda: site.asked, what="the page to be read")
    site.pages["/a"] = document("<title>Changed</title>")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert titles(world) == [SECRET]
    assert (site.asked, world.sandbox.on("bluesky").calls("create")) == (["/a"], 1)


def test_a_resend_is_the_very_same_record(small_world: World, site: WebSite) -> None:
    """Lost before it arrived: what goes out again was stored, and the page is not asked again."""
    world = small_world
    ana = world.user("ana", "bluesky")
    world.sandbox.on("bluesky").fault("drop")
    world.start_worker()
    job = world.tweet_later(ana, f"Look {site.url}/a")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert titles(world) == [SECRET]
    assert site.asked == ["/a"]
    with world.rows():
        one, two = db.session.scalars(db.select(Attempt.body).order_by(Attempt.id))
    assert one == two


def test_a_page_that_hangs_costs_a_moment(small_world: World, site: WebSite) -> None:
    """Posts go out without a card, at their first try; what comes after the first does not wait."""
    world = small_world
    site.pages["/slow"] = Page(b"<title>Slow</title>" * 100, pause=0.2)
    ana = world.user("ana", "bluesky")
    world.start_worker()
    first = world.tweet_later(ana, f"First {site.url}/slow")
    world.until_state(first, State.PUBLISHED)
    jobs = [first, *(world.tweet_later(ana, f"{n} {site.url}/slow") for n in range(2))]
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert titles(world) == [None] * 3
    assert site.asked == ["/slow"]
    for job in jobs:
        delivery = world.delivery(job)
        assert (delivery.accepted_at - delivery.due_at).total_seconds() < 6
        assert delivery.tries == 0


def test_inner_pages_stay_inside(make_world: MakeWorld, sqlite_url: str, site: WebSite) -> None:
    """As it is in production: the link is published, and nobody has asked for what is behind it."""
    world = make_world(sqlite_url, ALLOW_PRIVATE_SERVERS="0")
    ana = world.user("ana", "bluesky")
    world.start_worker()
    job = world.tweet_later(ana, f"Look {site.url}/a")
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert (titles(world), site.asked) == ([None], [])
