"""Facebook's client and its sandbox, end to end: publishing, pictures, lost answers."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part, Picture, Scope
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused, UploadRefused
from app.networks.facebook.network import Facebook
from tests.support.creates import created
from tests.support.facebook import FacebookSandbox


def part(text: str = "hello", **more: Any) -> Part:
    """Return something to publish."""
    return Part(
        text=text, key="0" * 32, started_at=(now := datetime.now(UTC)), written_at=now, **more
    )


def publish(client: Facebook, credentials: Any, text: str = "hello", **more: Any) -> Outcome:
    """Publish now."""
    return created(client, credentials, client.body(part(text, **more), {}), http.boottime() + 60)


def png(width: int = 2, height: int = 2) -> bytes:
    """Return a picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x7f" * 3 * width) * height
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


# Publishing


def test_a_post_has_a_page(facebook: FacebookSandbox, client: Facebook) -> None:
    """The link of an accepted post leads to it."""
    outcome = publish(client, facebook.mint("ana"), "Read https://example.com/x")
    assert outcome.kind == OutcomeKind.OK
    assert outcome.pause_for is None
    page = http.call("GET", outcome.remote_url or "", timeout=5)
    assert (page.status, "Read https://example.com/x" in page.text) == (200, True)
    profile = http.call("GET", client.profile_url("ana"), timeout=5)
    assert "Read https://example.com/x" in profile.text


def test_a_link_is_previewed_and_found_again(facebook: FacebookSandbox, client: Facebook) -> None:
    """The preview is of the first link, and a look-up tells the post by its message as before."""
    ana, text = facebook.mint("ana"), "Read https://example.com/x and https://b.test"
    sent_at = datetime.now(UTC)
    outcome = publish(client, ana, text)
    (post,) = client.recent(ana, str(ana["page_id"]), sent_at - timedelta(seconds=5), ())
    assert (post.remote_id, post.comparable) == (
        outcome.remote_id,
        client.comparable(client.body(part(text), {})),
    )
    assert facebook.state()["tweets"][0]["link"] == "https://example.com/x"


def test_pictures_are_published_once_and_with_the_post(
    facebook: FacebookSandbox, client: Facebook
) -> None:
    """An upload is no post; uploading twice does no harm; the order is kept."""
    ana = facebook.mint("ana")
    picture = Picture(png(), "image/png", "Two grey dots", 2, 2)
    first, second, _ = (client.upload(ana, picture) for _ in range(3))
    assert facebook.state()["accepted_count"] == 0
    body = client.body(part("Look", pictures=(second, first)), {})
    assert created(client, ana, body, http.boottime() + 60).kind == OutcomeKind.OK
    (post,) = facebook.state()["tweets"]
    assert post["pictures"] == [
        {"id": second["media_fbid"], "alt": "Two grey dots"},
        {"id": first["media_fbid"], "alt": "Two grey dots"},
    ]
    again = created(client, ana, body, http.boottime() + 60)
    assert (again.kind, again.code) == (OutcomeKind.REJECTED, "duplicate")


def test_what_is_no_picture(facebook: FacebookSandbox, client: Facebook) -> None:
    """The network's own word on the format comes back."""
    with pytest.raises(UploadRefused) as refused:
        client.upload(facebook.mint("ana"), Picture(b"<svg/>", "image/png", "", 1, 1))
    assert refused.value.code == "picture_refused"


def test_uploading_while_facebook_is_down(facebook: FacebookSandbox, client: Facebook) -> None:
    """It may be tried again; a dead token may not."""
    ana = facebook.mint("ana")
    picture = Picture(png(), "image/png", "", 2, 2)
    for kind in ("status", "accept_then_drop", "rate_limit", "garbage"):
        facebook.fault(kind, "upload")
        with pytest.raises(LookUpFailed):
            client.upload(ana, picture)
    facebook.control("revoke", handle="ana")
    with pytest.raises(TokenRefused):
        client.upload(ana, picture)


def test_the_same_text_twice(facebook: FacebookSandbox, client: Facebook) -> None:
    """506 is our word duplicate."""
    ana = facebook.mint("ana")
    assert publish(client, ana).kind == OutcomeKind.OK
    second = publish(client, ana)
    assert (second.kind, second.code, second.is_duplicate) == (
        OutcomeKind.REJECTED,
        "duplicate",
        True,
    )
    facebook.settings(duplicate_window=0)
    assert publish(client, ana).kind == OutcomeKind.OK


LOST = [
    ("accept_then_drop", "no_answer", {}),
    ("accept_then_status", "server_error", {}),
    ("accept_then_status", "server_error", {"status": 502, "body_form": "html"}),
    ("garbage", "garbled_answer", {}),
    ("truncated", "no_answer", {}),
]


@pytest.mark.parametrize(("kind", "code", "more"), LOST)
def test_a_lost_answer_is_found(
    facebook: FacebookSandbox, client: Facebook, kind: str, code: str, more: Any
) -> None:
    """It was accepted, nobody said so, and the list of posts shows it."""
    ana = facebook.mint("ana")
    since = datetime.now(UTC) - timedelta(seconds=120)
    assert publish(client, ana, "before").kind == OutcomeKind.OK
    facebook.fault(kind, **more)
    body = client.body(part("Zoë\r\nand a link: https://example.com"), {})
    outcome = created(client, ana, body, http.boottime() + 60)
    assert (outcome.kind, outcome.code) == (OutcomeKind.AMBIGUOUS, code)
    seen = client.recent(ana, ana["id"], since, [body])
    assert [post.comparable == client.comparable(body) for post in seen] == [False, True]
    assert seen[1].remote_id == facebook.state()["tweets"][1]["id"]


@pytest.mark.parametrize("kind", ["status", "drop"])
def test_nothing_was_accepted(facebook: FacebookSandbox, client: Facebook, kind: str) -> None:
    """The same answers, but no post: it cannot be told apart, and the list stays empty."""
    ana = facebook.mint("ana")
    facebook.fault(kind)
    assert publish(client, ana).kind == OutcomeKind.AMBIGUOUS
    assert client.recent(ana, ana["id"], datetime.now(UTC) - timedelta(minutes=2), []) == []
    assert facebook.texts() == []


def test_a_lost_post_of_pictures_only_is_found_by_them(
    facebook: FacebookSandbox, client: Facebook
) -> None:
    """Without a text it is told by its pictures, in an album or alone."""
    ana = facebook.mint("ana")
    since = datetime.now(UTC) - timedelta(seconds=120)
    for count in (1, 3):
        pictures = [Picture(png(), "image/png", "", 2, 2)] * count
        photos = tuple(client.upload(ana, picture) for picture in pictures)
        body = client.body(part("", pictures=photos), {})
        facebook.fault("accept_then_drop")
        assert created(client, ana, body, http.boottime() + 60).kind == OutcomeKind.AMBIGUOUS
        found = [post.comparable for post in client.recent(ana, ana["id"], since, [body])]
        assert found.count(client.comparable(body)) == 1


def test_what_is_not_shown_proves_nothing(facebook: FacebookSandbox, client: Facebook) -> None:
    """A post may never show, so absence never leads to a second one."""
    facebook.settings(read_lag=None)
    ana = facebook.mint("ana")
    assert publish(client, ana).kind == OutcomeKind.OK
    assert client.recent(ana, ana["id"], datetime.now(UTC) - timedelta(minutes=2), []) == []
    assert client.look_ups_before_resend(ana, datetime.now(UTC)) is None


def test_many_posts_are_many_pages(facebook: FacebookSandbox, client: Facebook) -> None:
    """Each post is seen once, oldest first."""
    ana = facebook.mint("ana")
    for number in range(105):
        assert publish(client, ana, f"n{number}").kind == OutcomeKind.OK
    since = datetime.now(UTC) - timedelta(minutes=2)
    seen = client.recent(ana, ana["id"], since, [])
    assert [post.comparable for post in seen] == [f"n{number}" for number in range(105)]


# Refusals


@pytest.mark.parametrize(
    ("subcode", "code"),
    [(458, "app_removed"), (460, "password_changed"), (463, "token_refused"), (492, "role_lost")],
)
def test_a_dead_token(facebook: FacebookSandbox, client: Facebook, subcode: int, code: str) -> None:
    """It is HTTP 400 with a subcode, everywhere; nothing is published."""
    ana = facebook.mint("ana")
    facebook.control("revoke", handle="ana", subcode=subcode)
    outcome = publish(client, ana)
    assert (outcome.kind, outcome.code) == (OutcomeKind.AUTH, code)
    with pytest.raises(TokenRefused):
        client.who_am_i(ana)
    with pytest.raises(TokenRefused):
        client.recent(ana, ana["id"], datetime.now(UTC), [])
    assert facebook.texts() == []


def test_a_missing_permission(facebook: FacebookSandbox, client: Facebook) -> None:
    """Publishing and reading are two permissions."""
    reader = facebook.mint("ana", scope="pages_read_engagement")
    writer = facebook.mint("ana", scope="pages_manage_posts")
    outcome = publish(client, reader)
    assert (outcome.kind, outcome.code) == (OutcomeKind.AUTH, "permission_missing")
    assert publish(client, writer).kind == OutcomeKind.OK
    with pytest.raises(LookUpRefused):
        client.recent(writer, writer["id"], datetime.now(UTC), [])


@pytest.mark.parametrize(
    ("group", "scope", "wait"),
    [
        ("short", Scope.ACCOUNT, 600),
        ("user-day", Scope.ACCOUNT, 600),
        ("app-day", Scope.NETWORK, 3600),
        ("none", Scope.ACCOUNT, 3600),
    ],
)
def test_throttling(
    facebook: FacebookSandbox, client: Facebook, group: str, scope: Scope, wait: float
) -> None:
    """The wait is the header's, in seconds; an hour when there is none."""
    facebook.fault("rate_limit", group=group, reset_in=570)
    outcome = publish(client, facebook.mint("ana"))
    assert (outcome.kind, outcome.scope, outcome.retry_after) == (OutcomeKind.LATER, scope, wait)


def test_the_last_post_of_an_allowance(facebook: FacebookSandbox, client: Facebook) -> None:
    """It is accepted and pauses the account; the next one is refused."""
    facebook.settings(limits={"create": 2}, limit_window=1200)
    ana = facebook.mint("ana")
    waits = [publish(client, ana, text).pause_for for text in ("one", "two")]
    assert waits == [None, 1200]
    refused = publish(client, ana, "three")
    assert (refused.kind, refused.retry_after) == (OutcomeKind.LATER, 1200)
    assert publish(client, facebook.mint("ben"), "three").kind == OutcomeKind.OK


def test_a_rotated_app_secret_holds_everything(facebook: FacebookSandbox) -> None:
    """No text is to blame when the proof is wrong."""
    outcome = publish(facebook.network(FACEBOOK_CLIENT_SECRET="old"), facebook.mint("ana"))
    assert (outcome.kind, outcome.code, outcome.scope) == (
        OutcomeKind.HOLD,
        "app_forbidden",
        Scope.NETWORK,
    )


def test_no_error_tells_the_token(facebook: FacebookSandbox, client: Facebook) -> None:
    """Facebook quotes a token that it does not know; we do not."""
    stranger = {**facebook.mint("ana"), "access_token": "EAA" + "f" * 96}
    outcome = publish(client, stranger)
    assert outcome.kind == OutcomeKind.AUTH
    assert "fff" not in (outcome.detail or "")
    with pytest.raises(TokenRefused, match="Malformed") as refused:
        client.who_am_i(stranger)
    assert "fff" not in str(refused.value)
