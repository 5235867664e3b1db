"""The accounts page: how each account is doing, connecting more of them, disconnecting one."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from app.accounts import disconnections
from app.db import db, utcnow
from app.models import Account, Delivery, User
from app.networks.mastodon.posts import USUAL
from app.states import State
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


def account_of(running: World, handle: str) -> Account:
    """Return the row, with its credentials read, detached."""
    with running.rows():
        account = db.session.scalars(db.select(Account).filter_by(handle=handle)).one()
        assert account.credentials is not None
        db.session.expunge(account)
        return account


def card(page: str, handle: str) -> str:
    """Return one account's part of the page."""
    cards = re.findall(r'<li class="panel account-card".*?</li>', page, re.DOTALL)
    (found,) = [one for one in cards if f"@{handle}</a>" in one]
    return found


def test_each_account_says_how_it_is_doing(running: World, visitor: Visitor) -> None:
    """Works, the last post with its link, the last problem with its tweet, and what waits."""
    visitor.sign_in("healthy")
    fresh = card(visitor.get("/accounts").text, "healthy")
    assert "Works" in fresh
    assert "None yet" in fresh
    made = visitor.post("/tweets", text="Out there").json()
    link = visitor.until_final(made["job_id"])["url"]
    visitor.post("/tweets", text="For tomorrow", when="in 24 hours")
    told = card(visitor.get("/accounts").text, "healthy")
    assert f'href="{link}"' in told
    assert "1 tweet<" in told
    running.sandbox.fault("refuse", handle="healthy")
    refused = visitor.post("/tweets", text="Not this one").json()
    visitor.until_final(refused["job_id"])
    told = card(visitor.get("/accounts").text, "healthy")
    assert "X refused this text." in told
    assert f'href="/tweets/{refused["tweet"]["id"]}"' in told


def test_ended_access_asks_for_a_reconnect(running: World, visitor: Visitor) -> None:
    """The page says so, and connecting again from it leads back to it, healthy."""
    visitor.sign_in("ended")
    visitor.post("/tweets", text="For tomorrow", when="in 24 hours")
    running.sandbox.control("revoke", handle="ended")
    made = visitor.post("/tweets", text="Held for now").json()
    wait_for(lambda: visitor.status(made["job_id"])["state"] == "held", what="the hold")
    told = card(visitor.get("/accounts").text, "ended")
    assert "Reconnect needed" in told
    assert "Access to @ended ended." in told
    (moment,) = re.findall(r'<time datetime="([^"]+)"', told)
    assert datetime.fromisoformat(moment) <= datetime.now(UTC)
    way = re.search(r'href="(/login/x[^"]*)"', told)
    assert way
    assert 'name="back" value="accounts"' in visitor.get(way[1].replace("&amp;", "&")).text
    consent = visitor.submit("/login/x", back="accounts")
    answer = {"handle": "ended", "decision": "approve"}
    asked = visitor.http.post(consent.url, data=answer, timeout=20)
    assert "Reconnect @ended?" in asked.text
    back = visitor.submit("/accounts/confirm")
    assert back.url.endswith("/accounts")
    assert "Connected on X: @ended" in back.text
    assert "Works" in card(back.text, "ended")
    assert visitor.until_final(made["job_id"])["status"] == "done"


def test_a_pause_says_until_when(running: World, visitor: Visitor) -> None:
    """A rate limit shows as paused, with the moment at which it goes on."""
    visitor.sign_in("limited")
    running.sandbox.fault("rate_limit", handle="limited", group="short", reset_in=600)
    made = visitor.post("/tweets", text="Wait a little").json()
    wait_for(lambda: visitor.status(made["job_id"])["attempts"] == 1, what="the first try")
    wait_for(lambda: "Paused" in card(visitor.get("/accounts").text, "limited"), what="the pause")
    told = card(visitor.get("/accounts").text, "limited")
    assert "X asks us to wait." in told
    assert re.search(r"Continues\s+<time [^>]*>in \d+ minutes", told)
    running.sandbox.mend()


@pytest.mark.parametrize(
    ("privacy", "sentence"),
    [("unlisted", "unlisted"), ("private", "not public"), ("public", "")],
)
def test_who_sees_its_posts_is_said(
    running: World, visitor: Visitor, privacy: str, sentence: str
) -> None:
    """Some servers let new accounts post unlisted: whoever reads only here would not know."""
    handle = f"p{uuid.uuid4().hex[:10]}"
    visitor.sign_in(handle)
    with running.rows():
        user_id = User.by_handle(handle).id
    running.sandbox.on("mastodon").settings(privacy=privacy)
    account_id = running.connect(user_id, "mastodon", handle)
    with running.rows():
        account = db.session.get_one(Account, account_id)
        account.limits, account.limits_at = asdict(replace(USUAL, visibility=privacy)), utcnow()
        db.session.commit()
    running.sandbox.on("mastodon").settings(privacy="public")
    page = visitor.get("/accounts").text
    assert ("Its posts are" in page) == bool(sentence)
    assert not sentence or f"Its posts are {sentence}" in page


@pytest.mark.slow
def test_a_server_that_is_away_does_not_work(running: World, visitor: Visitor) -> None:
    """The page says so while a tweet waits for it, and no longer."""
    visitor.sign_in("far_away")
    running.sandbox.control("revoke", handle="far_away", what="access")
    running.sandbox.fault("status", "token", handle="far_away", status=503, count=None)
    made = visitor.post("/tweets", text="Wait for it").json()
    wait_for(
        lambda: "Does not answer" in card(visitor.get("/accounts").text, "far_away"),
        what="the silence",
    )
    assert "Works" not in card(visitor.get("/accounts").text, "far_away")
    running.sandbox.mend()
    assert visitor.until_final(made["job_id"])["status"] == "done"
    assert "Works" in card(visitor.get("/accounts").text, "far_away")


def test_a_second_account_belongs_to_the_same_person(running: World, visitor: Visitor) -> None:
    """Whoever is signed in and connects another account has both."""
    visitor.sign_in("first_of_two")
    page = visitor.sign_in("second_of_two")
    assert "Connected on X: @second_of_two" in page.text
    told = visitor.get("/accounts").text
    assert "Works" in card(told, "first_of_two")
    assert "Works" in card(told, "second_of_two")
    with running.rows():
        names = [account.handle for account in User.by_handle("first_of_two").accounts]
    assert names == ["first_of_two", "second_of_two"]


def test_disconnecting_says_what_happens_and_does_it(running: World, visitor: Visitor) -> None:
    """What waits is counted, then cancelled; the access ends here and at the network."""
    visitor.sign_in("leaver")
    waiting = visitor.post("/tweets", text="Never to be", when="in 2 hours").json()
    out = visitor.post("/tweets", text="Stays there").json()
    visitor.until_final(out["job_id"])
    account = account_of(running, "leaver")
    page = visitor.get(f"/accounts/{account.id}/disconnect").text
    assert "1 tweet is waiting for this account." in page
    assert "You stay signed in" in page
    done = visitor.submit(f"/accounts/{account.id}/disconnect")
    assert "@leaver is disconnected. 1 waiting tweet was cancelled." in done.text
    assert visitor.status(waiting["job_id"])["state"] == State.CANCELLED
    assert visitor.status(out["job_id"])["status"] == "done"
    after = account_of(running, "leaver")
    assert (after.connected, after.credentials) == (False, {})
    gone = visitor.post("/tweets", text="To nobody")
    assert gone.status_code == 422
    assert gone.json()["error"]["field"] == "accounts"
    assert "No account is connected" in visitor.get("/accounts").text
    assert "Stays there" in visitor.get("/").text


def test_a_disconnected_access_is_dead_at_the_network(running: World, visitor: Visitor) -> None:
    """X does not accept the token any more."""
    visitor.sign_in("dead_token")
    account = account_of(running, "dead_token")
    token = account.credentials["access_token"]
    assert _me(running, token) == 200
    visitor.submit(f"/accounts/{account.id}/disconnect")
    assert _me(running, token) == 401


def _me(running: World, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{running.sandbox.url}/2/users/me"
    return Visitor(running.sandbox.url).get(url, headers=headers).status_code


def test_a_disconnected_account_can_come_back(running: World, visitor: Visitor) -> None:
    """Connected again it is the same account, and publishes."""
    visitor.sign_in("prodigal")
    before = account_of(running, "prodigal")
    visitor.submit(f"/accounts/{before.id}/disconnect")
    visitor.sign_in("prodigal")
    after = account_of(running, "prodigal")
    assert (after.id, after.user_id, after.connected) == (before.id, before.user_id, True)
    made = visitor.post("/tweets", text="Back again").json()
    assert visitor.until_final(made["job_id"])["status"] == "done"


@pytest.mark.slow
def test_what_is_being_sent_finishes_first(running: World, visitor: Visitor) -> None:
    """A tweet that is under way is published; the access ends after that."""
    visitor.sign_in("hasty")
    account = account_of(running, "hasty")
    running.sandbox.fault("slow", handle="hasty", seconds=1.2)
    made = visitor.post("/tweets", text="Already on its way").json()
    wait_for(lambda: visitor.status(made["job_id"])["state"] == "sending", what="the send")
    visitor.submit(f"/accounts/{account.id}/disconnect")
    assert visitor.until_final(made["job_id"])["status"] == "done"
    wait_for(lambda: account_of(running, "hasty").credentials == {}, what="the end of the access")


@pytest.mark.slow
def test_an_access_that_had_ended_is_forgotten_too(running: World, visitor: Visitor) -> None:
    """Nobody had time to ask the network when it was disconnected: a worker sees to it."""
    visitor.sign_in("over")
    running.sandbox.control("revoke", handle="over")
    made = visitor.post("/tweets", text="Refused").json()
    wait_for(lambda: visitor.status(made["job_id"])["state"] == "held", what="the hold")
    with running.rows():
        disconnections.disconnect(account_of(running, "over").id)
    wait_for(lambda: account_of(running, "over").credentials == {}, what="the end of the access")


def test_only_its_owner_may_disconnect(running: World, ana: Visitor, ben: Visitor) -> None:
    """Somebody else's account does not exist, neither to see nor to end."""
    account = account_of(running, "ana")
    assert ben.get(f"/accounts/{account.id}/disconnect").status_code == 404
    assert ben.submit(f"/accounts/{account.id}/disconnect").status_code == 404
    assert ben.post("/accounts/999999999999/disconnect").status_code == 404
    assert account_of(running, "ana").connected
    assert Visitor(running.site).get("/accounts", allow_redirects=False).status_code == 302


def test_deliveries_of_a_disconnected_account_stay_readable(
    running: World, visitor: Visitor
) -> None:
    """The list, the tweet's own page and the status answer as before."""
    visitor.sign_in("archived")
    made = visitor.post("/tweets", text="For the archive").json()
    visitor.until_final(made["job_id"])
    visitor.submit(f"/accounts/{account_of(running, 'archived').id}/disconnect")
    assert "For the archive" in visitor.get("/").text
    assert visitor.get(f"/tweets/{made['tweet']['id']}").ok
    with running.rows():
        assert db.session.get_one(Delivery, made["job_id"]).account.handle == "archived"
