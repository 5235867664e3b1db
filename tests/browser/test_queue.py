"""The queue in a real browser: slots are made, a tweet is added, and one is moved to the top."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_look import WIDTHS, assert_accessible, assert_fits, assert_targets
from tests.support.world import World

pytestmark = pytest.mark.browser


def test_add_to_queue(page: Page, running: World) -> None:
    """The composer leads to the slots; with some, its button says where the tweet goes."""
    sign_in(page, running.site, f"q{uuid.uuid4().hex[:10]}")
    expect(page.get_by_role("link", name="Make slots")).to_be_hidden()
    page.get_by_role("radio", name="Queue").check()
    page.get_by_role("link", name="Make slots").click()
    page.get_by_label("Saturday").check()
    page.get_by_label("Times").fill("9:00, 13:00")
    page.get_by_role("button", name="Add slots").click()
    expect(page.get_by_label("Saturday").last).to_have_value("09:00, 13:00")
    page.goto(running.site)
    for words in ("Queued first", "Queued second"):
        page.get_by_label("Text of the tweet").fill(words)
        page.get_by_role("radio", name="Queue").check()
        expect(page.locator("#echo")).to_contain_text("Next free slot: ")
        page.get_by_role("button", name="Add to queue").click()
        expect(page.get_by_role("article").first).to_contain_text(words)
        expect(page.get_by_role("radio", name="Now")).to_be_checked()
    page.goto(f"{running.site}/queue")
    items = page.locator(".queue-list > li")
    expect(items.first).to_contain_text("Queued first")
    items.last.get_by_role("button", name="Move to the top").click()
    expect(items.first).to_contain_text("Queued second")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert_accessible(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert_fits(page)
        assert_targets(page)
