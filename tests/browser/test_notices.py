"""The bell in a real browser: it counts by itself, lists what happened, and is read."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_look import WIDTHS, assert_accessible, assert_fits, assert_targets
from tests.support.world import World
from tests.web.test_notices import fail

pytestmark = pytest.mark.browser


def test_the_bell(page: Page, running: World, tmp_path: Path) -> None:
    """What fails while the page is open is counted, listed, and read with one button."""
    handle = f"n{uuid.uuid4().hex[:10]}"
    sign_in(page, running.site, handle)
    bell = page.get_by_role("navigation", name="You").get_by_role("link", name="Notices")
    expect(bell).to_be_visible()
    fail(running, handle, 2)
    counted = page.get_by_role("link", name="Unread notices: 2")
    expect(counted).to_be_visible(timeout=40_000)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS if scheme == "light" else WIDTHS[1:2]:
            page.set_viewport_size({"width": width, "height": 900})
            for path in ("/", "/notices", "/settings/notices"):
                page.goto(running.site + path)
                assert_fits(page)
                if path != "/":  # test_look.py looks at all of the start page
                    assert_targets(page)
                assert_accessible(page)
                page.screenshot(
                    path=tmp_path
                    / f"{path.strip('/').replace('/', '-') or 'start'}-{scheme}-{width}.png",
                    full_page=True,
                )
    page.goto(running.site)
    page.get_by_role("link", name="2 unread notices").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Notices", exact=True)).to_be_visible()
    expect(page.get_by_text("Words 1 & more")).to_be_visible()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
    expect(page.get_by_text("not read yet")).to_have_count(0)
