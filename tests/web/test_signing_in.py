"""Signing in at the network, and everything that can go wrong there."""

from __future__ import annotations

from datetime import timedelta

import requests

from app.db import db, utcnow
from app.models import Account, User, UserSession
from tests.support.visitor import SERVER, Visitor
from tests.support.world import World


def test_first_sign_in_makes_a_user_with_an_account(running: World, visitor: Visitor) -> None:
    """After the consent page there is a User, its Account, and tokens that nobody can read."""
    page = visitor.sign_in("newcomer")
    assert page.status_code == 200
    assert "@newcomer" in page.text
    with running.rows():
        account = User.by_handle("@Newcomer").accounts[0]
        assert account.credentials["refresh_token"]
        access_token = account.credentials["access_token"]
    stored = (running.folder / "tweet-later.sqlite3").read_bytes()
    assert access_token.encode() not in stored


def test_signing_in_again_is_the_same_user(running: World, visitor: Visitor) -> None:
    """A second sign-in finds the user and does not make another."""
    visitor.sign_in("again")
    Visitor(running.site).sign_in("again")
    with running.rows():
        assert Account.query.filter_by(handle="again").count() == 1


def test_refused_consent_says_what_happened(visitor: Visitor) -> None:
    """Who refuses is told that nothing was stored."""
    page = visitor.sign_in("shy", decision="refuse")
    assert page.status_code == 403
    assert "did not give Tweet Later access" in page.text
    assert "@shy" not in visitor.get("/").text


def test_stale_callback_says_what_happened(visitor: Visitor) -> None:
    """A callback that nobody here began is refused with a page, not an error."""
    page = visitor.get("/login/x/callback?state=made-up&code=made-up")
    assert page.status_code == 400
    assert "another window, or too long ago" in page.text


def test_a_callback_cannot_be_used_twice(visitor: Visitor) -> None:
    """The state is used up by the first callback."""
    consent = visitor.get("/login/x")
    answer = {"handle": "once", "decision": "approve"}
    there = visitor.http.post(consent.url, data=answer, allow_redirects=False, timeout=20)
    callback = there.headers["Location"]
    assert visitor.get(callback).ok
    assert visitor.get(callback).status_code == 400


def test_somebody_elses_callback_signs_nobody_in(running: World, visitor: Visitor) -> None:
    """The state belongs to the browser that began (login CSRF)."""
    consent = visitor.get("/login/x")
    answer = {"handle": "attacker", "decision": "approve"}
    there = visitor.http.post(consent.url, data=answer, allow_redirects=False, timeout=20)
    victim = Visitor(running.site)
    assert victim.get(there.headers["Location"]).status_code == 400
    assert "@attacker" not in victim.get("/").text


def test_an_account_of_somebody_else_cannot_be_connected(ana: Visitor, ben: Visitor) -> None:
    """Ben, signed in, cannot take over Ana's account; he is told so."""
    page = ben.sign_in("ana")
    assert page.status_code == 409
    assert "already connected to another user" in page.text


def test_a_server_in_the_address_only_fills_the_form(visitor: Visitor) -> None:
    """An address begins nothing where something is typed; the form does, and explains a bad one."""
    asked = SERVER.search(visitor.get("/login/mastodon").text)
    assert asked
    for address in (asked[1], "evil.example", "not a server"):
        form = visitor.get("/login/mastodon", params={"server": address}, allow_redirects=False)
        assert form.status_code == 200
        shown = SERVER.search(form.text)
        assert shown
        assert shown[1] == address
    handle = visitor.get("/login/bluesky?identifier=ana.test", allow_redirects=False)
    assert (handle.status_code, 'value="ana.test"' in handle.text) == (200, True)
    assert visitor.begin("mastodon").url.startswith(asked[1])
    assert visitor.begin("mastodon", server="not a server").status_code == 422


def test_unknown_network_is_not_found(visitor: Visitor) -> None:
    """There is no sign-in for what does not exist."""
    assert visitor.get("/login/nowhere").status_code == 404


def test_signing_out_ends_the_session(ana: Visitor) -> None:
    """After signing out nothing is shown any more."""
    page = ana.submit("/logout")
    assert page.ok
    assert ana.get("/settings", allow_redirects=False).status_code == 302


def test_cookies_are_closed_to_scripts_and_other_sites(ana: Visitor) -> None:
    """HttpOnly and SameSite are set; Secure would need https."""
    cookie = next(c for c in ana.http.cookies if c.name.startswith("tweet_later"))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_polling_does_not_keep_a_session_alive(running: World, ana: Visitor) -> None:
    """A page prolongs the session, to a few minutes; a tab that goes on asking does not."""
    tweet = ana.post("/tweets", text="later", when="in one hour").json()
    assert "Set-Cookie" not in ana.get("/").headers
    with running.rows():
        db.session.execute(db.update(UserSession).values(seen_at=utcnow() - timedelta(hours=1)))
        db.session.commit()
    assert "Set-Cookie" not in ana.get(tweet["status_url"]).headers
    assert "Expires=" in ana.get("/").headers["Set-Cookie"]
    assert "Set-Cookie" not in ana.get("/").headers


def test_the_network_that_does_not_answer(running: World, visitor: Visitor) -> None:
    """While X hangs at the token call the person gets a page that says so."""
    running.sandbox.fault("status", operation="code", status=503)
    page = visitor.sign_in("unlucky")
    assert page.status_code in {400, 502}
    assert "Try again" in page.text
    assert "Traceback" not in page.text
    running.sandbox.mend()


def test_pages_ask_nobody_else(ana: Visitor) -> None:
    """On every page the same strict policy forbids external requests and inline scripts."""
    tweet = ana.post("/tweets", text="A page of its own", when="in one hour").json()["tweet"]["id"]
    pages = ("/", "/accounts", "/settings", f"/tweets/{tweet}", "/login/mastodon", "/nowhere")
    (policy,) = {ana.get(page).headers["Content-Security-Policy"] for page in pages}
    assert "default-src 'self'" in policy
    assert "img-src 'self' data:;" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_oauth1_signs_in_too(running: World) -> None:
    """With a consumer key and no client id, the 1.0a dance signs in."""
    keys = {"X_CONSUMER_KEY": "sandbox-consumer", "X_CONSUMER_SECRET": "sandbox-consumer-secret"}
    site = running.start_web(X_CLIENT_ID="", X_CLIENT_SECRET="", **keys)
    visitor = Visitor(site)
    page = visitor.sign_in("oldschool")
    assert "@oldschool" in page.text
    refused = Visitor(site).sign_in("oldschool", decision="refuse")
    assert refused.status_code == 403


def test_health_is_green(running: World) -> None:
    """With everything up, /healthz is 200."""
    answer = requests.get(f"{running.site}/healthz", timeout=10)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "failing": []})
