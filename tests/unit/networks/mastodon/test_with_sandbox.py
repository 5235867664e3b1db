"""Mastodon's client and its sandbox, end to end: connecting, publishing, threads, pictures."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Consent, OutcomeKind, Picture
from app.networks.errors import (
    ConnectRefused,
    LookUpFailed,
    LookUpRefused,
    TokenRefused,
    UploadRefused,
)
from app.networks.mastodon.network import Mastodon
from tests.support.mastodon import CALLBACK, MastodonSandbox, mastodon, piece, png, publish, visit


@pytest.fixture
def client(server: MastodonSandbox) -> Mastodon:
    """A client that has met no server yet."""
    return mastodon(APP_URL="https://later.example")


def begin(client: Mastodon, server: MastodonSandbox) -> Consent:
    """Type the server's name as people do."""
    consent = client.begin({"server": server.url.removeprefix("http://")}, CALLBACK)
    assert isinstance(consent, Consent)
    return consent


def connect(client: Mastodon, server: MastodonSandbox, handle: str = "ana") -> Any:
    """Go through the consent page; return the connection."""
    consent = begin(client, server)
    (connection,) = client.finish(consent.memory, visit(consent, handle=handle), CALLBACK)
    return connection


# Connecting


def test_connecting(server: MastodonSandbox, client: Mastodon) -> None:
    """From a typed name to an account that can be written to, and to its page."""
    connection = connect(client, server)
    profile, host = connection.profile, server.url.removeprefix("http://")
    assert (profile.handle, profile.server) == (f"ana@{host}", host)
    assert (profile.display_name, profile.avatar_url) == (
        "Ana Duarte",
        f"{server.url}/i/avatar/ana.png",
    )
    assert set(connection.credentials) == {
        *("server_url", "client_id", "client_secret", "access_token", "scope"),
        *("software", "version"),
    }
    assert connection.credentials["software"] == "mastodon"
    assert client.who_am_i(connection.credentials) == profile
    assert publish(client, connection.credentials).kind == OutcomeKind.OK
    page = http.call("GET", client.profile_url(profile.handle), timeout=5)
    assert (page.status, "hello" in page.text) == (200, True)


@pytest.mark.parametrize("settings", [{"discovery": False, "pkce": False}, {"pkce": False}])
def test_servers_without_pkce(
    server: MastodonSandbox, client: Mastodon, settings: dict[str, bool]
) -> None:
    """The challenge is sent only where the server says that it understands it."""
    server.settings(**settings)
    consent = begin(client, server)
    assert "code_challenge" not in consent.url
    assert len(client.finish(consent.memory, visit(consent), CALLBACK)) == 1


def test_the_challenge_counts(server: MastodonSandbox, client: Mastodon) -> None:
    """A code is worth nothing without the verifier that only the person's cookie has."""
    consent = begin(client, server)
    stolen = {**consent.memory, "verifier": "x" * 64}
    with pytest.raises(ConnectRefused, match="stale"):
        client.finish(stolen, visit(consent), CALLBACK)


def test_an_app_is_registered_once(server: MastodonSandbox, client: Mastodon) -> None:
    """However many people sign in, also at the same moment."""
    server.fault("slow", "token", seconds=0.3)
    people = [threading.Thread(target=begin, args=(client, server)) for _ in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    connect(client, server, "ben")
    assert server.state()["apps"] == ["Tweet Later"]


def test_a_forgotten_app_is_registered_again(server: MastodonSandbox, client: Mastodon) -> None:
    """Older servers sweep apps away: the next sign-in works, one under way starts anew."""
    consent = begin(client, server)
    callback = visit(consent)
    server.control("revoke", what="apps")
    with pytest.raises(ConnectRefused, match="stale"):
        client.finish(consent.memory, callback, CALLBACK)
    connect(client, server)
    server.control("revoke", what="apps")
    connect(client, server)
    assert server.state()["calls"]["token"] == 3


def test_a_person_who_refuses(server: MastodonSandbox, client: Mastodon) -> None:
    """Nothing is connected, and a state of another window is not taken."""
    consent = begin(client, server)
    with pytest.raises(ConnectRefused, match="denied"):
        client.finish(consent.memory, visit(consent, decision="refuse"), CALLBACK)
    with pytest.raises(ConnectRefused, match="stale"):
        client.finish(consent.memory, {**visit(consent), "state": "another"}, CALLBACK)


def test_a_code_is_good_once_and_for_a_while(server: MastodonSandbox, client: Mastodon) -> None:
    """A page that is loaded again starts over."""
    consent = begin(client, server)
    callback = visit(consent)
    client.finish(consent.memory, callback, CALLBACK)
    with pytest.raises(ConnectRefused, match="stale"):
        client.finish(consent.memory, callback, CALLBACK)
    late = visit(consent)
    server.settings(clock_offset=601)
    with pytest.raises(ConnectRefused, match="stale"):
        client.finish(consent.memory, late, CALLBACK)


@pytest.mark.parametrize("kind", ["status", "accept_then_drop", "garbage", "truncated"])
def test_a_lost_token(server: MastodonSandbox, client: Mastodon, kind: str) -> None:
    """A server that falls silent in the middle is silent, not refusing."""
    consent = begin(client, server)
    server.fault(kind, "code")
    with pytest.raises(LookUpFailed):
        client.finish(consent.memory, visit(consent), CALLBACK)


def test_disconnecting(server: MastodonSandbox, client: Mastodon) -> None:
    """The token is over at the server too; doing it twice, or at a dead server, does no harm."""
    credentials = connect(client, server).credentials
    client.revoke(credentials)
    with pytest.raises(TokenRefused, match="revoked"):
        client.who_am_i(credentials)
    client.revoke(credentials)
    client.revoke({**credentials, "server_url": "http://127.0.0.1:1"})


# Publishing


def test_threads(server: MastodonSandbox, client: Mastodon) -> None:
    """The second part answers the first."""
    ana = server.mint("ana")
    first = publish(client, ana, piece("one", "1" * 32))
    assert first.reference is not None
    more = {"reply_to": first.reference, "root": first.reference}
    second = publish(client, ana, piece("two", "2" * 32, **more))
    one, two = server.state()["tweets"]
    assert (one["in_reply_to"], two["in_reply_to"]) == (None, first.remote_id)
    assert second.remote_id == two["id"]
    orphan = piece("three", "3" * 32, reply_to={"id": "404"})
    refused = publish(client, ana, orphan)
    assert (refused.kind, refused.code) == (OutcomeKind.REJECTED, "not_found")


@pytest.mark.parametrize("privacy", ["public", "unlisted", "private"])
def test_who_sees_what_is_posted(server: MastodonSandbox, client: Mastodon, privacy: str) -> None:
    """The account's own choice is read and left alone: posts say nothing of who shall see them."""
    server.settings(privacy=privacy)
    ana = server.mint("ana")
    assert client.limits(ana).visibility == privacy
    body = client.body(piece("hello"))
    assert "visibility" not in body


def test_what_a_server_takes(server: MastodonSandbox, client: Mastodon) -> None:
    """Its own limits, in either generation; what check lets pass is accepted, nothing longer."""
    ana = server.mint("ana")
    server.settings(characters=777, pictures=6, picture_bytes=1000)
    for second_generation in (True, False):
        server.settings(instance_v2=second_generation)
        limits = client.limits(ana)
        assert (limits.characters, limits.link_length, limits.unit) == (777, 23, "graphemes")
        assert (limits.pictures, limits.picture_bytes) == (6, 1000)
    longest = (
        "é" * 700 + " https://example.com/" + "x" * 90 + " @ben@example.social" + "👩‍👩‍👧" * 48
    )
    client.check(longest, limits)
    assert publish(client, ana, piece(longest)).kind == OutcomeKind.OK
    with pytest.raises(ValueError, match="too_long"):
        client.check(longest + "!", limits)
    refused = publish(client, ana, piece(longest + "!", "1" * 32))
    assert (refused.kind, refused.code) == (OutcomeKind.REJECTED, "rejected")


def test_pictures(server: MastodonSandbox, client: Mastodon) -> None:
    """They are published with the post, in order, with their descriptions."""
    ana = server.mint("ana")
    alts = ("Two grey dots", "", "Zwei Pünktchen")
    sent = [client.upload(ana, Picture(png(), "image/png", alt, 2, 2)) for alt in alts]
    assert server.state()["accepted_count"] == 0
    order = (sent[2], sent[0], sent[1])
    assert publish(client, ana, piece("", pictures=order)).kind == OutcomeKind.OK
    (post,) = server.state()["tweets"]
    assert [picture["alt"] for picture in post["pictures"]] == [alts[2], alts[0], alts[1]]


def test_a_picture_that_takes_its_time(server: MastodonSandbox, client: Mastodon) -> None:
    """A short while is waited for; a longer one sends the post later, never half."""
    ana = server.mint("ana")
    picture = Picture(png(), "image/png", "", 2, 2)
    server.settings(media_seconds=1)
    assert (
        publish(client, ana, piece(pictures=(client.upload(ana, picture),))).kind == OutcomeKind.OK
    )
    server.settings(media_seconds=3600, language="de")
    hasty = mastodon(SEND_TIMEOUT=1.2)
    slow = piece("slow", "1" * 32, pictures=(hasty.upload(ana, picture),))
    early = publish(client, ana, slow)
    assert (early.kind, early.code, early.retry_after) == (
        OutcomeKind.LATER,
        "pictures_processing",
        5,
    )
    server.settings(media_seconds=0)
    assert publish(client, ana, slow).kind == OutcomeKind.OK
    assert server.texts() == ["hello", "slow"]


def test_pictures_that_are_refused(server: MastodonSandbox, client: Mastodon) -> None:
    """For what they are, or because the server cannot process them."""
    ana = server.mint("ana")
    with pytest.raises(UploadRefused, match="picture_refused"):
        client.upload(ana, Picture(b"<svg/>", "image/png", "", 1, 1))
    server.settings(media_seconds=0.3, media_fails=True)
    with pytest.raises(UploadRefused, match="picture_refused"):
        client.upload(ana, Picture(png(), "image/png", "", 2, 2))


def test_uploading_while_the_server_is_down(server: MastodonSandbox, client: Mastodon) -> None:
    """It may be tried again; a dead token and a missing permission may not."""
    ana, picture = server.mint("ana"), Picture(png(), "image/png", "", 2, 2)
    for kind in ("status", "accept_then_drop", "rate_limit", "garbage"):
        server.fault(kind, "upload")
        with pytest.raises(LookUpFailed):
            client.upload(ana, picture)
    with pytest.raises(TokenRefused):
        client.upload(server.mint("ana", scope="read write:statuses"), picture)
    server.control("revoke", handle="ana")
    with pytest.raises(TokenRefused):
        client.upload(ana, picture)


def test_scopes(server: MastodonSandbox, client: Mastodon) -> None:
    """A permission that was never given is the account's affair, not the text's."""
    reader = server.mint("ana", scope="read")
    writer = server.mint("ana", scope="write")
    refused = publish(client, reader)
    assert (refused.kind, refused.code) == (OutcomeKind.AUTH, "permission_missing")
    assert publish(client, writer).kind == OutcomeKind.OK
    with pytest.raises(LookUpRefused):
        client.who_am_i(writer)


def test_a_new_app_where_nobody_came_back(server: MastodonSandbox, client: Mastodon) -> None:
    """Without a database, too: one an hour, and the old one is good for who was there with it."""
    first = client.begin({"server": server.url}, CALLBACK)
    second = client.begin_anew(first.memory, CALLBACK)
    assert second.memory["client"] != first.memory["client"]
    assert client.begin_anew(first.memory, CALLBACK).memory["client"] == second.memory["client"]
    with pytest.raises(ConnectRefused, match="just_registered"):
        client.begin_anew(second.memory, CALLBACK)
    for consent in (first, second):
        (connection,) = client.finish(consent.memory, visit(consent), CALLBACK)
        assert connection.credentials["client_id"] in consent.url
    assert len(server.state()["apps"]) == 2
