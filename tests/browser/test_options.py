"""Options and previews in a real browser: for ticked accounts only, counted, sent and cleared."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accounts import with_three_accounts
from tests.browser.test_look import assert_accessible
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.browser


def test_options_and_preview(page: Page, running: World) -> None:
    """All accounts by one tick; a warning counts and is previewed; what is set is published."""
    handle = with_three_accounts(page, running)
    mastodon = page.locator("details[data-options]").filter(has_text="on Mastodon")
    expect(mastodon).to_be_hidden()
    page.get_by_role("checkbox", name="All accounts").check()
    expect(page.get_by_role("checkbox", name="Bluesky")).to_be_checked()
    page.get_by_role("checkbox", name="X", exact=False).last.focus()
    mastodon.locator("summary").click()
    mastodon.get_by_label("Visibility").select_option("unlisted")
    page.get_by_label("Text of the tweet").fill(f"Tea {handle}")
    mastodon.get_by_label("Content warning").fill("w" * 500)
    expect(page.locator("#counter")).to_contain_text("over the limit of Mastodon")
    mastodon.get_by_label("Content warning").fill("Drinks ahead")
    expect(page.locator("#counter")).to_contain_text("X:")
    page.get_by_text("Show it as it will look").click()
    previews = page.locator("[data-posts] > article")
    expect(previews).to_have_count(3)
    expect(previews.filter(has_text="Drinks ahead")).to_have_count(1)
    assert_accessible(page)
    page.locator("#submit").click()
    expect(page.get_by_role("article").filter(has_text=f"Tea {handle}").first).to_be_visible()
    expect(mastodon.get_by_label("Content warning")).to_have_value("")

    def published() -> list[dict[str, str]]:
        posts = running.sandbox.on("mastodon").accepted()
        return [post for post in posts if post["text"] == f"Tea {handle}"]

    (post,) = wait_for(published)
    assert (post["visibility"], post["spoiler_text"]) == ("unlisted", "Drinks ahead")
