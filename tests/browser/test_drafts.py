"""The composer saves by itself: found again, on another device, beside another tab, offline."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db import db
from app.models import Draft, Tweet, User
from tests.browser.conftest import sign_in
from tests.support.world import World

pytestmark = pytest.mark.browser


def somebody() -> str:
    """Return a handle that nobody has yet."""
    return f"d{uuid.uuid4().hex[:10]}"


def expect_state(page: Page, state: str, words: str) -> None:
    """Wait until the pill says so."""
    pill = page.locator(f"[data-draft-state={state}]")
    expect(pill).to_have_text(words)


def texts_of(world: World, handle: str) -> list[str]:
    """Return what is stored of somebody's drafts."""
    with world.rows():
        user = User.by_handle(handle)
        rows = db.session.scalars(db.select(Draft).where(Draft.user_id == user.id))
        return sorted("|".join(part["text"] for part in row.parts) for row in rows)


def test_found_again_and_nothing_is_lost(browser: Browser, page: Page, running: World) -> None:
    """A thread is saved, opened on another device and changed there; the first tab has both."""
    handle = somebody()
    sign_in(page, running.site, handle)
    text = page.get_by_label("Text of the tweet")
    text.fill("Begun here")
    page.get_by_role("button", name="Add a part to the thread").click()
    page.get_by_label("Part 2 of the thread").fill("and more")
    expect_state(page, "saving", "Saving…")
    expect_state(page, "saved", "Saved")
    address = page.url
    assert re.search(r"/\?draft=\d+$", address)
    assert texts_of(running, handle) == ["Begun here|and more"]

    device = browser.new_context(locale="es-ES")
    device.add_cookies(page.context.cookies())  # signed in, and nothing kept in the browser
    other = device.new_page()
    other.goto(address)
    expect(other.locator("#part-1")).to_have_value("and more")
    other.locator("#text").fill("Changed there")
    expect_state(other, "saved", "Guardado")
    device.close()

    text.fill("Changed here")
    expect_state(page, "conflict", "Conflict")
    conflict = page.locator("#draft-conflict")
    expect(conflict).to_contain_text("Changed there")
    expect(text).to_have_value("Changed here")
    conflict.get_by_role("button", name="Keep mine").click()
    expect_state(page, "saved", "Saved")
    assert page.url != address
    assert texts_of(running, handle) == ["Changed here|and more", "Changed there|and more"]

    page.locator("#submit").click()
    expect(page.locator("#tweets")).to_contain_text("Changed here")
    expect(page).to_have_url(f"{running.site}/")
    page.get_by_role("link", name="All drafts").click()
    page.get_by_role("link", name="Changed there").click()
    expect(text).to_have_value("Changed there")
    assert texts_of(running, handle) == ["Changed there|and more"]


def test_offline_is_kept_and_stored_once(page: Page, running: World) -> None:
    """Lost answers, a closed tab and an end of the session: in the end there is one draft."""
    handle = somebody()
    sign_in(page, running.site, handle)
    text = page.get_by_label("Text of the tweet")
    page.context.set_offline(True)
    text.fill("On a train")
    expect_state(page, "offline", "Offline: kept here")
    page.close()
    page.context.set_offline(False)

    again = page.context.new_page()
    answers: list[int] = []
    # The server stores it, and the answer is lost.
    again.route("**/drafts", lambda route: (answers.append(route.fetch().status), route.abort()))
    again.goto(running.site)
    text = again.get_by_label("Text of the tweet")
    expect(text).to_have_value("On a train")
    expect_state(again, "offline", "Offline: kept here")
    assert answers[0] == 201
    again.unroute("**/drafts")
    text.fill("On a train, home")
    expect_state(again, "saved", "Saved")
    assert texts_of(running, handle) == ["On a train, home"]
    assert again.evaluate("JSON.stringify({...localStorage})") == "{}"
    again.get_by_label("When").first.fill("in two days")
    again.locator("#submit").click()
    expect(again.locator("#tweets")).to_contain_text("On a train, home")
    assert texts_of(running, handle) == []
    again.get_by_role("link", name="Details").click()
    again.get_by_role("button", name="Back to draft").click()
    expect(again.get_by_label("Text of the tweet")).to_have_value("On a train, home")
    with running.rows():
        user = User.by_handle(handle)
        assert db.session.scalar(db.select(Tweet).where(Tweet.user_id == user.id)) is not None
    assert texts_of(running, handle) == ["On a train, home"]
