"""A real browser in front of a running installation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.world import World

expect.set_options(timeout=30_000)


@pytest.fixture
def context(browser: Browser, running: World) -> Iterator[BrowserContext]:
    """A fresh profile in Berlin; the test fails when a page complains in the console."""
    running.sandbox.mend()
    complaints: list[str] = []
    context = browser.new_context(timezone_id="Europe/Berlin", locale="en-GB")
    context.set_default_timeout(45_000)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on(
        "console",
        lambda message: complaints.append(message.text) if "Security Policy" in message.text else 0,
    )
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, running: World) -> Page:
    """The start page, signed out."""
    page = context.new_page()
    page.goto(running.site)
    return page


def sign_in(page: Page, site: str, handle: str) -> None:
    """Walk through the consent page as a person does."""
    page.goto(site)
    page.get_by_role("link", name="Sign in with X").click()
    page.locator("#handle").fill(handle)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(f"{site}/")
