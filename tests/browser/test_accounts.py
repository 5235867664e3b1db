"""Several accounts in a real browser: the picker, its counter, texts of their own, the chips."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db import db
from app.models import Account, User
from tests.browser.conftest import sign_in
from tests.browser.test_look import WIDTHS, assert_accessible, assert_fits
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.browser


def with_three_accounts(page: Page, running: World) -> str:
    """Sign in somebody new, with accounts on X, Mastodon and Bluesky; return the handle."""
    handle = f"b{uuid.uuid4().hex[:10]}"
    sign_in(page, running.site, handle)
    with running.rows():
        user_id = User.by_handle(handle).id
    for network in ("mastodon", "bluesky"):
        running.connect(user_id, network, handle)
    page.goto(running.site)
    return handle


@pytest.fixture(params=["light", "dark"])
def schemed(request: pytest.FixtureRequest, browser: Browser, running: World) -> Iterator[Page]:
    """A page in each colour scheme."""
    running.sandbox.mend()
    context = browser.new_context(color_scheme=request.param, locale="en-GB")
    yield context.new_page()
    context.close()


def test_the_counter_names_the_tightest_limit(page: Page, running: World) -> None:
    """X's while it is ticked, Bluesky's when it is not; a text of its own frees the shared one."""
    with_three_accounts(page, running)
    words = page.get_by_label("Text of the tweet")
    words.fill("a" * 290)
    counter = page.locator("#counter")
    expect(counter).to_contain_text("10 over the limit of X")
    page.get_by_role("checkbox", name="Bluesky").check()
    page.get_by_role("checkbox", name="Mastodon").check()
    expect(counter).to_contain_text("10 over the limit of X")
    page.get_by_text("Different text for").click()
    page.get_by_label("Text for").first.fill("Short for X")
    expect(counter).to_contain_text("Bluesky: 290 / 300")
    page.get_by_role("checkbox", name="Bluesky").uncheck()
    expect(counter).to_contain_text("Mastodon: 290 / 500")


def test_one_tweet_three_chips(page: Page, running: World) -> None:
    """Each account has its chip, its link and, where it failed, its own button."""
    handle = with_three_accounts(page, running)
    for network in ("Mastodon", "Bluesky"):
        page.get_by_role("checkbox", name=network).check()
    running.sandbox.on("bluesky").fault("refuse", handle=None)
    page.get_by_label("Text of the tweet").fill(f"Everywhere {handle}")
    page.locator("#submit").click()
    card = page.get_by_role("article").filter(has_text=f"Everywhere {handle}")
    expect(card.locator("[data-job] > b")).to_have_count(3)
    expect(card.get_by_role("link", name="View on X")).to_be_visible()
    expect(card.get_by_role("link", name="View on Mastodon")).to_be_visible()
    expect(card.locator("[data-job][data-state='failed']")).to_have_count(1)
    running.sandbox.on("bluesky").mend()
    card.get_by_role("button", name="Try again").click()
    expect(card.get_by_role("link", name="View on Bluesky")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Bluesky")).to_be_checked()


def test_a_refused_text_of_its_own_is_shown_at_its_field(page: Page, running: World) -> None:
    """The sentence stands at the variant, which has the focus; the rest stays as it was."""
    with_three_accounts(page, running)
    page.get_by_role("checkbox", name="Bluesky").check()
    page.get_by_label("Text of the tweet").fill("The shared one")
    page.get_by_text("Different text for").click()
    own = page.get_by_label("Text for").first
    own.fill("x" * 281)
    page.locator("#submit").click()
    expect(own).to_have_attribute("aria-invalid", "true")
    expect(own).to_be_focused()
    expect(page.get_by_text("characters as X counts them")).to_be_visible()
    expect(page.get_by_label("Text of the tweet")).to_have_value("The shared one")


def test_a_thread_is_written_in_parts(page: Page, running: World) -> None:
    """Parts are added and taken away; what is left goes out in order."""
    sign_in(page, running.site, f"t{uuid.uuid4().hex[:10]}")
    page.get_by_label("Text of the tweet").fill("First of the thread")
    for text in ("Second of the thread", "Not this one"):
        page.get_by_role("button", name="Add a part to the thread").click()
        page.keyboard.type(text)
    page.get_by_role("button", name="Remove part 3").click()
    page.locator("#submit").click()
    card = page.get_by_role("article").filter(has_text="First of the thread")
    expect(card).to_contain_text("Second of the thread")
    expect(card).not_to_contain_text("Not this one")
    expect(card).to_contain_text("Published")
    assert running.sandbox.texts()["Second of the thread"] == 1
    expect(page.locator("[data-part]")).to_have_count(0)


def test_every_page_of_accounts_looks_right(schemed: Page, running: World) -> None:
    """Nothing serious for axe and nothing that overflows, at every width."""
    page = schemed
    handle = with_three_accounts(page, running)
    for network in ("Mastodon", "Bluesky"):
        page.get_by_role("checkbox", name=network).check()
    page.get_by_label("Text of the tweet").fill(f"Look at {handle}")
    page.locator("#submit").click()
    expect(page.locator("[data-job][data-state='published']")).to_have_count(3)
    page.get_by_text("Different text for").click()
    page.get_by_role("button", name="Add a part to the thread").click()
    shots = os.environ.get("SCREENSHOTS")
    for name in ("composer", "confirm", "sessions", "accounts", "disconnect"):
        if name == "confirm":
            page.goto(f"{running.site}/login/x")
            page.get_by_role("button", name="Connect", exact=True).click()
            page.locator("#handle").fill(f"o{uuid.uuid4().hex[:10]}")
            page.get_by_role("button", name="Approve").click()
            page.wait_for_url("**/accounts/confirm")
        if name == "sessions":
            Visitor(running.site).sign_in(handle)  # a new browser: every page tells of it
            page.goto(f"{running.site}/settings/sessions")
        if name == "accounts":  # with a sign-in that did not come back
            page.goto(f"{running.site}/login/mastodon")
            page.get_by_role("button", name="Connect", exact=True).click()
            page.wait_for_url("**/oauth/authorize**")
            page.goto(f"{running.site}/accounts")
            expect(page.get_by_role("button", name="Register again with")).to_have_count(1)
            expect(page.get_by_label("Who sees its posts")).to_have_count(1)
        if name == "disconnect":
            page.get_by_role("link", name="Disconnect").first.click()
            page.wait_for_url("**/disconnect")
        assert_accessible(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert_fits(page)
            if shots:
                scheme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
                path = Path(shots) / f"{name}-{width}-{'dark' if scheme else 'light'}.png"
                page.screenshot(path=path, full_page=True)


def test_avatars_are_shown(page: Page, running: World) -> None:
    """Each account shows its network's own picture, and the browser asks nobody but us."""
    handle = with_three_accounts(page, running)
    with running.rows():
        user_id = User.by_handle(handle).id
    kept = db.select(Account.id).where(Account.user_id == user_id, Account.avatar.is_not(None))

    def all_kept() -> bool:
        with running.rows():
            return len(db.session.scalars(kept).all()) == 3

    wait_for(all_kept, what="the avatars of all accounts")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{running.site}/accounts")
    for image in page.locator(".avatar img").all():
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", 96)
    assert page.locator(".avatar img").count() == 3
    assert [url for url in asked if not url.startswith(f"{running.site}/")] == []


def test_disconnecting_without_scripts(browser: Browser, running: World) -> None:
    """In Spanish: the list, the question, and what is left when the last one is gone."""
    handle = f"n{uuid.uuid4().hex[:10]}"
    context = browser.new_context(java_script_enabled=False, locale="es-ES")
    page = context.new_page()
    page.goto(f"{running.site}/login/x")
    page.locator("#handle").fill(handle)
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("link", name="Cuentas", exact=True).click()
    expect(page.get_by_role("heading", name="Conectar otra cuenta")).to_be_visible()
    page.get_by_role("link", name="Desconectar").click()
    expect(page.locator("main")).to_contain_text("No hay tuits en espera para esta cuenta.")
    page.get_by_role("button", name="Desconectar").click()
    expect(page.locator("main")).to_contain_text(f"@{handle} está desconectada.")
    expect(page.locator("main")).to_contain_text("No hay ninguna cuenta conectada.")
    assert_fits(page)
    context.close()


def test_choosing_and_registering_anew_without_scripts(browser: Browser, running: World) -> None:
    """Plain forms: who sees the posts, and the way out of a sign-in that ended at the server."""
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    with_three_accounts(page, running)
    page.goto(f"{running.site}/accounts")
    page.get_by_label("Who sees its posts").select_option("Followers only")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Who sees its posts")).to_have_value("private")
    page.get_by_role("button", name="Connect Mastodon").click()
    page.wait_for_url("**/oauth/authorize**")
    before = page.url
    page.go_back()
    page.goto(f"{running.site}/login/mastodon")
    page.get_by_role("button", name="Register again with").click()
    page.wait_for_url("**/oauth/authorize**")
    client = re.compile("client_id=([^&]+)")
    assert client.findall(page.url) != client.findall(before)
    page.locator("#handle").fill(f"w{uuid.uuid4().hex[:10]}")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url("**/accounts/confirm")
    context.close()
