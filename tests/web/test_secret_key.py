"""The key that signs sessions can be changed without signing anybody out."""

from __future__ import annotations

import re

import pytest
import requests

from tests.conftest import MakeWorld
from tests.support.visitor import Visitor

pytestmark = pytest.mark.slow

OLD, NEW = "o" * 32, "n" * 32
PRODUCTION = {"APP_ENV": "production", "APP_URL": "http://127.0.0.1:8000"}


def sign_in(visitor: Visitor) -> None:
    """Walk through the consent page, which leads back to APP_URL, where nobody listens."""
    consent = visitor.get("/login/x")
    decision = {"handle": "ana", "decision": "approve"}
    back = visitor.http.post(consent.url, data=decision, timeout=20, allow_redirects=False)
    visitor.get(back.headers["Location"].removeprefix(PRODUCTION["APP_URL"]))


def cookie_of(visitor: Visitor) -> str:
    """Return the session as it stands in the browser."""
    return next(cookie.value or "" for cookie in visitor.http.cookies if "tweet" in cookie.name)


def test_sessions_and_open_pages_outlive_a_new_key(make_world: MakeWorld, sqlite_url: str) -> None:
    """The old key is only read with, until it is left out; then its cookies are worth nothing."""
    first = make_world(sqlite_url, **PRODUCTION, SECRET_KEY=OLD)
    ana = Visitor(first.start_web())
    sign_in(ana)
    token, cookie = ana.token(), cookie_of(ana)
    then = make_world(sqlite_url, **PRODUCTION, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=f"{OLD}, ")
    ana.site = then.start_web()
    answer = ana.http.post(
        f"{ana.site}/tweets",
        json={"text": "written before", "when": "in one hour"},
        headers={"X-CSRFToken": token},
        timeout=20,
    )
    assert answer.status_code == 202
    assert "written before" in ana.get("/").text
    assert cookie_of(ana) != cookie
    last = make_world(sqlite_url, **PRODUCTION, SECRET_KEY=NEW)
    ana.site = last.start_web()
    assert "written before" in ana.get("/").text
    stale = requests.get(ana.site, headers={"Cookie": f"tweet_later={cookie}"}, timeout=20)
    assert not re.search("written before|/logout", stale.text)
