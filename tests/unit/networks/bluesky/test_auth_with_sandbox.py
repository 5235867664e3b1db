"""Sessions at the sandbox's Bluesky, as the client opens, renews and closes them."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part
from app.networks.bluesky.network import Bluesky
from app.networks.errors import ConnectRefused, RefreshUnclear, TokenRefused
from tests.support.bluesky import BlueskySandbox
from tests.support.creates import created

PASSWORD = "sandbox-password"


def fresh(text: str, **more: Any) -> Part:
    """Return a part that begins now."""
    return Part(text, secrets.token_hex(16), now := datetime.now(UTC), now, **more)


def send(bluesky: Bluesky, credentials: dict[str, Any], body: dict[str, Any]) -> Outcome:
    """Make one create call."""
    return created(bluesky, credentials, body, http.boottime() + 5)


@pytest.mark.parametrize(
    ("identifier", "password", "code"),
    [
        ("ana.test", "wrong", "bad_password"),
        ("nobody.example.com", PASSWORD, "bad_password"),
        ("ana", PASSWORD, "unknown_handle"),
    ],
)
def test_wrong_words_connect_nobody(
    bluesky: Bluesky, identifier: str, password: str, code: str
) -> None:
    """The network does not tell whether handle or password is wrong."""
    with pytest.raises(ConnectRefused) as refusal:
        bluesky.begin({"identifier": identifier, "password": password}, "")
    assert refusal.value.code == code


def test_the_accounts_own_password_is_not_taken(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Where a sign-in code is asked for, an app password is what helps."""
    sandbox.settings(auth_factor=True)
    with pytest.raises(ConnectRefused) as refusal:
        bluesky.begin({"identifier": "ana.test", "password": PASSWORD}, "")
    assert refusal.value.code == "needs_app_password"


def test_too_many_sign_ins(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Thirty in five minutes; the next one has to wait."""
    sandbox.settings(limits={"sign_in": 1})
    typed = {"identifier": "ana.test", "password": PASSWORD}
    bluesky.begin(typed, "")
    with pytest.raises(ConnectRefused) as refusal:
        bluesky.begin(typed, "")
    assert refusal.value.code == "too_often"


def test_an_expired_token_is_renewed(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Refused with HTTP 400, refreshed without a new sign-in, and sent with the same key."""
    credentials = sandbox.credentials()
    body = bluesky.body(fresh("Two hours later"))
    sandbox.control("revoke", handle="ana", what="access")
    outcome = send(bluesky, credentials, body)
    assert (outcome.kind, outcome.code, outcome.http_status) == (
        OutcomeKind.AUTH,
        "token_refused",
        400,
    )
    with pytest.raises(TokenRefused):
        bluesky.who_am_i(credentials)
    renewed = bluesky.refresh(credentials)
    assert send(bluesky, renewed, body).kind == OutcomeKind.OK
    assert sandbox.state()["calls"].get("code", 0) == 0


def test_a_token_tells_when_it_ends(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """So that it is renewed before it is refused."""
    sandbox.settings(access_token_seconds=30)
    credentials = bluesky.refresh(sandbox.credentials())
    assert bluesky.is_expired(credentials)
    sandbox.settings(clock_offset=31)
    assert send(bluesky, credentials, bluesky.body(fresh("x"))).kind == OutcomeKind.AUTH


def test_two_workers_refresh_one_session(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Both get the same successor, and both of their access tokens count."""
    credentials = sandbox.credentials()
    results: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: results.append(bluesky.refresh(credentials)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first, second = results
    assert first["refresh_jwt"] == second["refresh_jwt"] != credentials["refresh_jwt"]
    assert bluesky.who_am_i(first) == bluesky.who_am_i(second)


def test_a_lost_refresh_is_made_again(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """The old token still gives the new one, for two hours."""
    credentials = sandbox.credentials()
    sandbox.fault("accept_then_drop", "token")
    with pytest.raises(RefreshUnclear):
        bluesky.refresh(credentials)
    bluesky.who_am_i(bluesky.refresh(credentials))
    sandbox.settings(clock_offset=7_201)
    with pytest.raises(TokenRefused):
        bluesky.refresh(credentials)


def test_a_refresh_that_must_wait(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """The server says how long; until then it is not asked again, and nothing was spent."""
    credentials = sandbox.credentials()
    sandbox.fault("rate_limit", "token", group="short", reset_in=40)
    with pytest.raises(RefreshUnclear) as limited:
        bluesky.refresh(credentials)
    assert 35 < (limited.value.retry_after or 0) <= 41
    assert bluesky.refresh(credentials)["access_jwt"]


def test_a_password_that_was_taken_back(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Only its owner can help: neither token counts, and posts can still be looked up."""
    credentials = sandbox.credentials()
    body = bluesky.body(fresh("Before"))
    assert send(bluesky, credentials, body).kind == OutcomeKind.OK
    sandbox.control("revoke", handle="ana")
    assert send(bluesky, credentials, bluesky.body(fresh("After"))).kind == OutcomeKind.AUTH
    with pytest.raises(TokenRefused):
        bluesky.refresh(credentials)
    (seen,) = bluesky.recent(credentials, credentials["did"], datetime.now(UTC), [body])
    assert seen.comparable == body["rkey"]


def test_disconnecting_ends_the_session(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """What we held is worth nothing afterwards."""
    credentials = sandbox.credentials()
    bluesky.revoke(credentials)
    with pytest.raises(TokenRefused):
        bluesky.refresh(credentials)
