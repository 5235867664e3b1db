"""What to write about, in a real browser: a surprise, suggestions to use and to dismiss."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db import db
from app.models import User, interest
from tests.browser.conftest import sign_in
from tests.browser.test_look import WIDTHS, assert_accessible, assert_fits, assert_targets
from tests.support import past
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.browser


def with_a_past(page: Page, running: World) -> None:
    """Sign in somebody new of whom a worker knows the interests."""
    handle = f"i{uuid.uuid4().hex[:10]}"
    sign_in(page, running.site, handle)
    with running.rows():
        user = User.by_handle(handle)
        user_id, account_id = user.id, user.accounts[0].id
        past.remember(account_id, 90, 10)
        user.hobbies = "origami"
        text = "An old post that did well, about sailing home in the dark"
        db.session.add(past.item(account_id, "posts", text, 270, likes=900))
        interest.stale(user_id)
        past.hurry(user_id)
    page.goto(running.site)

    def is_known() -> bool:
        with running.rows():
            return interest.as_of(user_id) is not None

    wait_for(is_known, what="the interests")
    page.reload()


def test_a_surprise_and_suggestions(page: Page, running: World) -> None:
    """They fill the text, never write over typed words, and never send; dismissed is dismissed."""
    with_a_past(page, running)
    text = page.get_by_label("Text of the tweet")
    page.get_by_role("link", name="Surprise me").click()
    expect(text).not_to_have_value("")
    first = text.input_value()
    text.fill(f"Mine. {first}")
    page.get_by_role("link", name="Surprise me").click()
    expect(text).not_to_have_value(f"Mine. {first}")
    assert text.input_value().startswith("Mine.")
    text.fill("Typed")
    page.locator("#submit").focus()
    ideas = page.get_by_role("complementary", name="Suggestions")
    ideas.get_by_text("What you could write about").click()
    items = ideas.get_by_role("listitem")
    expect(items).to_have_count(5)
    old = items.filter(has_text="did well 9 months ago")
    old.get_by_role("link", name=re.compile("^Use")).click()
    expect(text).to_have_value("Typed\n\nAn old post that did well, about sailing home in the dark")
    items.filter(has_text="origami").get_by_role("link", name=re.compile("^Use")).click()
    expect(text).to_have_value(re.compile(r"^Typed\n\n[^\n]*origami[^\n]*$"))
    old.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(old).to_have_count(0)
    expect(items).to_have_count(5)
    page.reload()
    ideas.get_by_text("What you could write about").click()
    expect(items).to_have_count(5)
    expect(old).to_have_count(0)
    expect(page.get_by_role("article")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages(browser: Browser, running: World, scheme: str) -> None:
    """Interests are hidden, shown again and pinned without scripts; every page fits every width."""
    context = browser.new_context(color_scheme=scheme, java_script_enabled=False)
    page = context.new_page()
    with_a_past(page, running)
    page.get_by_role("link", name="Surprise me").click()
    expect(page.get_by_label("Text of the tweet")).not_to_have_value("")
    page.goto(f"{running.site}/interests")
    for button, said in (
        ("Hide #chess", "#chess is hidden."),
        ("Show again #chess", "#chess is shown again."),
        ("Pin #chess", "#chess is pinned."),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_text(said)).to_be_visible()
    page.goto(f"{running.site}/suggestions")
    shown = page.locator(".idea-text").all_inner_texts()
    page.get_by_role("button", name=re.compile("^Dismiss")).first.click()
    expect(page.get_by_text("This is not suggested any more.")).to_be_visible()
    assert shown[0] not in page.locator(".idea-text").all_inner_texts()
    page.get_by_role("link", name=re.compile("^Use")).first.click()
    expect(page.get_by_label("Text of the tweet")).not_to_have_value("")
    state = context.storage_state()
    context.close()
    context = browser.new_context(color_scheme=scheme, storage_state=state)
    page = context.new_page()
    for path in ("/interests", "/suggestions", "/"):
        page.goto(f"{running.site}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert_fits(page)
        closed = page.locator("main details:not([open]) > summary")
        while closed.count():
            closed.first.click()
        assert_fits(page)
        assert_targets(page)
        assert_accessible(page)
    context.close()
