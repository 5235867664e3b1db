"""Options, presets and previews in a real browser: counted, shown, sent and cleared."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from app.db import db
from app.models import User, preset
from tests.browser.test_accounts import with_three_accounts
from tests.browser.test_look import assert_accessible
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.browser


def test_options_and_preview(page: Page, running: World) -> None:
    """All accounts by one tick; a warning counts and is previewed; what is set is published."""
    handle = with_three_accounts(page, running)
    save_presets(running, handle)
    page.reload()
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
    pick_presets(page, handle)
    page.get_by_text("Show it as it will look").click()
    previews = page.locator("[data-posts] > article")
    expect(previews).to_have_count(3)
    expect(previews.filter(has_text="Drinks ahead")).to_have_count(1)
    expect(previews.filter(has_text="— Ana")).to_have_count(3)
    assert_accessible(page)
    page.locator("#submit").click()
    expect(page.get_by_role("article").filter(has_text=f"Tea #tea {handle}").first).to_be_visible()
    expect(mastodon.get_by_label("Content warning")).to_have_value("")

    def published() -> list[dict[str, str]]:
        posts = running.sandbox.on("mastodon").accepted()
        return [post for post in posts if post["text"] == f"Tea #tea {handle}\n\n— Ana"]

    (post,) = wait_for(published)
    assert (post["visibility"], post["spoiler_text"]) == ("unlisted", "Drinks ahead")


def save_presets(world: World, handle: str) -> None:
    """Save a selection of one account, a signature and a hashtag set for somebody."""
    with world.rows():
        user = User.by_handle(handle)
        (x,) = [one.id for one in user.accounts if one.network == "x"]
        for kind, text in (("selection", ""), ("signature", "— Ana"), ("hashtag_set", "#tea")):
            row = preset.Preset(user_id=user.id, kind=kind, name=kind, name_key=kind, text=text)
            row.account_ids = [x] if kind == "selection" else []
            db.session.add(row)
        db.session.commit()


def pick_presets(page: Page, handle: str) -> None:
    """Pick one of each: accounts are ticked, tags are where the cursor is, a signature counts."""
    page.get_by_role("button", name="selection", exact=True).click()
    expect(page.get_by_role("checkbox", name="Bluesky")).not_to_be_checked()
    page.get_by_role("checkbox", name="All accounts").check()
    text = page.get_by_label("Text of the tweet")
    text.press("Home")
    for _letter in "Tea":
        text.press("ArrowRight")
    page.get_by_role("button", name="hashtag_set").press("Enter")
    expect(text).to_have_value(f"Tea #tea {handle}")
    expect(text).to_be_focused()
    page.get_by_label("Signature").select_option("signature")
    length = len(f"Tea #tea {handle}\n\n— Ana")
    expect(page.locator("#counter")).to_contain_text(f"X: {length} / 280")
