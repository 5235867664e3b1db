"""Mastodon's client and its sandbox when things go wrong: nothing is published twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part, Picture, SeenPost
from app.networks.errors import LookUpFailed, TokenRefused
from app.networks.mastodon.network import Mastodon
from tests.support.creates import created
from tests.support.mastodon import MastodonSandbox, mastodon, piece, png, publish

DELAYS = [10, 30, 90, 180, 300]
MINUTE = timedelta(minutes=1)
GOTOSOCIAL = {"software": "gotosocial", "version": "0.19.1", "idempotency": False}


@pytest.fixture
def client() -> Mastodon:
    """A client that looks again later."""
    return mastodon(RECONCILE_DELAYS=DELAYS)


def look(client: Mastodon, ana: Any, *bodies: dict[str, Any]) -> list[SeenPost]:
    """Return what the account's own list shows of these bodies."""
    wanted = {client.comparable(body) for body in bodies}
    posts = client.recent(ana, ana["id"], datetime.now(UTC) - MINUTE, bodies)
    return [post for post in posts if post.comparable in wanted]


def send(client: Mastodon, ana: Any, body: dict[str, Any]) -> Outcome:
    """Publish a body now."""
    return created(client, ana, body, http.boottime() + 60)


def begun(text: str = "hello", key: str = "0" * 32, **more: Any) -> Part:
    """Return a part whose first try begins now."""
    return Part(text, key, datetime.now(UTC), datetime.now(UTC), **more)


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("accept_then_status", {"status": 500}, "server_error"),
        ("accept_then_status", {"status": 503}, "server_error"),
        ("accept_then_status", {"status": 504, "body_form": "html"}, "server_error"),
        ("accept_then_drop", {"how": "reset"}, "no_answer"),
        ("accept_then_drop", {"how": "close"}, "no_answer"),
        ("accept_then_hang", {"seconds": 3}, "no_answer"),
        ("garbage", {}, "garbled_answer"),
        ("truncated", {}, "no_answer"),
    ],
)
def test_a_lost_answer_is_found_and_not_sent_twice(
    server: MastodonSandbox, client: Mastodon, kind: str, fields: dict[str, Any], code: str
) -> None:
    """The list shows it, and the same key brings the same post back."""
    ana = server.mint("ana")
    body = client.body(piece("Hi @ben@example.social!\n\n\nSee https://example.com/" + "y" * 60))
    server.fault(kind, **fields)
    hasty = mastodon(SEND_TIMEOUT=1.0, RECONCILE_DELAYS=DELAYS)
    lost = send(hasty if "hang" in kind else client, ana, body)
    assert (lost.kind, lost.code) == (OutcomeKind.AMBIGUOUS, code)
    (found,) = look(client, ana, body)
    again = send(client, ana, body)
    assert (again.kind, again.remote_id) == (OutcomeKind.OK, found.remote_id)
    assert (again.remote_url, again.reference) == (found.url, found.reference)
    assert server.state()["accepted_count"] == 1


@pytest.mark.parametrize("kind", ["status", "drop"])
def test_a_failure_without_a_post(server: MastodonSandbox, client: Mastodon, kind: str) -> None:
    """It cannot be told from one with a post, but the list shows the difference."""
    ana, body = server.mint("ana"), client.body(piece())
    server.fault(kind)
    assert send(client, ana, body).kind == OutcomeKind.AMBIGUOUS
    assert look(client, ana, body) == []
    assert send(client, ana, body).kind == OutcomeKind.OK
    assert server.state()["accepted_count"] == 1


def test_a_server_that_points_elsewhere(server: MastodonSandbox, client: Mastodon) -> None:
    """It has moved: nobody follows, and the account waits for its owner."""
    ana, body = server.mint("ana"), client.body(piece())
    server.fault("redirect")
    outcome = send(client, ana, body)
    assert (outcome.kind, outcome.code) == (OutcomeKind.AUTH, "server_moved")
    assert server.state()["accepted_count"] == 0


def test_a_list_that_lags(server: MastodonSandbox, client: Mastodon) -> None:
    """Absence is no proof there, but Mastodon's key is."""
    ana, body = server.mint("ana"), client.body(piece())
    server.settings(read_lag=60)
    server.fault("accept_then_drop")
    send(client, ana, body)
    assert look(client, ana, body) == []
    assert client.look_ups_before_resend(ana, datetime.now(UTC)) == 2
    assert send(client, ana, body).kind == OutcomeKind.OK
    assert server.state()["accepted_count"] == 1


def test_a_server_that_ignores_keys(server: MastodonSandbox, client: Mastodon) -> None:
    """It really publishes twice, so every look-up there is comes before a second send."""
    server.settings(**GOTOSOCIAL)
    ana, body = server.mint("ana"), client.body(piece())
    assert [send(client, ana, body).kind for _ in range(2)] == [OutcomeKind.OK, OutcomeKind.OK]
    assert server.state()["accepted_count"] == 2
    assert client.look_ups_before_resend(ana, datetime.now(UTC)) > 5
    assert len(look(client, ana, body)) == 2


def test_a_forgotten_key(server: MastodonSandbox, client: Mastodon) -> None:
    """After an hour the key is worth nothing; the client knows before that."""
    ana, body = server.mint("ana"), client.body(piece())
    first = send(client, ana, body)
    server.settings(clock_offset=3601)
    assert send(client, ana, body).remote_id != first.remote_id
    now = datetime.now(UTC)
    assert client.look_ups_before_resend(ana, now - 49 * MINUTE) == 2
    assert client.look_ups_before_resend(ana, now - 51 * MINUTE) > 5


def test_a_picture_that_is_used_up(server: MastodonSandbox, client: Mastodon) -> None:
    """Without keys, a second send with pictures is refused, and that is evidence of the first."""
    server.settings(**GOTOSOCIAL, language="de")
    ana = server.mint("ana")
    picture = client.upload(ana, Picture(png(), "image/png", "", 2, 2))
    body = client.body(piece("", pictures=(picture,)))
    server.fault("accept_then_drop")
    send(client, ana, body)
    again = send(client, ana, body)
    assert (again.kind, again.is_duplicate) == (OutcomeKind.REJECTED, True)
    assert [post.comparable for post in look(client, ana, body)] == [f"pictures {picture['id']}"]
    assert server.state()["accepted_count"] == 1


@pytest.mark.parametrize("descriptions", [("",), ("Two dots",), ("One", ""), ("A", "B", "C")])
def test_pictures_that_get_other_ids_in_the_post(
    server: MastodonSandbox, client: Mastodon, descriptions: tuple[str, ...]
) -> None:
    """They are told by number, description and time, so nothing is sent a second time."""
    server.settings(**GOTOSOCIAL, renames_media=True)
    ana = server.mint("ana")
    shown = [client.upload(ana, Picture(png(), "image/png", alt, 2, 2)) for alt in descriptions]
    body = client.body(begun("", pictures=tuple(shown)))
    server.fault("accept_then_drop")
    send(client, ana, body)
    (found,) = look(client, ana, body)
    assert found.is_certain


@pytest.mark.parametrize(("alt", "moment"), [("Another", MINUTE), ("Two dots", 60 * MINUTE)])
def test_other_pictures_are_asked_about_or_passed_over(
    server: MastodonSandbox, client: Mastodon, alt: str, moment: timedelta
) -> None:
    """As many with other words are likely at the same time, and nothing an hour later."""
    server.settings(**GOTOSOCIAL, renames_media=True)
    ana = server.mint("ana")
    posted = client.upload(ana, Picture(png(), "image/png", alt, 2, 2))
    send(client, ana, client.body(begun("", pictures=(posted,))))
    mine = client.upload(ana, Picture(png(), "image/png", "Two dots", 2, 2))
    begun_at = datetime.now(UTC) - moment
    part = Part("", "1" * 32, begun_at, begun_at, pictures=(mine,))
    found = look(client, ana, client.body(part))
    assert [post.is_certain for post in found] == ([False] if moment == MINUTE else [])


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("attaches_links", "Look https://example.com/photo.jpg nice"),
        ("drops_invisible", "A family 👩‍👩‍👧 and a flag 🏳️‍🌈"),
        ("escapes_quotes", 'She said "it\'s done" & left'),
    ],
)
@pytest.mark.parametrize("source", [True, False])
def test_what_servers_make_of_a_text(
    server: MastodonSandbox, client: Mastodon, setting: str, text: str, source: bool
) -> None:
    """Each as a real server does it: found by its source, or at least asked about."""
    server.settings(**GOTOSOCIAL, **{setting: True}, source=source)
    ana, body = server.mint("ana"), client.body(begun(text))
    server.fault("accept_then_drop")
    send(client, ana, body)
    (found,) = look(client, ana, body)
    assert found.is_certain is (source or setting != "attaches_links")


def test_sources_are_asked_for_once_and_of_like_posts_only(
    server: MastodonSandbox, client: Mastodon
) -> None:
    """A busy account's look-ups leave its allowance to publishing."""
    ana = server.mint("ana")
    for number in range(60):
        server.create(ana, f"short {number}" if number % 6 else f"as long as the lost one {number}")
    body = client.body(begun("as long as the lost one is"))
    for _ in range(5):
        assert look(client, ana, body) == []
    assert server.state()["calls"]["lookup"] <= 10


def test_look_ups_leave_calls_to_publishing(server: MastodonSandbox, client: Mastodon) -> None:
    """When few calls are left, they rest until there are more."""
    server.settings(limits={"calls": 100})
    ana = server.mint("ana")
    for number in range(50):
        server.create(ana, f"post {number}")
    soon = datetime.now(UTC) + MINUTE
    for _ in range(20):
        client.recent(ana, ana["id"], soon, [])
    with pytest.raises(LookUpFailed) as rest:
        client.recent(ana, ana["id"], soon, [])
    assert 0 < (rest.value.retry_after or 0) <= 301


def test_a_deleted_post_is_not_published_again(server: MastodonSandbox, client: Mastodon) -> None:
    """The key still names it: the answer is that there is no such post."""
    ana, body = server.mint("ana"), client.body(piece())
    first = send(client, ana, body)
    assert server.call("DELETE", f"/api/v1/statuses/{first.remote_id}", ana).status_code == 200
    again = send(client, ana, body)
    assert (again.kind, again.code) == (OutcomeKind.REJECTED, "not_found")


@pytest.mark.parametrize("source", [True, False])
def test_texts_are_found_as_they_were_sent(
    server: MastodonSandbox, client: Mastodon, source: bool
) -> None:
    """Through HTML alone, too: lines, links, mentions, signs."""
    server.settings(source=source)
    ana = server.mint("ana")
    texts = [
        "plain",
        "a < b && c > d &amp; \"quoted\" 'so'",
        "line\nline\n\nparagraph\n\n\n\nparagraph",
        "  spaced   out  ",
        "é and e\u0301",
        "@Ben@Example.social and @ana #tag #Größe",
        "https://example.com/a?b=c&d=e#f, example.com and HTTPS://EXAMPLE.COM/" + "p" * 40,
        "👩‍👩‍👧 🏳️‍🌈",
    ]
    bodies = [client.body(piece(text, f"{number:032}")) for number, text in enumerate(texts)]
    for body in bodies:
        assert send(client, ana, body).kind == OutcomeKind.OK
    for body in bodies:
        assert len(look(client, ana, body)) == 1, body


def test_many_posts_are_read_in_pages(server: MastodonSandbox, client: Mastodon) -> None:
    """A busy account's list is read until it is old enough, oldest first."""
    ana = server.mint("ana")
    for number in range(95):
        server.create(ana, f"post {number}")
    posts = client.recent(ana, ana["id"], datetime.now(UTC) - MINUTE, [])
    assert [post.comparable for post in posts] == [f"post {number}" for number in range(95)]
    later = client.recent(ana, ana["id"], datetime.now(UTC) + MINUTE, [])
    assert later == []


def test_the_list_cannot_be_read(server: MastodonSandbox, client: Mastodon) -> None:
    """Nothing follows from that, whatever is broken."""
    ana = server.mint("ana")
    for kind in ("status", "drop", "accept_then_drop", "garbage", "truncated", "rate_limit"):
        server.fault(kind, "timeline")
        with pytest.raises(LookUpFailed):
            client.recent(ana, ana["id"], datetime.now(UTC) - MINUTE, [])
    server.create(ana, "another text")
    server.fault("status", "lookup")
    with pytest.raises(LookUpFailed):
        client.recent(ana, ana["id"], datetime.now(UTC) - MINUTE, [client.body(begun())])


@pytest.mark.parametrize("status", [400, 401, 403, 422])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_dead_token(
    server: MastodonSandbox, client: Mastodon, status: int, language: str
) -> None:
    """Servers say it in different ways and languages; it is never taken for a bad text."""
    ana = server.mint("ana")
    server.settings(dead_token_status=status, language=language)
    server.control("revoke", handle="ana")
    refused = publish(client, ana)
    assert refused.kind == OutcomeKind.AUTH
    if status != 403:  # which is the same as a missing permission
        assert refused.code == "token_refused"
        with pytest.raises(TokenRefused):
            client.who_am_i(ana)
        with pytest.raises(TokenRefused):
            client.recent(ana, ana["id"], datetime.now(UTC), [])
    assert not client.can_refresh(ana)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_bad_text(server: MastodonSandbox, client: Mastodon, language: str) -> None:
    """The server's own words are kept for the curious."""
    server.settings(characters=5, language=language)
    refused = publish(client, server.mint("ana"), piece("123456"))
    assert (refused.kind, refused.code, refused.http_status) == (
        OutcomeKind.REJECTED,
        "rejected",
        422,
    )
    assert "5" in (refused.detail or "")


@pytest.mark.parametrize("form", ["iso", "epoch", "seconds", "date", "none"])
def test_rate_limits(server: MastodonSandbox, client: Mastodon, form: str) -> None:
    """In every form in which servers tell the moment; five minutes where they do not."""
    server.settings(reset_form=form, limits={"create": 2})
    ana = server.mint("ana")
    waits = [publish(client, ana, piece("x", f"{n:032}")).pause_for for n in range(2)]
    refused = publish(client, ana, piece("x", "9" * 32))
    assert (refused.kind, refused.code) == (OutcomeKind.LATER, "rate_limited")
    if form == "none":
        assert (waits, refused.retry_after) == ([None, None], 300)
    else:
        assert waits[0] is None
        assert 10_790 < (waits[1] or 0) <= 10_801
        assert 10_790 < (refused.retry_after or 0) <= 10_801
    assert publish(client, server.mint("ben")).kind == OutcomeKind.OK


@pytest.mark.parametrize(("group", "least"), [("short", 90), ("retry-after", 90), ("none", 300)])
def test_being_told_to_wait(
    server: MastodonSandbox, client: Mastodon, group: str, least: float
) -> None:
    """Mastodon's own headers, a proxy's, or nothing at all."""
    server.fault("rate_limit", group=group, reset_in=95)
    told = publish(client, server.mint("ana"))
    assert told.kind == OutcomeKind.LATER
    assert least <= (told.retry_after or 0) <= max(least, 96)
