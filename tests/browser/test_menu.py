"""Getting about: the menu, and keys that work on every page until somebody switches them off."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

from playwright.sync_api import Page, expect

from app.db import utcnow
from tests.browser.conftest import sign_in
from tests.browser.test_look import assert_accessible
from tests.support.world import World


def test_the_composer_opens_on_any_page(page: Page, running: World) -> None:
    """It is written in without leaving the page, keeps what it has, and says where its tweet is."""
    sign_in(page, running.site, f"k{uuid.uuid4().hex[:10]}")
    page.goto(f"{running.site}/settings")
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings")
    link.focus()
    page.keyboard.press("n")
    composer = page.get_by_role("dialog", name="New tweet")
    text = composer.get_by_label("Text of the tweet")
    expect(text).to_be_focused()
    page.keyboard.type("ng?")
    expect(composer.locator("#draft-state")).to_have_text("Saved")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(composer).to_be_hidden()
    expect(link).to_be_focused()
    page.get_by_role("link", name="Compose").click()
    expect(text).to_have_value("ng?")
    composer.locator("#submit").click()
    expect(composer).to_be_hidden()
    expect(page).to_have_url(f"{running.site}/settings")
    page.get_by_role("link", name="Show it").click()
    expect(page.get_by_role("article")).to_contain_text("ng?")
    next_week = (utcnow() + timedelta(days=7)).date()  # on a Sunday evening none is left of this
    page.goto(f"{running.site}/calendar?view=week&date={next_week}")
    slot = page.locator("a.slot").last
    slot.click()
    expect(composer.get_by_label("Text of the tweet")).to_have_value("")
    expect(composer.get_by_label("Pick time")).to_be_checked()


def test_keys_lead_anywhere(page: Page, running: World) -> None:
    """They write, go and list themselves; what is typed is text, and the switch ends them."""
    sign_in(page, running.site, f"k{uuid.uuid4().hex[:10]}")
    menu = page.get_by_role("navigation", name="Main")
    expect(menu.get_by_role("link", name="Compose")).to_have_attribute("aria-current", "page")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/accounts")
    expect(menu.get_by_role("link", name="Accounts")).to_have_attribute("aria-current", "page")
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed.get_by_role("button", name="Close")).to_be_focused()
    listed.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("?")
    expect(listed).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(listed).to_be_visible()
    assert not re.search(r"#", page.url)
