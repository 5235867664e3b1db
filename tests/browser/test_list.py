"""The list in a browser: tabs, ticks, and one action for several tweets."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.models import User
from tests.browser.conftest import sign_in
from tests.browser.test_look import (
    WIDTHS,
    assert_accessible,
    assert_fits,
    assert_focus_shows,
    assert_targets,
)
from tests.support import full_list
from tests.support.reader import Reader
from tests.support.world import World

pytestmark = pytest.mark.browser


def write_later(running: World, handle: str, *texts: str) -> None:
    """Let somebody have these tweets, due tomorrow."""
    with running.rows():
        user_id = User.by_handle(handle).id
    for text in texts:
        running.tweet_later(user_id, text, datetime.now(UTC) + timedelta(days=1))


def card(page: Page, text: str) -> Locator:
    """Return the card of the tweet with this text."""
    return page.get_by_role("article").filter(has_text=text)


def tick(page: Page, *texts: str) -> None:
    """Tick the cards of these tweets."""
    for text in texts:
        card(page, text).get_by_role("checkbox", name=text).check()


def somebody(page: Page, running: World) -> str:
    """Sign in somebody new with three tweets for tomorrow; return the handle."""
    handle = f"b{uuid.uuid4().hex[:10]}"
    sign_in(page, running.site, handle)
    write_later(running, handle, "First of three", "Second of three", "Third of three")
    return handle


def test_two_are_cancelled(page: Page, running: World) -> None:
    """The bar comes with the first tick, says how many, and asks before it cancels."""
    somebody(page, running)
    page.reload()
    bar = page.locator("#bulk")
    expect(bar).to_be_hidden()
    tick(page, "First of three", "Third of three")
    expect(bar).to_contain_text("Ticked: 2")
    bar.get_by_role("button", name="Cancel").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Tweets to cancel: 2")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(card(page, "First of three")).to_contain_text("Scheduled")
    bar.get_by_role("button", name="Cancel").click()
    question.get_by_role("button", name="Cancel them").click()
    expect(page.locator("#notice")).to_contain_text("2 tweets are cancelled.")
    for text, state in (("First", "Cancelled"), ("Second", "Scheduled"), ("Third", "Cancelled")):
        expect(card(page, f"{text} of three")).to_contain_text(state)
    expect(bar).to_be_hidden()
    expect(card(page, "First of three").get_by_role("checkbox")).to_have_count(0)
    expect(page.locator("#list-title")).to_be_focused()


def test_two_are_moved(page: Page, running: World) -> None:
    """From a tab of the list, by the keyboard; a time that is not understood is asked for again."""
    somebody(page, running)
    page.goto(f"{running.site}/tweets?tab=scheduled")
    for text in ("First of three", "Second of three"):
        card(page, text).get_by_role("checkbox").focus()
        page.keyboard.press("Space")
    field = page.get_by_label("New time")
    field.focus()
    page.keyboard.type("banana")
    page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("in 3 days")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_contain_text("2 tweets are scheduled for")
    for text, due in (("First", "in 3 days"), ("Second", "in 3 days"), ("Third", "in 1 day")):
        expect(card(page, f"{text} of three")).to_contain_text(due)


def test_a_new_tweet_can_be_ticked(page: Page, running: World) -> None:
    """A card that a script has put there is like the others; a tick survives a newer card."""
    sign_in(page, running.site, f"n{uuid.uuid4().hex[:10]}")
    page.get_by_label("Text of the tweet").fill("Written just now")
    page.get_by_label("When").first.fill("in two hours")
    page.locator("#submit").click()
    tick(page, "Written just now")
    page.locator("#bulk").get_by_label("New time").fill("in 5 hours")
    page.locator("#bulk").get_by_role("button", name="Move").click()
    expect(card(page, "Written just now")).to_contain_text("in 5 hours")
    expect(card(page, "Written just now").get_by_role("checkbox")).not_to_be_checked()


def test_without_scripts(browser: Browser, running: World) -> None:
    """Ticks and the bar are on the page of the list; a page asks before anything is cancelled."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    somebody(page, running)
    page.goto(running.site)
    page.get_by_role("link", name="Scheduled").click()
    tick(page, "First of three", "Second of three")
    page.locator("#bulk").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancel 2 tweets?")).to_be_visible()
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_text("2 tweets are cancelled.")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(1)
    page.get_by_label("Search in your tweets").fill("THIRD")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("article")).to_have_count(1)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_looks_right(browser: Browser, running: World, scheme: str) -> None:
    """With every kind of card and some ticked: nothing serious for axe, nothing overflows."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    _sign_in_with_much(context, running)
    page = context.new_page()
    page.goto(f"{running.site}/tweets?tab=failed")
    failed = page.get_by_role("link", name="Try again at…").last.get_attribute("href")
    for path in ("/", "/tweets", "/tweets?tab=failed", "/tweets?tab=waiting&q=nothing", failed):
        page.goto(f"{running.site}{path}")
        for box in page.locator(".tick").all()[:2]:
            box.check()
        assert_accessible(page)
        assert_targets(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
    page.goto(f"{running.site}/tweets?tab=failed")
    page.locator(".tick").first.check()
    assert_focus_shows(page)
    page.locator("#bulk").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
    context.close()


def _sign_in_with_much(context: BrowserContext, running: World) -> None:
    """Let a browser be signed in as somebody with twenty tweets of every kind."""
    with running.rows():
        reader = Reader(running, *full_list.fill())
    cookie = reader.client.get_cookie(running.app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    port = urlsplit(running.site).port  # which is in the name, as cookies ignore it
    context.add_cookies(
        [{"name": f"tweet_later_{port}", "value": cookie.value, "url": running.site}]
    )
