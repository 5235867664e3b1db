"""Coming back from X's consent page: whose callback it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.networks.errors import ConnectRefused
from app.networks.x.auth import OAuth1Flow, OAuth2Flow
from app.networks.x.client import XApi
from tests.support.scripted import ScriptedServer

CALLBACK = "https://tweet.example/login/x/callback"
OTHERS = [
    "",
    "null",
    "x.com",
    "http://x.com",
    "https://evil.example",
    "https://x.com.evil.example",
    "https://x.com@evil.example",
    "https://ana@x.com",
    "https://x.com:8443",
    "https://[::1",
    "https://evil.example/\ud800",
]


@pytest.fixture
def flow(scripted: ScriptedServer) -> OAuth2Flow:
    """The code flow, with its API at the scripted server."""
    return OAuth2Flow(XApi(scripted.url, 2.0, client_id="id"), "https://x.com/i/oauth2/authorize")


def refusal(flow: OAuth2Flow | OAuth1Flow, callback: Mapping[str, str]) -> tuple[str, str]:
    """Come back in vain; return the code and the detail."""
    memory = {"state": "s", "verifier": "v" * 43, "secret": "t"}
    with pytest.raises(ConnectRefused) as refused:
        flow.finish(memory, callback, CALLBACK)
    return refused.value.code, refused.value.detail


@pytest.mark.parametrize("issuer", OTHERS)
def test_a_callback_of_another_server(
    scripted: ScriptedServer, flow: OAuth2Flow, issuer: str
) -> None:
    """A code that another server sends is never taken to X (RFC 9207)."""
    back = {"state": "s", "code": "c", "iss": issuer}
    assert refusal(flow, back) == ("refused", "another_issuer")
    signed = OAuth1Flow(XApi(scripted.url, 2.0, consumer_key="key", consumer_secret="secret"))
    back = {"oauth_token": "s", "oauth_verifier": "v", "iss": issuer}
    assert refusal(signed, back) == ("refused", "another_issuer")
    assert scripted.seen == []


@pytest.mark.parametrize("issuer", ["https://x.com", "https://X.com/", "https://x.com:443/i/o"])
def test_a_callback_that_names_x(flow: OAuth2Flow, issuer: str) -> None:
    """The origin of its consent page, or of its API, is X."""
    back = {"state": "s", "error": "access_denied"}
    assert refusal(flow, back | {"iss": issuer})[0] == "denied"
    assert refusal(flow, back | {"iss": flow.api.url})[0] == "denied"


@pytest.mark.parametrize("state", ["", "other", "S", "\ud800"])
def test_a_callback_of_somebody_else(
    scripted: ScriptedServer, flow: OAuth2Flow, state: str
) -> None:
    """Without the state of this browser nothing is asked, whoever is said to send it."""
    back = {"state": state, "code": "c", "iss": "https://evil.example"}
    assert refusal(flow, back)[0] == "stale"
    with pytest.raises(ConnectRefused, match="stale"):
        flow.finish({}, {"state": "", "code": "c"}, CALLBACK)
    assert scripted.seen == []
