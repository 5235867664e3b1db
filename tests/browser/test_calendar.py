"""The calendar in a browser: dragging, moving by keyboard, and how it looks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.states import State
from tests.browser.test_look import (
    WIDTHS,
    assert_accessible,
    assert_fits,
    assert_focus_shows,
    assert_targets,
)
from tests.support.planned import Planner
from tests.support.world import World

pytestmark = pytest.mark.browser
ZONE = ZoneInfo("Europe/Madrid")


def next_month() -> datetime:
    """Return the tenth of next month at 10:30 in Madrid, so that no day around it is over."""
    first = (datetime.now(ZONE).replace(day=1) + timedelta(days=32)).replace(day=10)
    return datetime.combine(first.date(), time(10, 30), ZONE)


def signed_in(context: BrowserContext, running: World) -> Planner:
    """Let a browser be signed in as somebody in Madrid with three accounts."""
    planner = Planner(running, "Europe/Madrid", ["x", "mastodon", "bluesky"])
    cookie = planner.reader.client.get_cookie(running.app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    port = urlsplit(running.site).port  # which is in the name, as cookies ignore it
    context.add_cookies(
        [{"name": f"tweet_later_{port}", "value": cookie.value, "url": running.site}]
    )
    return planner


def drag(page: Page, due: Locator, cell: Locator) -> None:
    """Drag with the mouse, which moves twice over the cell: browsers need that to drop there."""
    due.hover()
    page.mouse.down()
    cell.hover()
    cell.hover()
    page.mouse.up()


def test_moving(context: BrowserContext, running: World) -> None:
    """A drag keeps the time of day, or in a week the minute; the keyboard does it, too."""
    planner, at = signed_in(context, running), next_month()
    planner.plan("Moves around", at.astimezone(UTC))
    planner.plan("Is out", at.astimezone(UTC), State.PUBLISHED)
    page = context.new_page()
    page.set_default_timeout(45_000)
    page.set_viewport_size({"width": 1280, "height": 1600})  # nothing scrolls below the mouse
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{running.site}/calendar?view=month&date={at:%Y-%m-%d}")
    due = page.locator(".due-lines .due").filter(has_text="Moves around")
    sent = page.locator(".due-lines .due").filter(has_text="Is out")
    expect(due).to_have_attribute("draggable", "true")
    expect(sent).not_to_have_attribute("draggable", "true")
    drag(page, due, page.locator(f"[data-drop='{at:%Y-%m}-12']"))
    expect(page.locator("#notice")).to_contain_text("10:30 (Europe/Madrid)")
    expect(page.locator(f"[data-drop='{at:%Y-%m}-12'] .due")).to_contain_text("Moves around")
    page.goto(f"{running.site}/calendar?view=week&date={at:%Y-%m}-12")
    expect(due).to_have_attribute("draggable", "true")  # the script is there
    drag(page, due, page.locator(f"[data-drop='{at:%Y-%m}-12'][data-hour='14']"))
    expect(page.locator("#notice")).to_contain_text("14:30 (Europe/Madrid)")
    link = due.get_by_role("link", name="Move 14:30")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    field = page.get_by_label("New time")
    expect(field).to_have_value(f"{at:%Y-%m}-12T14:30")
    field.fill("2020-01-01T10:00")
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("That moment has passed.")
    field.fill(f"{at:%Y-%m}-12T16:45")
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#notice")).to_contain_text("16:45 (Europe/Madrid)")
    expect(due.get_by_role("link", name="Move 16:45")).to_be_focused()


def test_it_looks_right(browser: Browser, running: World) -> None:
    """In each view, with every state: nothing serious for axe, nothing overflows."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(45_000)
    planner, at = signed_in(context, running), next_month().astimezone(UTC)
    words, others = "Words that are long enough " * 3, [(at, State.SCHEDULED), (at, State.HELD)]
    for number, state in enumerate(State):
        planner.plan(words, at + timedelta(hours=number % 3), state, others)
    page = context.new_page()
    for view in ("month", "week", "agenda"):
        page.goto(f"{running.site}/calendar?view={view}&date={at:%Y-%m-%d}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
            assert_targets(page)
        assert_focus_shows(page)
        page.emulate_media(color_scheme="dark")
        assert_accessible(page)
        page.emulate_media(color_scheme="light")
        assert_accessible(page)
    page.get_by_role("link", name="Move to…").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
    context.close()
