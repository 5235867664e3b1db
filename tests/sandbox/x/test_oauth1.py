"""Signing in and posting with OAuth 1.0a, played with requests-oauthlib."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine
from requests_oauthlib import OAuth1, OAuth1Session
from requests_oauthlib.oauth1_session import TokenRequestDenied

from sandbox.core import Clock, Store
from sandbox.x.errors import XError
from sandbox.x.oauth1 import Signatures
from sandbox.x.records import SignedToken
from sandbox.x.state import XState

CALLBACK = "http://localhost:8000/login/x/callback"
CONSUMER = ("sandbox-consumer", "sandbox-consumer-secret")


@pytest.fixture
def session():
    """The app at the start of a sign-in."""
    with OAuth1Session(*CONSUMER, callback_uri=CALLBACK) as client:
        yield client


@pytest.fixture
def signed(sandbox):
    """Ana's signature for single requests."""
    token = sandbox.mint("ana", kind="oauth1")
    return OAuth1(*CONSUMER, token["oauth_token"], token["oauth_token_secret"])


def decide(sandbox, session, **form):
    """Walk to the consent page and decide; returns the address the browser is sent back to."""
    session.fetch_request_token(f"{sandbox.url}/oauth/request_token")
    url = session.authorization_url(f"{sandbox.url}/oauth/authorize")
    assert requests.get(url, timeout=10).status_code == 200
    answer = requests.post(url, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def test_full_dance(sandbox, session):
    """A person who approves is who the signed calls speak for, until the token is invalidated."""
    back = decide(sandbox, session, decision="approve", person="ana", handle="dora")
    session.parse_authorization_response(back)
    token = session.fetch_access_token(f"{sandbox.url}/oauth/access_token")
    assert token["screen_name"] == "dora"
    me = session.get(f"{sandbox.url}/2/users/me").json()["data"]
    assert (me["id"], me["username"]) == (token["user_id"], "dora")
    created = session.post(f"{sandbox.url}/2/tweets", json={"text": "Signed & sent"})
    assert (created.status_code, created.headers["x-access-level"]) == (201, "read-write")
    assert session.post(f"{sandbox.url}/1.1/oauth/invalidate_token.json").status_code == 200
    late = session.get(f"{sandbox.url}/2/users/me")
    assert late.status_code == 401
    assert late.json() == {"errors": [{"code": 89, "message": "Invalid or expired token."}]}


def test_refusal(sandbox, session):
    """A person who refuses is sent back with the token that was denied."""
    back = decide(sandbox, session, decision="refuse")
    assert "denied" in parse_qs(urlsplit(back).query)


def test_request_token_works_once(sandbox, session):
    """An approved request token cannot be exchanged twice."""
    back = decide(sandbox, session, decision="approve", person="ben")
    first = dict(session.parse_authorization_response(back))
    session.fetch_access_token(f"{sandbox.url}/oauth/access_token")
    with (
        OAuth1Session(
            *CONSUMER, first["oauth_token"], "any", verifier=first["oauth_verifier"]
        ) as again,
        pytest.raises(TokenRequestDenied),
    ):
        again.fetch_access_token(f"{sandbox.url}/oauth/access_token")


def test_unregistered_callback(sandbox):
    """A callback that is not registered is refused with code 415."""
    with OAuth1Session(*CONSUMER, callback_uri="https://evil.example/") as client:
        answer = client.post(f"{sandbox.url}/oauth/request_token")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, 415)


@pytest.mark.parametrize("position", [1, 3])
def test_wrong_secret(sandbox, position):
    """A signature made with a wrong consumer or token secret is refused."""
    token = sandbox.mint("ana", kind="oauth1")
    keys = [*CONSUMER, token["oauth_token"], token["oauth_token_secret"]]
    keys[position] = "wrong"
    url, body = f"{sandbox.url}/2/tweets", {"text": "Forged"}
    assert requests.post(url, json=body, auth=OAuth1(*keys), timeout=10).status_code == 401
    assert sandbox.state()["accepted_count"] == 0


def test_query_is_signed(sandbox, signed):
    """Changing the query after signing breaks the signature."""
    url = f"{sandbox.url}/2/users/me"
    right = requests.Request("GET", url, params={"user.fields": "verified"}, auth=signed).prepare()
    with requests.Session() as http:
        assert http.send(right, timeout=10).status_code == 200
        other = requests.Request("GET", url, params={"user.fields": "url"}, auth=signed).prepare()
        other.url = right.url
        assert http.send(other, timeout=10).status_code == 401


def test_nonce_replay(sandbox, signed):
    """A request that is sent a second time, byte by byte, is refused."""
    url, body = f"{sandbox.url}/2/tweets", {"text": "Once only"}
    prepared = requests.Request("POST", url, json=body, auth=signed).prepare()
    with requests.Session() as http:
        answers = [http.send(prepared, timeout=10).status_code for _ in range(2)]
    assert answers == [201, 401]
    assert sandbox.state()["accepted_count"] == 1


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (6, 401)])
def test_clock_difference(sandbox, minutes, status):
    """A timestamp may be five minutes off, not more."""
    token = sandbox.mint("ana", kind="oauth1")
    auth = OAuth1(
        *CONSUMER,
        token["oauth_token"],
        token["oauth_token_secret"],
        timestamp=str(int(time.time()) + minutes * 60),
    )
    assert requests.get(f"{sandbox.url}/2/users/me", auth=auth, timeout=10).status_code == status


def test_read_only_app(sandbox):
    """A token asked for reading may not post."""
    with OAuth1Session(*CONSUMER, callback_uri=CALLBACK) as client:
        url = f"{sandbox.url}/oauth/request_token?x_auth_access_type=read"
        client.fetch_request_token(url)
        page = client.authorization_url(f"{sandbox.url}/oauth/authorize")
        form = {"decision": "approve", "person": "ana"}
        back = requests.post(page, data=form, allow_redirects=False, timeout=10)
        client.parse_authorization_response(back.headers["Location"])
        client.fetch_access_token(f"{sandbox.url}/oauth/access_token")
        refused = client.post(f"{sandbox.url}/2/tweets", json={"text": "No"})
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("/oauth1-permissions")


def verify_at(moment, header):
    """Let the sandbox's verifier judge a JSON create that was signed for the real address."""
    store = Store(":memory:")
    state = XState(store, Clock())
    person = state.person("ana")
    state.signed_tokens.add(SignedToken("tk", "ts", "ck", person.id))
    headers = {"Authorization": header, "Content-Type": "application/json"}
    try:
        with time_machine.travel(moment, tick=False):
            checker = Signatures(state, {"ck": "cs"})
            body = '{"text": "hello"}'
            return checker.verify("https://api.x.com/2/tweets", "POST", body, headers)
    finally:
        state.close()


def vector(signature):
    """The Authorization header of the published JSON vector, with ``signature``."""
    return (
        'OAuth oauth_consumer_key="ck", oauth_nonce="n0nce", oauth_timestamp="1700000000", '
        'oauth_signature_method="HMAC-SHA1", oauth_token="tk", oauth_version="1.0", '
        f'oauth_signature="{signature}"'
    )


def test_json_body_vector():
    """A JSON body is not part of the signature: the known vector verifies, another does not."""
    right = vector("CLLBGJ2Eb8U%2FxjoL90njvAnyaOk%3D")
    assert verify_at(1_700_000_000, right).token == "tk"
    with pytest.raises(XError):
        verify_at(1_700_000_000, right.replace("CLLB", "DLLB"))
