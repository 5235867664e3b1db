"""Calls over TLS, straight and through a proxy: the same deadlines, the same honest word."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from app.networks import http
from app.networks.http.addresses import public_https_url
from tests.support.creates import Call
from tests.support.scripted import LOST, ScriptedServer
from tests.support.tunnel import Tunnel


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedServer]:
    """A server whose certificate this machine trusts."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    server = ScriptedServer(context)
    yield server
    server.close()


@pytest.fixture
def tunnel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    """The proxy that this machine has to use."""
    tunnel = Tunnel()
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    yield tunnel
    tunnel.close()


Post = Callable[..., http.Response]


@pytest.fixture
def post(call: Call, server: ScriptedServer) -> Post:
    """Make a create call that may begin for so many seconds from now."""

    def make(*, after: float = 60, **content: object) -> http.Response:
        start_by = http.boottime() + after
        return call("POST", server.url, timeout=2, start_by=start_by, **content)

    return make


def test_a_call_is_answered(server: ScriptedServer, post: Post) -> None:
    """Small and large ones, one after the other on the same connection."""
    server.answers = [(201, {"id": str(number)}) for number in range(3)]
    sizes = [10, 3_000_000, 10]
    bodies = [b"x" * size for size in sizes]
    assert [post(data=body).data["id"] for body in bodies] == ["0", "1", "2"]
    assert [seen.body for seen in server.seen] == bodies


def test_a_stranger_is_told_nothing(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, post: Post
) -> None:
    """A certificate that nobody vouches for: not one byte of the request left."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(http.NotSent):
        post(json={})
    assert server.seen == []


def test_the_start_deadline_holds(server: ScriptedServer, post: Post) -> None:
    """Too late to start, after the handshake or on a kept connection."""
    server.answers = [(200, {})]
    for _ in range(2):
        with pytest.raises(http.TooLateToStart):
            post(after=-1)
    assert server.seen == []
    assert post().status == 200
    with pytest.raises(http.TooLateToStart):
        post(after=-1)
    assert len(server.seen) == 1


def test_a_proxy_leads_there(server: ScriptedServer, tunnel: Tunnel, post: Post) -> None:
    """The environment names a proxy: calls go through it, with their deadlines."""
    server.answers = [(201, {"id": "1"}), (201, {"id": "2"})]
    assert [post(json={}).data["id"] for _ in range(2)] == ["1", "2"]
    assert tunnel.asked == [server.url.removeprefix("https://")]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.4", "[::1]"])
def test_a_proxy_is_no_way_in(
    tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str, call: Call
) -> None:
    """What leads into a private network from here is refused, and the proxy is not asked."""
    monkeypatch.setenv("HTTP_PROXY", tunnel.url)
    with pytest.raises(http.PrivateAddress):
        call("GET", f"{scheme}://{host}:9", timeout=2, public_only=True)
    assert tunnel.asked == []


def test_names_that_only_the_proxy_knows(
    server: ScriptedServer, tunnel: Tunnel, call: Call
) -> None:
    """They are its business: it is asked for them, and a person may name them."""
    with pytest.raises(http.NotSent, match="ProxyError"):
        call("GET", f"https://known-there-{tunnel.port}.invalid", timeout=2, public_only=True)
    assert tunnel.asked == [f"known-there-{tunnel.port}.invalid:443"]
    typed = public_https_url("known-there.invalid", allow_private=False)
    assert typed == "https://known-there.invalid"


def test_a_proxy_that_leads_nowhere(server: ScriptedServer, tunnel: Tunnel, post: Post) -> None:
    """The proxy was asked, the network was not: repeating it is safe."""
    tunnel.close()
    with pytest.raises(http.NotSent):
        post(json={})
    assert server.seen == []


def test_a_lost_answer_behind_a_proxy_is_unknown(
    server: ScriptedServer, tunnel: Tunnel, post: Post
) -> None:
    """What went through the proxy may have arrived, whatever became of the answer."""
    server.answers = [LOST]
    with pytest.raises(http.NoResponse):
        post(json={})
    assert len(server.seen) == 1
