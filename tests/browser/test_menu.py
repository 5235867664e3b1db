"""Getting about: the menu, and keys that work on every page until somebody switches them off."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.support.world import World


def test_keys_lead_anywhere(page: Page, running: World) -> None:
    """They write, go and list themselves; what is typed is text, and the switch ends them."""
    sign_in(page, running.site, f"k{uuid.uuid4().hex[:10]}")
    menu = page.get_by_role("navigation", name="Main")
    expect(menu.get_by_role("link", name="Compose")).to_have_attribute("aria-current", "page")
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/accounts")
    expect(menu.get_by_role("link", name="Accounts")).to_have_attribute("aria-current", "page")
    page.keyboard.press("n")
    text = page.get_by_label("Text of the tweet")
    expect(text).to_be_focused()
    expect(page).to_have_url(f"{running.site}/")
    page.keyboard.type("ng?")
    expect(text).to_have_value("ng?")
    text.fill("")
    text.blur()
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed.get_by_role("button", name="Close")).to_be_focused()
    listed.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("n")
    expect(text).not_to_be_focused()
    page.keyboard.press("?")
    expect(listed).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(listed).to_be_visible()
    assert not re.search(r"#", page.url)
