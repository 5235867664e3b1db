"""Apps, consent, codes, tokens and faults of the sandbox's Mastodon."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.support.mastodon import CALLBACK, MastodonSandbox

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


def register(server: MastodonSandbox, **changes: Any) -> requests.Response:
    """Register an app."""
    form = {"client_name": "App", "redirect_uris": CALLBACK, "scopes": "read write:statuses"}
    return server.call("POST", "/api/v1/apps", data={**form, **changes})


def asked(app: Any, **changes: str) -> str:
    """Return the address of a consent page."""
    query = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "s",
    }
    return f"/oauth/authorize?{urlencode({**query, **changes})}"


def consent(server: MastodonSandbox, app: Any, **changes: str) -> str:
    """Approve, and return the code."""
    form = {"handle": "ana", "decision": "approve"}
    answer = server.call("POST", asked(app, **changes), data=form)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["state"] == ["s"]
    return query["code"][0]


def exchange(server: MastodonSandbox, app: Any, code: str, /, **changes: str) -> requests.Response:
    """Exchange a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": CALLBACK,
    }
    return server.call("POST", "/oauth/token", data={**form, **changes})


@pytest.mark.parametrize(
    "changes", [{"client_name": " "}, {"redirect_uris": "nowhere"}, {"scopes": "read everything"}]
)
def test_apps_that_are_refused(server: MastodonSandbox, changes: dict[str, str]) -> None:
    """A name, an address and known scopes are needed."""
    answer = register(server, **changes)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Validation failed")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"redirect_uri": f"{CALLBACK}/"},
        {"response_type": "token"},
        {"scope": "write:media"},
        {"scope": "nonsense"},
        {"code_challenge": "x", "code_challenge_method": "plain"},
        {"code_challenge": "x"},
        {"colour": "red"},
    ],
)
def test_consent_that_cannot_be_asked(server: MastodonSandbox, changes: dict[str, str]) -> None:
    """A page says why, and nobody is sent anywhere."""
    app = register(server).json()
    for method in ("GET", "POST"):
        answer = server.call(method, asked(app, **changes), data={"decision": "approve"})
        assert answer.status_code == 400
        assert "is not right" in answer.text


def test_who_may_be_chosen(server: MastodonSandbox) -> None:
    """Anybody with a possible handle; a decision is needed."""
    app = register(server).json()
    assert "Approve" in server.call("GET", asked(app)).text
    for form in ({"handle": "no spaces", "decision": "approve"}, {"handle": "ana"}):
        assert server.call("POST", asked(app), data=form).status_code == 422
    answer = server.call("POST", asked(app), data={"decision": "refuse"})
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (query["error"], query["state"]) == (["access_denied"], ["s"])


def test_a_token(server: MastodonSandbox) -> None:
    """It has no end, no refresh token, and exactly the scopes that were asked for."""
    app = register(server).json()
    token = exchange(server, app, consent(server, app)).json()
    assert set(token) == {"access_token", "token_type", "scope", "created_at"}
    assert (token["token_type"], token["scope"]) == ("Bearer", "read")
    me = server.call("GET", "/api/v1/accounts/verify_credentials", token).json()
    assert (me["username"], me["display_name"]) == ("ana", "Ana Duarte")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"redirect_uri": "http://127.0.0.1/other"}, 400, "invalid_grant"),
        ({"code": "wrong"}, 400, "invalid_grant"),
        ({"code_verifier": VERIFIER}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_exchanges_that_are_refused(
    server: MastodonSandbox, changes: dict[str, str], status: int, error: str
) -> None:
    """Each with the standard's word."""
    app = register(server).json()
    answer = exchange(server, app, consent(server, app), **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_codes_are_good_once(server: MastodonSandbox) -> None:
    """And not for long, and not for another app."""
    app, other = register(server).json(), register(server).json()
    code = consent(server, app)
    assert exchange(server, other, code).status_code == 400
    assert exchange(server, app, code).status_code == 200
    assert exchange(server, app, code).status_code == 400
    late = consent(server, app)
    server.settings(clock_offset=601)
    assert exchange(server, app, late).status_code == 400


def test_the_challenge(server: MastodonSandbox) -> None:
    """A code that was asked for with one needs its verifier; an older server takes no notice."""
    app = register(server).json()
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    assert exchange(server, app, consent(server, app, **pkce)).status_code == 400
    wrong = exchange(server, app, consent(server, app, **pkce), code_verifier="w" * 43)
    assert wrong.status_code == 400
    right = exchange(server, app, consent(server, app, **pkce), code_verifier=VERIFIER)
    assert right.status_code == 200
    server.settings(pkce=False)
    assert exchange(server, app, consent(server, app, **pkce)).status_code == 200


def test_revoking(server: MastodonSandbox) -> None:
    """By its own app, as often as it likes; never by another."""
    app, other = register(server).json(), register(server).json()
    token = exchange(server, app, consent(server, app)).json()
    path = "/api/v1/accounts/verify_credentials"

    def revoke(who: Any) -> requests.Response:
        form = {name: who[name] for name in ("client_id", "client_secret")}
        return server.call("POST", "/oauth/revoke", data={**form, "token": token["access_token"]})

    assert revoke(other).json()["error"] == "unauthorized_client"
    assert server.call("GET", path, token).status_code == 200
    assert [revoke(app).json() for _ in range(2)] == [{}, {}]
    answer = server.call("GET", path, token)
    assert (answer.status_code, answer.json()["error"]) == (401, "The access token was revoked")


def test_a_server_that_checks_no_codes(server: MastodonSandbox) -> None:
    """Any code gets a token of whoever signed in last with that app; nobody did, no token."""
    server.settings(checks_codes=False)
    app, other = register(server).json(), register(server).json()
    assert exchange(server, app, "invented").status_code == 400
    consent(server, app)
    token = exchange(server, app, "invented").json()
    me = server.call("GET", "/api/v1/accounts/verify_credentials", token).json()
    assert me["username"] == "ana"
    assert exchange(server, other, "invented").status_code == 400


@pytest.mark.parametrize("decision", ["approve", "refuse"])
def test_who_sends_the_answer(server: MastodonSandbox, decision: str) -> None:
    """A newer server names itself on the way back, and says in its description that it will."""
    app, form = register(server).json(), {"handle": "ana", "decision": decision}
    path, promise = (
        "/.well-known/oauth-authorization-server",
        "authorization_response_iss_parameter_supported",
    )
    named = {"none": None, "own": [f"{server.url}/"], "wrong": ["https://another.example/"]}
    for issuer, expected in named.items():
        server.settings(issuer=issuer)
        answer = server.call("POST", asked(app), data=form)
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query.get("iss") == expected
        assert (promise in server.call("GET", path).json()) == (issuer == "own")


def test_a_server_that_ends_an_app_with_its_token(server: MastodonSandbox) -> None:
    """The app is then a 401 without a body, and its consent page a 400; other apps stay."""
    server.settings(apps_end=True)
    app, other = register(server).json(), register(server).json()
    token = exchange(server, app, consent(server, app)).json()
    form = {name: app[name] for name in ("client_id", "client_secret")}
    server.call("POST", "/oauth/revoke", data={**form, "token": token["access_token"]})
    answer = exchange(server, app, "any")
    assert (answer.status_code, answer.text) == (401, "")
    assert server.call("GET", asked(app)).status_code == 400
    assert exchange(server, other, consent(server, other)).status_code == 200


def test_discovery(server: MastodonSandbox) -> None:
    """A newer server tells what it offers; an older one knows of no such thing."""
    path = "/.well-known/oauth-authorization-server"
    document = server.call("GET", path).json()
    assert document["token_endpoint"] == f"{server.url}/oauth/token"
    assert document["code_challenge_methods_supported"] == ["S256"]
    server.settings(discovery=False, instance_v2=False)
    assert server.call("GET", path).status_code == 404
    assert server.call("GET", "/api/v2/instance").status_code == 404
    assert "configuration" in server.call("GET", "/api/v1/instance").json()


@pytest.mark.parametrize(
    "settings",
    [
        {"colour": 1},
        {"language": "xx"},
        {"reset_form": 5},
        {"idempotency": 1},
        {"dead_token_status": 404},
        {"checks_codes": "no"},
        {"issuer": "https://evil.example"},
        {"characters": 0},
        {"read_lag": 301},
        {"limits": {"tweets": 1}},
        {"software": ""},
    ],
)
def test_settings_that_do_not_exist(server: MastodonSandbox, settings: dict[str, Any]) -> None:
    """They are refused, and nothing changes."""
    before = server.state()["settings"]
    answer = server.call("POST", "/control/api/settings", json=settings)
    assert answer.status_code == 400
    assert server.state()["settings"] == before


@pytest.mark.parametrize(
    ("kind", "status", "accepted"),
    [
        ("refuse", 422, 0),
        ("status", 503, 0),
        ("redirect", 302, 0),
        ("rate_limit", 429, 0),
        ("credits", 403, 0),
        ("accept_then_status", 503, 1),
        ("garbage", 200, 1),
    ],
)
def test_faults(server: MastodonSandbox, kind: str, status: int, accepted: int) -> None:
    """Once, in Mastodon's words; then all is well."""
    ana = server.mint("ana")
    server.fault(kind)
    assert server.create(ana, "hello").status_code == status
    assert server.state()["accepted_count"] == accepted
    assert server.create(ana, "hello").status_code == 200


@pytest.mark.parametrize(
    ("kind", "accepted"), [("drop", 0), ("accept_then_drop", 1), ("truncated", 1)]
)
def test_faults_of_the_line(server: MastodonSandbox, kind: str, accepted: int) -> None:
    """No complete answer comes."""
    ana = server.mint("ana")
    server.fault(kind)
    with pytest.raises(requests.RequestException):
        server.create(ana, "hello")
    assert server.state()["accepted_count"] == accepted
