"""Too many requests of one person are refused with a moment to come back."""

from __future__ import annotations

import pytest
import requests

from app import mail
from app.web.rate_limits import origin_of
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor


def test_too_many_tweets_a_minute(make_world: MakeWorld, sqlite_url: str) -> None:
    """The one too many gets 429, Retry-After in seconds and a sentence; it is not stored."""
    world = make_world(sqlite_url, RATE_LIMIT_WRITES="3 per minute")
    site = world.start_web()
    ana, ben = Visitor(site), Visitor(site)
    ana.sign_in("ana")
    ben.sign_in("ben")
    answers = [ana.post("/tweets", text=f"number {n}", when="in one hour") for n in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.json()["error"]["message"].endswith(".")
    assert "number 3" not in ana.get("/").text
    assert ben.post("/tweets", text="mine", when="in one hour").status_code == 202


def guess(site: str, token: str = "", path: str = "/tweets", **headers: str) -> int:
    """Send a form with a token that is none of ours; return the status."""
    form = {"csrf_token": token, "text": "x"}
    return requests.post(f"{site}{path}", data=form, headers=headers, timeout=20).status_code


def test_guessing_a_token_is_not_free(make_world: MakeWorld, sqlite_url: str) -> None:
    """Missing or wrong, signed in or not, whatever the page: all count, by address."""
    world = make_world(sqlite_url, RATE_LIMIT_SIGN_IN="8 per minute")
    site = world.start_web()
    ana = Visitor(site)
    ana.sign_in("ana")
    statuses = [guess(site), guess(site, "wrong"), guess(site, path="/login/mastodon")]
    assert statuses == [401, 401, 400]
    for _number in range(5):
        refused = ana.http.post(f"{site}/logout", timeout=20, headers={"X-CSRFToken": "wrong"})
        assert refused.status_code == 400
    # Nobody named a proxy, so what a caller says of his address changes nothing.
    assert guess(site, **{"X-Forwarded-For": "192.0.2.1"}) == 429
    late = ana.http.post(f"{site}/logout", timeout=20, headers={"Accept": "application/json"})
    assert late.status_code == 429
    assert 1 <= int(late.headers["Retry-After"]) <= 61
    assert late.json()["error"]["code"] == "http_429"
    assert ana.post("/tweets", text="a true token", when="in one hour").status_code == 202


def test_behind_a_proxy_its_word_counts(make_world: MakeWorld, sqlite_url: str) -> None:
    """The last address, which the proxy wrote; IPv6 by the network that one owner has."""
    world = make_world(sqlite_url, RATE_LIMIT_WRITES="2 per minute", BEHIND_PROXY="1")
    client = world.app.test_client()

    def guesses(*addresses: str) -> list[int]:
        told = [{"X-Forwarded-For": address} for address in addresses]
        return [client.post("/tweets", headers=headers).status_code for headers in told]

    assert guesses("192.0.2.1", "198.51.100.7, 192.0.2.1", "10.0.0.1, 192.0.2.1") == [401, 401, 429]
    assert guesses("192.0.2.2") == [401]
    assert guesses("2001:db8::1", "2001:db8::2:3", "2001:db8:0:0:ffff::") == [401, 401, 429]
    assert guesses("2001:db8:0:1::1") == [401]


def test_returns_from_a_consent_page_that_nobody_began(
    make_world: MakeWorld, sqlite_url: str
) -> None:
    """An invented state counts like any other sign-in."""
    world = make_world(sqlite_url, RATE_LIMIT_SIGN_IN="3 per minute")
    client = world.app.test_client()
    answers = [
        client.get(f"/login/x/callback?state={number}&code=c").status_code for number in range(4)
    ]
    assert answers[:3] == [answers[0]] * 3
    assert 400 <= answers[0] < 429
    assert answers[3] == 429
    # A mail provider unsubscribes many people from one address, and nobody else could.
    with world.rows():
        token = mail.subscriptions.token_of("address:somebody", "reminder")
    one_click = {"List-Unsubscribe": "One-Click"}
    ended = [client.post(f"/unsubscribe/{token}", data=one_click).status_code for _ in range(5)]
    assert ended == [200] * 5


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        (None, "nowhere"),
        ("unix:", "unix:"),
    ],
)
def test_what_counts_as_one_place(address: str | None, counted: str) -> None:
    """Whoever has one address of an IPv6 network has all of them."""
    assert origin_of(address) == counted
