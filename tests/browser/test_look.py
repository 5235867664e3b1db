"""Every page at every width, light and dark: nothing serious for axe, nothing overflows."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.models import User
from tests.browser.conftest import sign_in
from tests.support.world import World

pytestmark = pytest.mark.browser

WIDTHS = [320, 360, 768, 1280]
RING = r"""() => {
  const rgba = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (color) => rgba(color).slice(0, 3)
    .map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (element) => {
    const color = element ? getComputedStyle(element).backgroundColor : "rgb(255, 255, 255)";
    return rgba(color)[3] === 0 ? ground(element.parentElement) : color;
  };
  const contrast = (element) => {
    const style = getComputedStyle(element);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return 0;
    if (rgba(style.outlineColor)[3] === 0) return 0;
    const [dark, bright] = [style.outlineColor, ground(element.parentElement)]
      .map(light).sort((one, other) => one - other);
    return (bright + 0.05) / (dark + 0.05);
  };
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const frame = focused.closest(".writing");
  const box = focused.getBoundingClientRect();
  return {
    what: focused.outerHTML.slice(0, 150),
    contrast: Math.max(contrast(focused), frame ? contrast(frame) : 0),
    seen: box.width > 1 && box.height > 1 && getComputedStyle(focused).opacity !== "0",
  };
}"""
"""What shows where the keyboard is, and its contrast with what it stands on."""
SETTLED = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished.catch(() => null)))"""
"""Waits until no color is on its way to another one: between the two, contrast means nothing."""


def assert_targets(page: Page) -> None:
    """What is pressed is at least 24 pixels each way, but for links within a sentence."""
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, summary, select, input, textarea")]
          .filter((each) => each.checkVisibility() && each.type !== "hidden")
          .filter((each) => !each.matches("p a") || each.parentElement.innerText === each.innerText)
          .map((each) => [each.outerHTML.slice(0, 150),
                          (each.closest("label") || each).getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24)
          .map(([what, box]) => [what, box.width, box.height])"""
    )
    assert small == [], page.url


def assert_lines(page: Page) -> None:
    """No words stand letter under letter."""
    narrow = page.evaluate(
        """() => [...document.querySelectorAll("dt, dd, .account-choice, .account-words")]
          .map((each) => [each.textContent.trim(), each.getBoundingClientRect()])
          .filter(([, box]) => box.height > 3 * box.width)
          .map(([what, box]) => [what, box.width, box.height])"""
    )
    assert narrow == [], page.url


def assert_focus_shows(page: Page) -> None:
    """Whatever Tab reaches is seen, with a ring of at least 3:1."""
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        ring = page.evaluate(RING)
        if ring is None:
            break
        reached.append(ring)
    assert reached, page.url
    hidden = [ring for ring in reached if ring["contrast"] < 3 or not ring["seen"]]
    assert hidden == [], page.url


def assert_accessible(page: Page) -> None:
    """No serious or critical violation."""
    page.evaluate(SETTLED)
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


def with_much_to_show(page: Page, running: World) -> list[str]:
    """Sign in somebody with three accounts and a tweet; return the addresses of all pages."""
    handle = f"l{uuid.uuid4().hex[:10]}"
    page.goto(f"{running.site}/login/x")
    page.locator("#handle").fill(handle)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(f"{running.site}/")
    with running.rows():
        user_id = User.by_handle(handle).id
    for network in ("mastodon", "bluesky"):
        running.connect(user_id, network, handle)
    job = running.tweet_later(user_id, "Everything is shown", datetime.now(UTC) + timedelta(days=1))
    tweet = running.delivery(job).tweet_id
    return [
        "/",
        "/tweets",
        f"/tweets/{tweet}",
        f"/tweets/{tweet}/edit",
        "/accounts",
        "/settings",
        "/settings/sessions",
        "/login/mastodon",
        "/login/bluesky",
        "/nowhere",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_focus_shows(browser: Browser, running: World, scheme: str) -> None:
    """On every page, and where a text was refused; what takes it is large enough to press."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(45_000)
    page = context.new_page()
    page.goto(running.site)
    assert_focus_shows(page)
    for path in with_much_to_show(page, running):
        page.goto(f"{running.site}{path}")
        if path == "/":
            for box in page.get_by_role("checkbox").all():
                box.check()
            page.locator(".variants summary").click()
            page.locator("[data-add-part]").first.click()
            page.evaluate("document.querySelector('#text').setAttribute('aria-invalid', 'true')")
        assert_focus_shows(page)
        assert_targets(page)
    page.goto(running.site)
    page.evaluate(
        """document.querySelector("#notice").innerHTML = '<a href="/settings">Elsewhere</a>'"""
    )
    assert_focus_shows(page)
    context.close()


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_large_text_fits(browser: Browser, running: World, locale: str) -> None:
    """At twice the size of text nothing overflows, in either language."""
    context = browser.new_context(locale=locale)
    context.set_default_timeout(45_000)
    page = context.new_page()
    for path in with_much_to_show(page, running):
        page.goto(f"{running.site}{path}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        for width in (360, 768):
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
            assert_lines(page)
    context.clear_cookies()
    page.goto(running.site)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
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
