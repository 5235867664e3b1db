"""X's side of the wire, against a server that answers exactly what a test wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any
from urllib.parse import quote, unquote

import pytest

from app.networks import http
from app.networks.base import OutcomeKind
from app.networks.errors import AppRefused, RefreshUnclear, TokenRefused
from app.networks.x.network import X
from tests.support.creates import created
from tests.support.scripted import ScriptedServer, part
from tests.support.waiting import free_port

OAUTH1 = {"token": "tk", "token_secret": "ts"}
OAUTH2 = {"access_token": "at", "refresh_token": "rt", "expires_at": None}


def x_at(url: str, **settings: Any) -> X:
    """Return X at this address, with keys of both kinds."""
    config: dict[str, Any] = {
        "X_CLIENT_ID": "client id",
        "X_CLIENT_SECRET": "client secret",
        "X_CONSUMER_KEY": "ck",
        "X_CONSUMER_SECRET": "cs",
        "X_API_URL": url,
        "X_AUTHORIZE_URL": f"{url}/authorize",
        "X_SITE_URL": "https://x.com",
        "SEND_TIMEOUT": 15.0,
        "SANDBOX": (),
        **settings,
    }
    return X(config)


def create(x: X, credentials: dict[str, Any]) -> Any:
    """Post one tweet now."""
    return created(x, credentials, x.body(part("Olé & <b> ✓")), http.boottime() + 60)


# Signing


def signature(url: str, nonce: str, timestamp: str) -> str:
    """Sign a POST with a JSON body by hand, as X's documentation describes it."""
    values = {
        "oauth_consumer_key": "ck",
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": timestamp,
        "oauth_token": "tk",
        "oauth_version": "1.0",
    }
    joined = "&".join(f"{name}={quote(value, '')}" for name, value in sorted(values.items()))
    base = f"POST&{quote(url, '')}&{quote(joined, '')}"
    return base64.b64encode(hmac.digest(b"cs&ts", base.encode(), hashlib.sha1)).decode()


def test_the_signature_by_hand_is_the_known_one() -> None:
    """What the next test compares with gives a signature that was computed elsewhere."""
    known = signature("https://api.x.com/2/tweets", "n0nce", "1700000000")
    assert known == "CLLBGJ2Eb8U/xjoL90njvAnyaOk="


def test_oauth1_signs_without_the_json_body(scripted: ScriptedServer) -> None:
    """OAuth 1.0a: only the oauth values are signed, with a fresh nonce and our clock."""
    scripted.answers = [(201, {"data": {"id": "1"}})] * 2
    x = x_at(scripted.url)
    assert create(x, OAUTH1).kind == create(x, OAUTH1).kind == OutcomeKind.OK
    nonces = set()
    for seen in scripted.seen:
        scheme, _, rest = seen.headers["Authorization"].partition(" ")
        values = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', rest)}
        assert scheme == "OAuth"
        wanted = signature(
            f"{scripted.url}/2/tweets", values["oauth_nonce"], values["oauth_timestamp"]
        )
        assert values["oauth_signature"] == wanted
        assert abs(int(values["oauth_timestamp"]) - time.time()) < 60
        nonces.add(values["oauth_nonce"])
    assert len(nonces) == 2


@pytest.mark.parametrize("credentials", [OAUTH1, OAUTH2])
def test_the_body_is_exactly_the_stored_one(
    scripted: ScriptedServer, credentials: dict[str, Any]
) -> None:
    """POST /2/tweets with JSON and nothing that X would refuse as unknown."""
    scripted.answers = [(201, {"data": {"id": "1"}})]
    create(x_at(scripted.url), credentials)
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/2/tweets")
    assert seen.headers["Content-Type"] == "application/json"
    assert json.loads(seen.body) == {"text": "Olé & <b> ✓"}


def test_oauth2_sends_the_bearer_token(scripted: ScriptedServer) -> None:
    """OAuth 2.0: the access token, and never the refresh token."""
    scripted.answers = [(201, {"data": {"id": "1"}})]
    create(x_at(scripted.url), OAUTH2)
    (seen,) = scripted.seen
    assert seen.headers["Authorization"] == "Bearer at"
    assert "rt" not in f"{seen.path} {dict(seen.headers)}".split()


# Creating


@pytest.mark.parametrize("remote_id", ["1", "1234567890123456789", 42, 0])
def test_an_id_in_a_201_is_the_tweet(scripted: ScriptedServer, remote_id: object) -> None:
    """Decimal ids are accepted as text and as numbers, and make the link."""
    scripted.answers = [(201, {"data": {"id": remote_id, "text": "t.co/else"}})]
    outcome = create(x_at(scripted.url), OAUTH2)
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, str(remote_id))
    assert outcome.remote_url == f"https://x.com/i/web/status/{remote_id}"


GARBAGE = [
    "",
    "<html>created</html>",
    '{"data": {"id": "12',
    b"\xff\xfe\x00",
    "[" * 100_000,
    [],
    "null",
    {},
    {"data": None},
    {"data": []},
    {"data": {"id": None}},
    {"data": {"id": ""}},
    {"data": {"id": True}},
    {"data": {"id": "-1"}},
    {"data": {"id": "12a"}},
    {"data": {"id": 1.5}},
    {"data": {"id": "١٢"}},
    {"data": {"id": ["1"]}},
    {"errors": [{"message": "odd"}]},
]


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: str(body)[:30])
def test_a_201_without_a_readable_id_is_unknown(scripted: ScriptedServer, body: Any) -> None:
    """It may be there: look before anything else, and never raise."""
    scripted.answers = [(201, body)]
    assert create(x_at(scripted.url), OAUTH2).kind == OutcomeKind.AMBIGUOUS
    assert len(scripted.seen) == 1


def test_an_unreachable_server_was_not_sent_anything() -> None:
    """Nobody listens: safe to try again."""
    outcome = create(x_at(f"http://127.0.0.1:{free_port()}"), OAUTH2)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")


def test_too_late_to_start_is_tried_again_at_once(scripted: ScriptedServer) -> None:
    """After the start deadline nothing is sent, and nobody is to blame."""
    x = x_at(scripted.url)
    outcome = created(x, OAUTH2, x.body(part("late")), http.boottime() - 1)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, None)
    assert outcome.retry_after is not None
    assert outcome.retry_after < 1
    assert scripted.seen == []


@pytest.mark.parametrize("credentials", [{}, {"access_token": "☃"}, {"access_token": "a\nb"}])
def test_odd_credentials_never_raise(scripted: ScriptedServer, credentials: Any) -> None:
    """Lost or broken tokens end in an outcome, not in an exception."""
    scripted.answers = [(401, {"title": "Unauthorized"})]
    assert create(x_at(scripted.url), credentials).kind in {OutcomeKind.AUTH, OutcomeKind.NOT_SENT}


def test_oauth1_tokens_without_consumer_keys_never_raise(scripted: ScriptedServer) -> None:
    """The operator took the 1.0a keys away: the call ends in an outcome, and nothing is posted."""
    x = x_at(scripted.url, X_CONSUMER_KEY=None, X_CONSUMER_SECRET=None)
    scripted.answers = [(401, {"title": "Unauthorized"})]
    assert create(x, OAUTH1).kind in {OutcomeKind.AUTH, OutcomeKind.NOT_SENT}


# Refreshing


@pytest.mark.parametrize("secret", ["client secret", None])
def test_refreshing_returns_the_new_pair(scripted: ScriptedServer, secret: str | None) -> None:
    """A confidential app uses Basic, a public one names itself in the form."""
    fresh = {"access_token": "a2", "refresh_token": "r2", "expires_in": 7200}
    scripted.answers = [(200, fresh)]
    x = x_at(scripted.url, X_CLIENT_SECRET=secret)
    pair = x.refresh(OAUTH2)
    (seen,) = scripted.seen
    assert (pair["access_token"], pair["refresh_token"]) == ("a2", "r2")
    assert abs(pair["expires_at"] - (time.time() + 7200)) < 60
    assert not x.is_expired(pair)
    assert seen.path == "/2/oauth2/token"
    form = seen.body.decode()
    assert "grant_type=refresh_token&refresh_token=rt" in form
    if secret:
        encoded = base64.b64encode(b"client id:client secret").decode()
        assert seen.headers["Authorization"] == f"Basic {encoded}"
        assert "client_id" not in form
    else:
        assert "Authorization" not in seen.headers
        assert "client_id=client+id" in form


@pytest.mark.parametrize("expires_in", ["7200", None, "soon", -5, [], {}])
def test_a_new_pair_is_kept_however_its_age_is_told(
    scripted: ScriptedServer, expires_in: object
) -> None:
    """The old refresh token is spent: an odd lifetime must not lose the new one."""
    scripted.answers = [(200, {"access_token": "a2", "expires_in": expires_in})]
    pair = x_at(scripted.url).refresh(OAUTH2)
    assert (pair["access_token"], pair["refresh_token"]) == ("a2", "rt")


SPENT = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (400, SPENT, TokenRefused),
        (400, {"error": "invalid_grant"}, TokenRefused),
        (401, {"error": "invalid_token"}, TokenRefused),
        (400, {"error": "invalid_client"}, AppRefused),
        (401, {"error": "unauthorized_client"}, AppRefused),
        (200, "<html>", RefreshUnclear),
        (200, {"token_type": "bearer"}, RefreshUnclear),
        (200, [], RefreshUnclear),
        (302, "", RefreshUnclear),
        (403, "<html>blocked by a gateway</html>", RefreshUnclear),
        (429, {"title": "Too Many Requests"}, RefreshUnclear),
        (503, "", RefreshUnclear),
    ],
)
def test_refusals_of_a_refresh(
    scripted: ScriptedServer, status: int, body: Any, refusal: type[Exception]
) -> None:
    """A dead token, a refused app and no clear answer are three things; asked once each."""
    scripted.answers = [(status, body)]
    with pytest.raises(refusal):
        x_at(scripted.url).refresh(OAUTH2)
    assert len(scripted.seen) == 1


def test_expiry_has_a_minute_to_spare() -> None:
    """Tokens count as over a minute early; tokens that do not expire never do."""
    x = x_at("https://api.x.com")
    assert x.is_expired({"access_token": "a", "expires_at": time.time() + 30})
    assert not x.is_expired({"access_token": "a", "expires_at": time.time() + 90})
    assert not x.is_expired(OAUTH1)
    assert not x.is_expired(OAUTH2)
