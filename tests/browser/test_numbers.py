"""In a real browser: the same text is asked about, and how tweets were answered is shown."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from app.db import db, utcnow
from app.models import BestHours, Delivery, PostNumbers, User
from app.states import State
from tests.browser.conftest import sign_in
from tests.browser.test_look import assert_accessible, assert_fits
from tests.support.world import World

pytestmark = pytest.mark.browser


def write(page: Page, text: str) -> None:
    """Schedule a tweet for tomorrow."""
    page.get_by_label("Text of the tweet").fill(text)
    page.locator("#when").fill("tomorrow at 9")
    expect(page.locator("#echo")).to_have_attribute("data-understood", "")
    page.locator("#submit").click()


def test_the_same_again(page: Page, running: World) -> None:
    """It is asked about with what was typed still there, and sent when its writer insists."""
    sign_in(page, running.site, f"p{uuid.uuid4().hex[:10]}")
    write(page, "The bread is warm, come in")
    expect(page.get_by_role("article")).to_have_count(1)
    write(page, "the BREAD is warm,  come in")
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("You already have a tweet with the same text")
    expect(page.get_by_label("Text of the tweet")).to_have_value("the BREAD is warm,  come in")
    assert "/tweets/" in (trouble.get_by_role("link", name="Show it").get_attribute("href") or "")
    assert_accessible(page)
    trouble.get_by_role("button", name="Send anyway").click()
    expect(page.get_by_role("article")).to_have_count(2)
    expect(trouble).to_be_empty()
    write(page, "The bread is warm, come in!")
    banner = page.locator(".similar")
    expect(banner).to_contain_text("nearly the same")
    banner.get_by_role("button", name="Cancel the new one").click()
    expect(banner).to_have_count(0)
    expect(page.get_by_role("article").first).to_contain_text("Cancelled")


def test_numbers_and_the_best_hour(page: Page, running: World) -> None:
    """A chart with its table fits a phone, and the best hour goes into the time field."""
    handle = f"p{uuid.uuid4().hex[:10]}"
    sign_in(page, running.site, handle)
    with running.rows():
        user = User.by_handle(handle)
        account_id = user.accounts[0].id
        jobs = [user.tweet_later(f"Number {n}", "in 3 days") for n in range(3)]
        at = utcnow() - timedelta(hours=2)
        # Told here: what publishing, reading and the time would have made of the rows.
        out = {"state": State.PUBLISHED, "next_at": None, "accepted_at": at, "finished_at": at}
        db.session.execute(db.update(Delivery).where(Delivery.id.in_(jobs)).values(out))
        for likes, job in enumerate(jobs):
            told = {"likes": likes, "reposts": 1, "replies": None, "at": utcnow()}
            key = {"delivery_id": job, "account_id": account_id, "after_s": 3600}
            db.session.add(PostNumbers(**key, **told))
        hours = BestHours(account_id=account_id, posts=25, zone="Europe/Berlin", as_of=utcnow())
        hours.best = [{"weekday": 2, "hour": 18}]
        db.session.add(hours)
        db.session.commit()
    page.goto(running.site)
    page.get_by_role("radio", name="Pick time").check()
    page.get_by_role("button", name="Tue 18:00: your best hour").click()
    expect(page.locator("#echo")).to_contain_text("18:00")
    page.get_by_role("link", name="Numbers and best hours").click()
    expect(page.get_by_role("heading", name="Best hours")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Tue 18:00")).to_be_visible()
    expect(page.locator("svg.chart")).to_have_count(1)
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 800})
    assert_fits(page)
