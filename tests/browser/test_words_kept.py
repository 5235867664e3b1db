"""What was written survives a session that ends, for the person who wrote it and nobody else."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_writing import card
from tests.support.world import World

pytestmark = pytest.mark.browser


def somebody() -> str:
    """Return a handle that nobody has yet."""
    return f"w{uuid.uuid4().hex[:10]}"


def sign_out_elsewhere(page: Page, site: str) -> None:
    """Sign out in another tab of the same browser."""
    other = page.context.new_page()
    other.goto(site)
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("link", name="Sign in with X")).to_be_visible()
    other.close()


def schedule(page: Page, text: str) -> None:
    """Schedule a tweet."""
    page.get_by_label("Text of the tweet").fill(text)
    page.get_by_label("When").first.fill("in two hours")
    page.locator("#submit").click()
    expect(card(page, text)).to_be_visible()


def test_the_composer_keeps_them_for_their_writer(page: Page, running: World) -> None:
    """Signed out in another tab, sent, signed in again by the page's own link: they are there."""
    handle = somebody()
    sign_in(page, running.site, handle)
    page.get_by_label("Text of the tweet").fill("Written for an hour")
    sign_out_elsewhere(page, running.site)
    page.locator("#submit").click()
    page.locator("#trouble").get_by_role("link", name="Sign in").click()
    expect(page.locator(".welcome")).to_be_visible()
    sign_in(page, running.site, handle)
    expect(page.get_by_label("Text of the tweet")).to_have_value("Written for an hour")


def test_the_composer_shows_them_to_nobody_else(page: Page, running: World) -> None:
    """Another person in the same tab finds an empty box, and nothing in what the tab keeps."""
    sign_in(page, running.site, somebody())
    page.get_by_label("Text of the tweet").fill("Private words")
    page.context.clear_cookies()
    sign_in(page, running.site, somebody())
    expect(page.get_by_label("Text of the tweet")).to_have_value("")
    assert "Private" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")


def test_signing_out_forgets_them(page: Page, running: World) -> None:
    """Who presses the button wants nothing left in this browser."""
    sign_in(page, running.site, somebody())
    page.get_by_label("Text of the tweet").fill("Private words")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".welcome")).to_be_visible()
    assert "Private" not in page.evaluate("JSON.stringify({...sessionStorage})")


@pytest.mark.parametrize("is_same", [True, False])
def test_the_edit_page(page: Page, running: World, is_same: bool) -> None:
    """Saved without a session, signed in again: the changes are offered to their writer alone."""
    handle = somebody()
    sign_in(page, running.site, handle)
    schedule(page, "Before")
    card(page, "Before").get_by_role("link", name="Edit").click()
    page.get_by_label("Text of the tweet").fill("A long change")
    sign_out_elsewhere(page, running.site)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("What you wrote")).to_have_value("A long change")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, running.site, handle if is_same else somebody())
    if not is_same:
        expect(page.locator("#unsaved")).to_be_hidden()
        assert "A long" not in page.evaluate("JSON.stringify({...sessionStorage})")
        return
    page.locator("#unsaved").get_by_role("link", name="Go on editing").click()
    expect(page.get_by_label("Text of the tweet")).to_have_value("A long change")
    page.get_by_role("button", name="Save").click()
    expect(card(page, "A long change")).to_be_visible()
    expect(page.locator("#unsaved")).to_be_hidden()


def test_leaving_edit_asks_only_with_changes(page: Page, running: World) -> None:
    """A page where nothing was typed is left without a question."""
    asked: list[str] = []

    def note(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", note)
    sign_in(page, running.site, somebody())
    schedule(page, "To be left")
    for text in (None, "Changed"):
        card(page, "To be left").get_by_role("link", name="Edit").click()
        if text:
            page.get_by_label("Text of the tweet").fill(text)
        page.get_by_role("link", name="Back").click()
        page.wait_for_url(f"{running.site}/")
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("is_same", [True, False])
@pytest.mark.parametrize("place", ["composer", "edit"])
def test_without_scripts(browser: Browser, running: World, place: str, is_same: bool) -> None:
    """The answer page has the words; their writer sends them again from it, nobody else does."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    handle = somebody()
    sign_in(page, running.site, handle)
    if place == "edit":
        schedule(page, "Plain before")
        card(page, "Plain before").get_by_role("link", name="Edit").click()
    page.get_by_label("Text of the tweet").fill("Plain words")
    page.get_by_label("When").first.fill("in three hours")
    sign_out_elsewhere(page, running.site)
    page.locator("button.submit").first.click()
    expect(page.get_by_label("What you wrote")).to_have_value("Plain words")
    with context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    sign_in(opened.value, running.site, handle if is_same else somebody())
    page.get_by_role("button", name="I have signed in").click()
    if not is_same:
        expect(page.locator("#problem-title")).to_be_visible()
        expect(page.locator("body")).not_to_contain_text("Plain words")
        context.close()
        return
    expect(page.get_by_label("Text of the tweet")).to_have_value("Plain words")
    page.locator("button.submit").first.click()
    expect(card(page, "Plain words")).to_be_visible()
    context.close()
