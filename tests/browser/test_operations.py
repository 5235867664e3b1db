"""The operations page in a browser: every tab at every width, light and dark, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db import db, utcnow
from app.models import OperationsAudit, Pause, Role, User
from app.web.operations.tabs import TABS
from tests.browser.conftest import sign_in
from tests.browser.test_look import (
    WIDTHS,
    assert_accessible,
    assert_fits,
    assert_focus_shows,
    assert_lines,
    assert_targets,
)
from tests.support.world import World

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def addresses(running: World) -> list[str]:
    """Every tab, with something to show."""
    running.sandbox.mend()
    person = running.user("opened")
    long = running.tweet_later(person, f"Waits {'https://example.com/' * 9}", "in one hour")
    running.sandbox.fault("refuse", handle="opened")
    refused = running.tweet_later(person, "Refused")
    running.until_settled([refused])
    with running.rows():
        row = OperationsAudit(user_id=person, action="retry", chosen={"tab": "failed"}, matched=7)
        now = utcnow()
        nobody = {"scope": "account", "value": "0"}  # on every tab, and stops nothing
        paused = Pause(**nobody, user_id=person, at=now, undo_until=now + timedelta(hours=1))
        db.session.add_all([row, paused])
        db.session.commit()
        pauses = ["/operations/pauses", f"/operations/pauses/{paused.id}"]
    details = [*pauses, *(f"/operations/jobs/{job}" for job in (long, refused))]
    details += ["/operations/failed?text=nothing", "/operations/redis?match=tweet-later"]
    key = "/operations/redis/key?name=tweet-later:generation"
    return [*(f"/operations/{tab.name}" for tab in TABS), *details, key]


def operator(running: World, page: Page, handle: str) -> None:
    """Sign in as somebody with the role."""
    sign_in(page, running.site, handle)
    with running.rows():
        User.by_handle(handle).role = Role.OPERATOR
        db.session.commit()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser whose text and colours a test chooses."""
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(45_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_looks_right(
    page: Page, running: World, addresses: list[str], scheme: str
) -> None:
    """Nothing serious for axe, nothing sticks out, what has the focus is seen."""
    page.emulate_media(color_scheme=scheme)
    operator(running, page, f"tabs_{scheme}")
    for address in addresses:
        page.goto(f"{running.site}{address}")
        assert_accessible(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
            assert_targets(page)
    assert_focus_shows(page)


@pytest.mark.parametrize("language", ["en", "es"])
def test_large_text_fits(page: Page, running: World, addresses: list[str], language: str) -> None:
    """At twice the size of text nothing overflows."""
    operator(running, page, f"large_{language}")
    page.set_extra_http_headers({"Accept-Language": language})
    for address in addresses:
        page.goto(f"{running.site}{address}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        for width in (360, 768):
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
            assert_lines(page)


def test_without_javascript(browser: Browser, running: World, addresses: list[str]) -> None:
    """From the masthead to a filter, a timeline and back, with scripts switched off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    operator(running, page, "scriptless_op")
    page.goto(running.site)
    page.get_by_role("link", name="Operations").click()
    tabs = page.get_by_role("navigation", name="Operations")
    expect(tabs.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    tabs.get_by_role("link", name="Failed").click()
    expect(tabs.get_by_role("link", name="Failed")).to_have_attribute("aria-current", "page")
    page.get_by_label("Handle").fill("opened")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Refused").click()
    expect(page.locator("[data-event=answered]")).to_contain_text("Refused")
    page.get_by_role("navigation", name="Operations").get_by_role("link", name="Scheduled").click()
    page.get_by_label("Choose: Waits").check()
    page.get_by_role("button", name="Move to another time").click()
    expect(page.get_by_text("1 job, of 1 person.")).to_be_visible()
    assert_fits(page)
    page.get_by_label("When").fill("in 3 hours")
    page.get_by_role("button", name="Move to another time").click()
    expect(page.locator("[data-action]")).to_contain_text("Move to another time")
    expect(page.locator("[data-action]")).not_to_contain_text("not finished")
    context.close()


def test_numbers_stay_true(page: Page, running: World, addresses: list[str]) -> None:
    """They are asked for as often as the viewer says, and told to a screen reader."""
    operator(running, page, "counting_op")
    page.goto(f"{running.site}/operations")
    page.get_by_label("Refresh").select_option("every 2 seconds")
    failed = page.locator("[data-number=failed] .number")
    before = int(failed.inner_text())
    running.sandbox.fault("refuse", handle="opened")
    with running.rows():
        person = User.by_handle("opened").id
    running.until_settled([running.tweet_later(person, "Refused, too")])
    expect(failed).to_have_text(str(before + 1))
    expect(page.locator("#announcer")).to_contain_text(f"Failed: {before + 1}")
    page.reload()
    expect(page.get_by_label("Refresh")).to_have_value("2")
    page.get_by_label("Refresh").select_option("never")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3000)
    assert not [url for url in asked if url.endswith("/summary")]


def test_a_long_task_is_followed(page: Page, running: World, addresses: list[str]) -> None:
    """Its page tells how far it has come, by itself."""
    operator(running, page, "patient_op")
    page.goto(f"{running.site}/operations/queues")
    page.get_by_role("button", name="Begin a long task").click()
    bar = page.locator("#task progress")
    expect(page.locator("#task [role=status]")).to_contain_text("It runs on")
    expect(bar).not_to_have_attribute("value", "0")
    before = bar.evaluate("bar => bar.value")
    page.wait_for_function(
        "before => document.querySelector('progress').value > before", arg=before
    )
    assert_accessible(page)


def test_charts_without_styles_of_their_own(
    page: Page, running: World, addresses: list[str]
) -> None:
    """The content policy blocks nothing; tables are for everybody who opens them."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    operator(running, page, "charting_op")
    page.goto(f"{running.site}/operations")
    table = page.locator(".figures").first
    expect(page.locator("svg.chart")).to_have_count(2)
    assert table.bounding_box()["width"] > 10  # laid out, and clipped
    assert not clicks_reach(page)
    page.get_by_text("Show the numbers").first.click()
    assert clicks_reach(page)
    fill = page.locator(".chart .bar rect").first.evaluate("bar => getComputedStyle(bar).fill")
    assert fill not in {"none", "rgb(0, 0, 0)"}
    assert complaints == []


def clicks_reach(page: Page) -> bool:
    """Whether the first table is to be seen."""
    return page.locator(".revealed").first.evaluate("box => box.getBoundingClientRect().height > 9")
