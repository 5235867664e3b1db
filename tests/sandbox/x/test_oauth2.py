"""Signing in with OAuth 2.0, played with Authlib's client."""

import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

CALLBACK = "http://127.0.0.1:8000/login/x/callback"
SCOPE = "tweet.read tweet.write users.read offline.access"
BAD_CODE = "Value passed for the authorization code was invalid."
BAD_TOKEN = "Value passed for the token was invalid."


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def session():
    """The confidential app."""
    with OAuth2Session(
        "sandbox-client",
        "sandbox-secret",
        scope=SCOPE,
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
    ) as client:
        yield client


def consent(sandbox: Any, client: OAuth2Session, verifier: str, **form: str) -> str:
    """Ask, decide as ``form`` says, and return the address the browser is sent back to."""
    url, _ = client.create_authorization_url(
        f"{sandbox.url}/i/oauth2/authorize", code_verifier=verifier
    )
    assert requests.get(url, timeout=10).status_code == 200
    answer = requests.post(url, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def exchange(sandbox: Any, back: str, verifier: str, **more: Any) -> requests.Response:
    """Exchange the code in ``back`` by hand, as the confidential app."""
    body = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    return requests.post(
        f"{sandbox.url}/2/oauth2/token",
        data=body | more,
        auth=("sandbox-client", "sandbox-secret"),
        timeout=10,
    )


def test_full_dance(sandbox, session):
    """A person who approves is who the token speaks for, for two hours."""
    verifier = secrets.token_urlsafe(48)
    back = consent(sandbox, session, verifier, decision="approve", person="ana", handle="@Dora_9")
    token = session.fetch_token(
        f"{sandbox.url}/2/oauth2/token", authorization_response=back, code_verifier=verifier
    )
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("bearer", 7200, SCOPE)
    me = session.get(f"{sandbox.url}/2/users/me?user.fields=profile_image_url").json()["data"]
    assert (me["username"], set(me)) == ("Dora_9", {"id", "name", "username", "profile_image_url"})


def test_wrong_verifier(sandbox, session):
    """A verifier that does not belong to the challenge is refused."""
    back = consent(sandbox, session, secrets.token_urlsafe(48), decision="approve", person="ben")
    answer = exchange(sandbox, back, secrets.token_urlsafe(48))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


def test_spent_code(sandbox, session):
    """A code works once."""
    verifier = secrets.token_urlsafe(48)
    back = consent(sandbox, session, verifier, decision="approve", person="ben")
    assert exchange(sandbox, back, verifier).status_code == 200
    again = exchange(sandbox, back, verifier)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")
    assert again.json()["error_description"] == BAD_CODE


def test_late_code(sandbox, session):
    """A code is dead after 30 seconds."""
    verifier = secrets.token_urlsafe(48)
    back = consent(sandbox, session, verifier, decision="approve", person="ben")
    sandbox.control("settings", clock_offset=31)
    assert exchange(sandbox, back, verifier).json()["error_description"] == BAD_CODE


def test_other_redirect_uri(sandbox, session):
    """The token call has to name the address the code was sent to."""
    verifier = secrets.token_urlsafe(48)
    back = consent(sandbox, session, verifier, decision="approve", person="ben")
    answer = exchange(sandbox, back, verifier, redirect_uri=CALLBACK.replace("8000", "8001"))
    assert answer.status_code == 400


def test_refusal(sandbox, session):
    """A person who refuses is sent back with access_denied and the state."""
    back = consent(sandbox, session, secrets.token_urlsafe(48), decision="refuse", person="ana")
    query = parse_qs(urlsplit(back).query)
    assert query["error"] == ["access_denied"]
    assert query["state"][0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://evil.example/login/x/callback"},
        {"redirect_uri": CALLBACK + "/"},
        {"client_id": "stranger"},
        {"scope": "dm.write"},
        {"code_challenge": ""},
        {"code_challenge_method": "S512"},
        {"response_type": "token"},
    ],
)
def test_wrong_request_gets_a_page(sandbox, wrong):
    """A request that is not right gets a page that says so and never leads on."""
    right = {
        "response_type": "code",
        "client_id": "sandbox-client",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "s",
        "code_challenge": "c" * 43,
        "code_challenge_method": "plain",
    }
    url = f"{sandbox.url}/i/oauth2/authorize"
    assert requests.get(url, params=right, timeout=10).status_code == 200
    answer = requests.get(url, params=right | wrong, allow_redirects=False, timeout=10)
    assert answer.status_code == 400
    assert "not right" in answer.text


def test_public_client_with_plain_challenge(sandbox):
    """The public app sends its id and no secret; a plain challenge is its own verifier."""
    verifier = secrets.token_urlsafe(48)
    query = {
        "response_type": "code",
        "client_id": "sandbox-public",
        "redirect_uri": CALLBACK,
        "scope": "tweet.read users.read",
        "state": "s",
        "code_challenge": verifier,
        "code_challenge_method": "plain",
    }
    form = {"decision": "approve", "person": "chidi"}
    url = f"{sandbox.url}/i/oauth2/authorize"
    back = requests.post(url, params=query, data=form, allow_redirects=False, timeout=10)
    body = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(back.headers["Location"]).query)["code"][0],
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
        "client_id": "sandbox-public",
    }
    answer = requests.post(f"{sandbox.url}/2/oauth2/token", data=body, timeout=10)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()


def test_missing_basic(sandbox, ana):
    """The confidential app has to send its secret in the header."""
    body = {"grant_type": "refresh_token", "refresh_token": ana["refresh_token"]}
    url = f"{sandbox.url}/2/oauth2/token"
    answer = requests.post(url, data=body | {"client_id": "sandbox-client"}, timeout=10)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "unauthorized_client",
        "error_description": "Missing valid authorization header",
    }
    assert sandbox.refresh(ana).status_code == 200


def test_refresh_token_is_single_use(sandbox, ana):
    """Refreshing gives a new pair, and the old refresh token is spent."""
    new = sandbox.refresh(ana)
    assert new.status_code == 200
    again = sandbox.refresh(ana)
    assert again.status_code == 400
    assert again.json() == {"error": "invalid_request", "error_description": BAD_TOKEN}
    assert sandbox.refresh(new.json()).status_code == 200


def test_family_revocation(sandbox, ana):
    """When it is switched on, showing a spent refresh token ends the pairs that came after it."""
    sandbox.control("settings", family_revocation=True)
    new = sandbox.refresh(ana).json()
    auth = {"auth": {"Authorization": f"Bearer {new['access_token']}"}}
    assert sandbox.call("GET", "/2/users/me", auth).status_code == 200
    assert sandbox.refresh(ana).status_code == 400
    assert sandbox.call("GET", "/2/users/me", auth).status_code == 401
    assert sandbox.refresh(new).status_code == 400


def test_access_token_expires(sandbox, ana):
    """An access token is dead after its lifetime; refreshing helps."""
    sandbox.control("settings", clock_offset=7201)
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 401
    new = {"auth": {"Authorization": f"Bearer {sandbox.refresh(ana).json()['access_token']}"}}
    assert sandbox.call("GET", "/2/users/me", new).status_code == 200


def test_revoke(sandbox, ana):
    """A revoked token and its partner stop working, and nobody else's."""
    ben = sandbox.mint("ben")
    answer = requests.post(
        f"{sandbox.url}/2/oauth2/revoke",
        data={"token": ana["access_token"]},
        auth=("sandbox-client", "sandbox-secret"),
        timeout=10,
    )
    assert answer.status_code == 200
    assert sandbox.call("GET", "/2/users/me", ana).status_code == 401
    assert sandbox.refresh(ana).status_code == 400
    assert sandbox.call("GET", "/2/users/me", ben).status_code == 200


def test_missing_scope(sandbox):
    """A token without tweet.write may read and not post."""
    reader = sandbox.mint("ana", scope="tweet.read users.read")
    assert sandbox.call("GET", "/2/users/me", reader).status_code == 200
    assert sandbox.create(reader, "Not mine to say").status_code == 403
    assert sandbox.state()["accepted_count"] == 0
