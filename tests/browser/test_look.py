"""Every page at every width, light and dark: nothing serious for axe, nothing overflows."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import sign_in
from tests.support.world import World

pytestmark = pytest.mark.browser

WIDTHS = [320, 360, 768, 1280]


def assert_accessible(page: Page) -> None:
    """No serious or critical violation."""
    violations = Axe().run(page).response["violations"]
    bad = [
        (violation["id"], [node["html"] for node in violation["nodes"]][:2])
        for violation in violations
        if violation["impact"] in {"serious", "critical"}
    ]
    assert bad == [], page.url


def assert_fits(page: Page) -> None:
    """Nothing sticks out to the right."""
    wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, (page.url, wider)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(browser: Browser, running: World, scheme: str) -> None:
    """Sign-in, list in many states, one tweet, edit, settings and a problem page."""
    handle = f"look_{scheme}"
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(running.site)
    assert_accessible(page)
    assert_fits(page)
    sign_in(page, running.site, handle)
    running.sandbox.fault("refuse", handle=handle)
    for text, when in (("Refused", ""), ("Published", ""), ("https://example.com/" * 9, "in 1 h")):
        page.get_by_label("Text of the tweet").fill(f"{text} {scheme}")
        page.get_by_label("When").first.fill(when)
        page.locator("#submit").click()
        expect(page.locator("#submit")).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("article")).to_have_count(3)
    first = page.get_by_role("article").first.get_attribute("data-tweet")
    for path in ("/", f"/tweets/{first}", f"/tweets/{first}/edit", "/settings", "/nowhere"):
        page.goto(f"{running.site}{path}")
        assert_accessible(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
    context.close()


def test_polling_moves_nothing(browser: Browser, running: World) -> None:
    """A card that goes from sending to published does not push the page around."""
    context = browser.new_context()
    page = context.new_page()
    sign_in(page, running.site, "steady")
    running.sandbox.fault("slow", handle="steady", seconds=1.5)
    page.get_by_label("Text of the tweet").fill("Standing still")
    page.locator("#submit").click()
    article = page.get_by_role("article").first
    expect(article).to_contain_text("Sending")
    before = article.bounding_box()
    expect(article).to_contain_text("Published")
    after = article.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["height"] - after["height"]) <= 1
    context.close()


def test_without_javascript(browser: Browser, running: World) -> None:
    """Signing in, writing, checking the time and cancelling work with scripts switched off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, running.site, "scriptless")
    page.locator("textarea[name=text]").fill("No scripts needed")
    page.locator("input[name=when]").first.fill("in one hour")
    page.get_by_role("button", name="Check the time").click()
    expect(page.locator("#echo")).to_contain_text("in 1 hour")
    page.locator("#submit").click()
    expect(page.get_by_role("article")).to_contain_text("Scheduled")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("article")).to_contain_text("Cancelled")
    context.close()
