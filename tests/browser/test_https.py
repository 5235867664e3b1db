"""The pages as in production: behind a proxy with a certificate, with what browsers make of it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.conftest import MakeWorld
from tests.support.tls import TlsFront

pytestmark = pytest.mark.browser


def test_signing_in_and_writing_over_https(
    browser: Browser, make_world: MakeWorld, sqlite_url: str, tmp_path: Path
) -> None:
    """The cookie is kept and sent, forms pass, and nothing is readable to scripts."""
    front = TlsFront(tmp_path)
    production = {"APP_ENV": "production", "SECRET_KEY": "k" * 32, "APP_URL": front.url}
    world = make_world(sqlite_url, **production, BEHIND_PROXY="1")
    front.target = urlsplit(world.start_web()).port or 0
    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
    context.set_extra_http_headers({"X-Forwarded-Proto": "https"})
    page = context.new_page()
    sign_in(page, front.url, "secure_person")
    page.get_by_label("Text of the tweet").fill("Over https")
    page.get_by_label("When").first.fill("in one hour")
    page.locator("#submit").click()
    expect(page.get_by_role("article").filter(has_text="Over https")).to_contain_text("Scheduled")
    cookies = {one["name"]: one for one in context.cookies() if "tweet" in one["name"]}
    assert set(cookies) == {"__Host-tweet_later", "tweet_later_browser"}
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in with X")).to_be_visible()
    context.close()
    front.close()
