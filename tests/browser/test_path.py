"""The whole path in a real browser: sign in, tweet now, tweet later, failure, reconnect."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import sign_in
from tests.support.world import World

pytestmark = pytest.mark.browser


def write(page: Page, text: str, when: str = "") -> None:
    """Fill the composer and send it."""
    page.get_by_label("Text of the tweet").fill(text)
    page.get_by_label("When").first.fill(when)
    page.locator("#submit").click()


def card(page: Page, text: str):  # type: ignore[no-untyped-def]
    """Return the card of the tweet with this text."""
    return page.get_by_role("article").filter(has_text=text)


def test_tweet_now(page: Page, running: World) -> None:
    """Written now, it is accepted without a reload, becomes published, and the link leads there."""
    sign_in(page, running.site, "now_person")
    write(page, "Straight from the browser")
    published = card(page, "Straight from the browser")
    expect(published).to_contain_text("Published")
    expect(page.get_by_label("Text of the tweet")).to_have_value("")
    expect(page.locator("#announcer")).to_contain_text("Published")
    published.get_by_role("link", name="View on X").click()
    expect(page.locator("body")).to_contain_text("Straight from the browser")
    assert running.sandbox.texts()["Straight from the browser"] == 1


def test_tweet_later_in_words(page: Page, running: World) -> None:
    """The time is echoed as it was understood before anything is sent, in the person's zone."""
    sign_in(page, running.site, "later_person")
    page.get_by_label("Text of the tweet").fill("Later, in words")
    page.get_by_label("When").first.fill("mañana a las 9")
    expect(page.locator("#echo")).to_contain_text(re.compile(r"09:00.*Europe/Berlin"))
    expect(page.locator("#submit")).to_contain_text("Schedule")
    page.locator("#submit").click()
    scheduled = card(page, "Later, in words")
    expect(scheduled).to_contain_text("Scheduled")
    scheduled.get_by_role("button", name="Post now").click()
    expect(card(page, "Later, in words")).to_contain_text("Published")


def test_errors_are_shown_at_the_field(page: Page, running: World) -> None:
    """An unknown time is marked at its field, the text stays, and nothing is stored."""
    sign_in(page, running.site, "error_person")
    write(page, "Stays in the box", "banana")
    field = page.get_by_label("When").first
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Text of the tweet")).to_have_value("Stays in the box")
    expect(page.get_by_role("article")).to_have_count(0)


def test_a_double_click_makes_one_tweet(page: Page, running: World) -> None:
    """Clicking twice in a hurry is one tweet."""
    sign_in(page, running.site, "double_person")
    page.get_by_label("Text of the tweet").fill("Twice in a hurry")
    page.locator("#submit").dblclick()
    expect(card(page, "Twice in a hurry")).to_contain_text("Published")
    expect(page.get_by_role("article")).to_have_count(1)
    assert running.sandbox.texts()["Twice in a hurry"] == 1


def test_failure_names_its_reason_and_can_be_mended(page: Page, running: World) -> None:
    """A refused tweet says why and what to do; tried again, it goes out."""
    sign_in(page, running.site, "failing_person")
    running.sandbox.fault("refuse", handle="failing_person")
    write(page, "Refused at first")
    failed = card(page, "Refused at first")
    expect(failed).to_contain_text("Failed")
    expect(failed).to_contain_text("Change the text and try again.")
    failed.get_by_role("button", name="Try again").click()
    expect(card(page, "Refused at first")).to_contain_text("Published")


def test_reconnect(page: Page, running: World) -> None:
    """Revoked access holds the tweet; a new sign-in releases it."""
    sign_in(page, running.site, "revoked_person")
    running.sandbox.control("revoke", handle="revoked_person")
    write(page, "Waits for a reconnect")
    held = card(page, "Waits for a reconnect")
    expect(held).to_contain_text("Access to @revoked_person ended.")
    held.get_by_role("link", name="Reconnect").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.locator("#handle").fill("revoked_person")
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.wait_for_url(f"{running.site}/accounts")
    page.goto(running.site)
    expect(card(page, "Waits for a reconnect")).to_contain_text("Published")


def test_an_unknown_outcome_is_shown_while_it_is_checked(page: Page, running: World) -> None:
    """Taken by X without an answer: the card says that it is being checked, then published."""
    sign_in(page, running.site, "unsure_person")
    running.sandbox.settings(read_lag=3)
    running.sandbox.fault("accept_then_drop", handle="unsure_person")
    write(page, "Did it arrive")
    expect(card(page, "Did it arrive")).to_contain_text("Checking whether it went out")
    expect(card(page, "Did it arrive")).to_contain_text("Published")
    running.sandbox.settings(read_lag=0)
    assert running.sandbox.texts()["Did it arrive"] == 1


def test_polling_survives_a_lost_connection(
    page: Page, context: BrowserContext, running: World
) -> None:
    """While the line is away the page says so; when it is back, the state is right."""
    sign_in(page, running.site, "offline_person")
    running.sandbox.fault("slow", handle="offline_person", seconds=1.5)
    write(page, "Over a bad line")
    expect(card(page, "Over a bad line")).to_be_visible()
    context.set_offline(True)
    expect(page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    context.set_offline(False)
    expect(card(page, "Over a bad line")).to_contain_text("Published")


def test_text_is_kept_when_the_server_is_away(
    page: Page, context: BrowserContext, running: World
) -> None:
    """A tweet that could not be submitted stays in the box and can be sent again, once."""
    sign_in(page, running.site, "patient_person")
    context.set_offline(True)
    write(page, "Do not lose me")
    expect(page.locator("#trouble")).to_contain_text("Your text is kept here")
    expect(page.get_by_label("Text of the tweet")).to_have_value("Do not lose me")
    context.set_offline(False)
    page.locator("#submit").click()
    expect(card(page, "Do not lose me")).to_contain_text("Published")
    assert running.sandbox.texts()["Do not lose me"] == 1


def test_keyboard_only(page: Page, running: World) -> None:
    """Sign in, write, send and cancel without touching a mouse."""
    sign_in(page, running.site, "keyboard_person")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.get_by_label("Text of the tweet").focus()
    page.keyboard.type("Typed, not clicked")
    for button in ("Add pictures", "Add a part to the thread"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=button)).to_be_focused()
    for words in ("Options for @keyboard_person on X", "Show it as it will look", "Surprise me"):
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text(words)
    page.keyboard.press("Tab")
    page.keyboard.type("in two hours")
    page.keyboard.press("Control+Enter")
    written = card(page, "Typed, not clicked")
    expect(written).to_contain_text("Scheduled")
    written.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(card(page, "Typed, not clicked")).to_contain_text("Cancelled")


def test_a_banner_goes_when_its_reader_has_signed_out(
    page: Page, context: BrowserContext, running: World
) -> None:
    """The script that asks about workers is told no, once; it shows no page inside the page."""
    page.clock.install()
    sign_in(page, running.site, "leaving_person")
    page.evaluate("$('#silence').html('<p>Nothing is being sent right now.</p>')")
    answers: list[int] = []
    page.on("response", lambda got: answers.append(got.status) if "/silence" in got.url else 0)
    page.clock.fast_forward(16_000)
    expect(page.locator("#silence")).to_be_empty()
    page.evaluate("$('#silence').html('<p>Nothing is being sent right now.</p>')")
    context.clear_cookies()
    page.clock.fast_forward(16_000)
    expect(page.locator("#silence")).to_be_empty()
    page.evaluate("$('#silence').html('<p>Nobody asks any more.</p>')")
    page.clock.fast_forward(60_000)
    expect(page.locator("#silence")).to_contain_text("Nobody asks any more.")
    assert answers == [200, 401]
