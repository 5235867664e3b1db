"""The client that all networks share: deadlines, headers, and what becomes of a failed call."""

from __future__ import annotations

import pytest

from app.networks import http
from app.networks.bluesky.client import Server as BlueskyServer
from app.networks.errors import LookUpFailed
from app.networks.http import ApiClient, Headers
from app.networks.mastodon.client import Server as MastodonServer
from tests.support.creates import finish
from tests.support.scripted import LOST, ScriptedServer
from tests.support.waiting import free_port


def test_a_call_has_its_path_and_headers(scripted: ScriptedServer) -> None:
    """Headers without a value are left out."""
    scripted.answers = [(200, {"a": 1})]
    auth = Headers({"Idempotency-Key": "k", "Content-Type": ""}, bearer="t")
    response = ApiClient(scripted.url, 2.0).read("/a", {"b": "c"}, auth=auth)
    (seen,) = scripted.seen
    assert (response.data, seen.method, seen.path) == ({"a": 1}, "GET", "/a?b=c")
    assert (seen.headers["Authorization"], seen.headers["Idempotency-Key"]) == ("Bearer t", "k")
    assert "Content-Type" not in seen.headers


def test_several_calls_share_a_deadline(scripted: ScriptedServer) -> None:
    """Without time for it, a further call is not begun; a single one still may be."""
    scripted.answers = [(200, {}), (200, {})]
    client = ApiClient(scripted.url, 5.0)
    together = client.within(2.0)
    assert together.seconds_left() <= 2.0 < client.seconds_left()
    assert together.read("/a").status == 200
    with pytest.raises(http.NotSent):
        client.within(-1.0).call("POST", "/a")
    with pytest.raises(LookUpFailed, match="no time"):
        client.within(-1.0).read("/a")
    assert client.read("/a").status == 200
    assert len(scripted.seen) == 2


def test_a_create_call_has_the_same_bounds(scripted: ScriptedServer) -> None:
    """Its path, its headers and its deadline are those of every call."""
    scripted.answers = [(200, {"a": 1})]

    async def both() -> http.Response:
        try:
            with pytest.raises(http.NotSent, match="no time"):
                await ApiClient(scripted.url, 5.0).within(-1.0).send("POST", "/a")
            with pytest.raises(http.PrivateAddress):
                await ApiClient(scripted.url, 5.0, public_only=True).send("POST", "/a")
            server = MastodonServer(scripted.url, 5.0)
            return await server.send("POST", "/a", token="t", key="k", json={"b": "c"})
        finally:
            await http.close()

    assert finish(both()).data == {"a": 1}
    (seen,) = scripted.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/a", b'{"b": "c"}')
    assert (seen.headers["Authorization"], seen.headers["Idempotency-Key"]) == ("Bearer t", "k")
    assert seen.headers["Content-Type"] == "application/json"


def test_the_deadline_ends_a_call(scripted: ScriptedServer) -> None:
    """A call that is under way ends with the time of all."""
    scripted.play = lambda _seen: LOST
    with pytest.raises(LookUpFailed):
        ApiClient(scripted.url, 5.0).within(0.5).read("/a")


def test_a_private_address_is_named() -> None:
    """Whoever typed a server is told that it is not on the internet."""
    with pytest.raises(LookUpFailed, match=r"^private_address$"):
        ApiClient("http://127.0.0.1:1", 2.0, public_only=True).read("/a")


def test_errors_of_servers_that_people_type_are_not_quoted() -> None:
    """Their words would tell strangers what listens inside."""
    url = f"http://127.0.0.1:{free_port()}"
    for typed in (MastodonServer(url, 2.0), BlueskyServer(url, 2.0)):
        with pytest.raises(LookUpFailed, match=r"^NotSent$"):
            typed.read("/a")
    with pytest.raises(LookUpFailed, match=r"127\.0\.0\.1"):
        ApiClient(url, 2.0).read("/a")
