"""Bluesky's client and the sandbox's Bluesky together: every promise from end to end."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part, Picture
from app.networks.bluesky.network import Bluesky
from app.networks.errors import LookUpFailed
from tests.support.bluesky import PNG, BlueskySandbox, bluesky_at
from tests.support.creates import created

PASSWORD = "sandbox-password"


def fresh(text: str, **more: Any) -> Part:
    """Return a part that begins now."""
    return Part(text, secrets.token_hex(16), now := datetime.now(UTC), now, **more)


def send(bluesky: Bluesky, credentials: dict[str, Any], body: dict[str, Any]) -> Outcome:
    """Make one create call."""
    return created(bluesky, credentials, body, http.boottime() + 60)


def look(bluesky: Bluesky, credentials: dict[str, Any], body: dict[str, Any]) -> list[str]:
    """Return the keys that a look-up finds."""
    found = bluesky.recent(credentials, credentials["did"], datetime.now(UTC), [body])
    return [post.comparable for post in found]


def texts(sandbox: BlueskySandbox) -> list[str]:
    """Return what was really accepted."""
    return [tweet["text"] for tweet in sandbox.state()["tweets"]]


def test_connect_publish_and_read(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """From handle and app password to a post whose link leads to its words."""
    typed = {"identifier": "@Dora.Example.com", "password": PASSWORD}
    (connection,) = bluesky.begin(typed, "")
    credentials, profile = connection.credentials, connection.profile
    assert bluesky.who_am_i(credentials) == profile
    assert (profile.handle, profile.display_name) == ("dora.example.com", "dora")
    assert PASSWORD not in str(credentials)
    assert not bluesky.is_expired(credentials)
    text = "héllo 👋 @ben.test @nobody.test see example.com/ñ #hi"
    body = bluesky.body(fresh(text), bluesky.prepare(credentials, text))
    outcome = send(bluesky, credentials, body)
    assert outcome.kind == OutcomeKind.OK
    (tweet,) = sandbox.state()["tweets"]
    assert (tweet["id"], tweet["handle"]) == (outcome.remote_id, "dora.example.com")
    page = sandbox.http.get(outcome.remote_url or "", timeout=10).text
    assert 'href="https://example.com/%C3%B1" rel="noreferrer">example.com/ñ</a>' in page
    assert page.count('<a href="/profile/did:plc:') == 1  # @ben.test, and not @nobody.test
    assert sandbox.http.get(bluesky.profile_url(profile.handle), timeout=10).ok


LOST = [
    {"kind": "accept_then_drop"},
    {"kind": "accept_then_drop", "how": "close"},
    {"kind": "accept_then_hang", "seconds": 1.5},
    {"kind": "accept_then_status", "status": 500},
    {"kind": "accept_then_status", "status": 502, "body_form": "html"},
    {"kind": "garbage"},
    {"kind": "truncated"},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_an_accepted_post_is_found_however_its_answer_was_lost(
    sandbox: BlueskySandbox, bluesky: Bluesky, fault: dict[str, Any]
) -> None:
    """Unknown, then one exact look; sent again nevertheless, it is still there once."""
    credentials = sandbox.credentials()
    body = bluesky.body(fresh("Lost"))
    sandbox.fault(**fault)
    hasty = bluesky_at(sandbox.url, SEND_TIMEOUT=1.0)
    lost = send(hasty if "hang" in fault["kind"] else bluesky, credentials, body)
    assert lost.kind == OutcomeKind.AMBIGUOUS
    assert look(bluesky, credentials, body) == [body["rkey"]]
    again = send(bluesky, credentials, body)
    assert (again.kind, again.http_status) == (OutcomeKind.AMBIGUOUS, 500)
    assert texts(sandbox) == ["Lost"]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 500}, {"kind": "drop"}, {"kind": "redirect"}],
    ids=str,
)
def test_a_post_that_was_not_accepted_is_absent(
    sandbox: BlueskySandbox, bluesky: Bluesky, fault: dict[str, Any]
) -> None:
    """Unknown too; the look shows nothing, and the same body can be sent again."""
    credentials = sandbox.credentials()
    body = bluesky.body(fresh("Not there"))
    sandbox.fault(**fault)
    assert send(bluesky, credentials, body).kind == OutcomeKind.AMBIGUOUS
    assert look(bluesky, credentials, body) == []
    assert send(bluesky, credentials, body).kind == OutcomeKind.OK
    assert texts(sandbox) == ["Not there"]


def test_a_definite_no(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """A refused record is refused, with the network's own words."""
    sandbox.fault("refuse")
    outcome = send(bluesky, sandbox.credentials(), bluesky.body(fresh("No")))
    assert (outcome.kind, outcome.code) == (OutcomeKind.REJECTED, "rejected")
    assert "not welcome" in (outcome.detail or "")


def test_what_the_client_lets_through_the_network_takes(
    sandbox: BlueskySandbox, bluesky: Bluesky
) -> None:
    """The longest texts of both counts, in all kinds of characters."""
    credentials = sandbox.credentials()
    limits = bluesky.limits(credentials)
    for text in ("a" * 300, "👩‍👩‍👧‍👦" * 120, "한" * 300, "#ok https://x.com/ÿ " * 15):
        bluesky.check(text, limits)
        assert send(bluesky, credentials, bluesky.body(fresh(text.strip()))).kind == OutcomeKind.OK
    long = bluesky.body(fresh("a" * 301))
    assert send(bluesky, credentials, long).kind == OutcomeKind.REJECTED


@pytest.mark.parametrize(
    ("group", "known"), [("short", True), ("retry-after", True), ("none", False)]
)
def test_rate_limited(sandbox: BlueskySandbox, bluesky: Bluesky, group: str, known: bool) -> None:
    """Wait for as long as the network says, if it says."""
    sandbox.fault("rate_limit", group=group, reset_in=40)
    outcome = send(bluesky, sandbox.credentials(), bluesky.body(fresh("Later")))
    assert (outcome.kind, outcome.code) == (OutcomeKind.LATER, "rate_limited")
    assert (outcome.retry_after is not None) == known
    assert not known or 35 < (outcome.retry_after or 0) <= 41


def test_points_run_out(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """The last post that fits tells to rest; the next one would be told to wait."""
    sandbox.settings(limits={"hour": 7})
    credentials = sandbox.credentials()
    outcomes = [send(bluesky, credentials, bluesky.body(fresh(f"{n}"))) for n in range(3)]
    assert [outcome.kind for outcome in outcomes] == [
        OutcomeKind.OK,
        OutcomeKind.OK,
        OutcomeKind.LATER,
    ]
    assert outcomes[0].pause_for is None
    assert 3_500 < (outcomes[1].pause_for or 0) <= 3_601
    assert 3_500 < (outcomes[2].retry_after or 0) <= 3_601


def test_a_thread_with_a_picture(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """The second part answers the first, found by a look after its answer was lost."""
    credentials = sandbox.credentials()
    picture = bluesky.upload(credentials, Picture(PNG, "image/png", "A wall", 4, 3))
    first = bluesky.body(fresh("One", pictures=(picture,)))
    sandbox.fault("accept_then_drop")
    assert send(bluesky, credentials, first).kind == OutcomeKind.AMBIGUOUS
    (seen,) = bluesky.recent(credentials, credentials["did"], datetime.now(UTC), [first])
    second = fresh("Two", reply_to=seen.reference, root=seen.reference)
    outcome = send(bluesky, credentials, bluesky.body(second))
    third = fresh("Three", reply_to=outcome.reference, root=seen.reference)
    assert send(bluesky, credentials, bluesky.body(third)).kind == OutcomeKind.OK
    one, two, three = sandbox.state()["tweets"]
    assert [one["in_reply_to"], two["in_reply_to"], three["in_reply_to"]] == [
        None,
        one["id"],
        two["id"],
    ]
    assert one["pictures"] == [{"id": picture["blob"]["ref"]["$link"], "alt": "A wall"}]


def test_pictures_are_kept_for_a_while(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Gone before it was used: stored again it is the same, so the same body goes out."""
    credentials = sandbox.credentials()
    picture = Picture(PNG, "image/png", "", 4, 3)
    stored = bluesky.upload(credentials, picture)
    body = bluesky.body(fresh("With a picture", pictures=(stored,)))
    sandbox.settings(clock_offset=3_601)
    outcome = send(bluesky, credentials, body)
    assert (outcome.kind, outcome.code) == (OutcomeKind.LATER, "pictures_gone")
    assert bluesky.upload(credentials, picture) == stored
    assert send(bluesky, credentials, body).kind == OutcomeKind.OK


def test_an_upload_without_answer_is_made_again(sandbox: BlueskySandbox, bluesky: Bluesky) -> None:
    """Nothing is published by it."""
    credentials = sandbox.credentials()
    sandbox.fault("accept_then_drop", "upload")
    with pytest.raises(LookUpFailed):
        bluesky.upload(credentials, Picture(PNG, "image/png", "", 4, 3))
    assert texts(sandbox) == []
