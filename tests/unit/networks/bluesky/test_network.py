"""Publishing at Bluesky, against a server that answers what a test wants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.networks import http
from app.networks.base import OutcomeKind, Picture
from app.networks.errors import LookUpFailed, RefreshUnclear
from tests.support.bluesky import DID, PNG, bluesky_at, create, credentials_at, piece
from tests.support.creates import created
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

RKEY = "3n2t2guek6k22"
URI = f"at://{DID}/app.bsky.feed.post/{RKEY}"
ACCEPTED = {"uri": URI, "cid": "bafyreia", "commit": {"cid": "bafyreib", "rev": "3m"}}
POST = {"uri": "at://did:plc:a/app.bsky.feed.post/3m", "cid": "bafyreip"}
ROOT = {"uri": "at://did:plc:a/app.bsky.feed.post/3l", "cid": "bafyreir"}


# The body


def test_the_body_is_key_and_record() -> None:
    """Everything that is sent but the account's own name, and nothing that changes."""
    assert bluesky_at("http://127.0.0.1:1").body(piece("Olé ✓"), {}) == {
        "collection": "app.bsky.feed.post",
        "rkey": RKEY,
        "record": {
            "$type": "app.bsky.feed.post",
            "text": "Olé ✓",
            "createdAt": "2026-11-21T12:00:00.250Z",
        },
    }


def test_the_language_is_said_where_it_is_known() -> None:
    """Feeds of one language show a post that says so; where we do not know it, none is said."""
    bluesky = bluesky_at("http://127.0.0.1:1")
    assert bluesky.body(piece("Hola", languages=("es",)))["record"]["langs"] == ["es"]
    assert "langs" not in bluesky.body(piece("Hola"))["record"]


def test_mentions_need_what_was_prepared() -> None:
    """A mention points to the DID that was resolved before, and to nothing else."""
    bluesky = bluesky_at("http://127.0.0.1:1")
    part = piece("@bob.test @eve.test")
    (facet,) = bluesky.body(part, {"dids": {"bob.test": "did:plc:bob"}})["record"]["facets"]
    assert facet["features"] == [{"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"}]
    assert "facets" not in bluesky.body(part, {})["record"]


def test_a_further_part_answers_the_one_before() -> None:
    """Root and parent by address and content; without a root the parent is the root."""
    bluesky = bluesky_at("http://127.0.0.1:1")
    reply = bluesky.body(piece("3", reply_to={**POST, "x": 1}, root=ROOT))["record"]["reply"]
    assert reply == {"root": ROOT, "parent": POST}
    assert bluesky.body(piece("2", reply_to=POST))["record"]["reply"]["root"] == POST


def test_pictures_are_embedded_with_their_words() -> None:
    """In order, with alternative text even if empty, and the shape where it is known."""
    first = {"blob": {"$type": "blob", "ref": {"$link": "a"}}, "alt": "A", "width": 4, "height": 3}
    second = {"blob": {"$type": "blob", "ref": {"$link": "b"}}, "alt": ""}
    body = bluesky_at("http://127.0.0.1:1").body(piece("", pictures=(first, second)))
    assert body["record"]["embed"] == {
        "$type": "app.bsky.embed.images",
        "images": [
            {"alt": "A", "image": first["blob"], "aspectRatio": {"width": 4, "height": 3}},
            {"alt": "", "image": second["blob"]},
        ],
    }


# Creating


def test_what_is_sent_is_the_stored_body(scripted: ScriptedServer) -> None:
    """createRecord at the account's own server, with the access token and the stored key."""
    scripted.answers = [(200, ACCEPTED)]
    bluesky = bluesky_at("http://127.0.0.1:1")  # the entryway is not asked
    create(bluesky, credentials_at(scripted.url), piece("see x.com"))
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/xrpc/com.atproto.repo.createRecord")
    assert seen.headers["Authorization"] == "Bearer access"
    assert seen.headers["Content-Type"] == "application/json"
    assert json.loads(seen.body) == {"repo": DID, **bluesky.body(piece("see x.com"))}


def test_an_accepted_post(scripted: ScriptedServer) -> None:
    """Its address is its id; address and content are what the next part needs."""
    scripted.answers = [(200, ACCEPTED)]
    outcome = create(bluesky_at(scripted.url), credentials_at(scripted.url), piece("hi"))
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, URI)
    assert outcome.remote_url == f"{scripted.url}/profile/{DID}/post/{RKEY}"
    assert outcome.reference == {"uri": URI, "cid": "bafyreia"}


def test_links_of_the_real_network_lead_to_its_site(scripted: ScriptedServer) -> None:
    """Whatever server keeps the account, people read it at bsky.app."""
    scripted.answers = [(200, ACCEPTED)]
    bluesky = bluesky_at("https://bsky.social")
    outcome = create(bluesky, credentials_at(scripted.url), piece("hi"))
    assert outcome.remote_url == f"https://bsky.app/profile/{DID}/post/{RKEY}"
    assert bluesky.profile_url("alice.test") == "https://bsky.app/profile/alice.test"
    assert not bluesky.is_local
    played = bluesky_at(scripted.url, SANDBOX=("bluesky",))
    assert played.is_local
    assert played.profile_url("alice.test") == f"{scripted.url}/profile/alice.test"
    real = bluesky_at(scripted.url, SANDBOX=())
    assert not real.is_local
    assert real.profile_url("alice.test") == "https://bsky.app/profile/alice.test"


GARBAGE = [
    "",
    "<html>created</html>",
    '{"uri": "at://',
    b"\xff\xfe\x00",
    "[" * 100_000,
    [],
    "null",
    {},
    {"uri": URI},
    {"cid": "bafyreia"},
    {"uri": URI, "cid": ""},
    {"uri": URI, "cid": 5},
    {"uri": None, "cid": "bafyreia"},
    {"uri": f"at://{DID}/app.bsky.feed.like/{RKEY}", "cid": "bafyreia"},
    {"uri": f"at://{DID}/app.bsky.feed.post/", "cid": "bafyreia"},
    {"uri": f"{URI}/more", "cid": "bafyreia"},
    {"uri": f"https:{URI[3:]}", "cid": "bafyreia"},
    {"uri": URI.replace(DID, "did:plc:other"), "cid": "bafyreia"},
]


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: str(body)[:30])
def test_a_200_about_something_else_is_unknown(scripted: ScriptedServer, body: Any) -> None:
    """It may be there: look before anything else, and never raise."""
    scripted.answers = [(200, body)]
    outcome = create(bluesky_at(scripted.url), credentials_at(scripted.url), piece("hi"))
    assert outcome.kind == OutcomeKind.AMBIGUOUS
    assert len(scripted.seen) == 1


@pytest.mark.parametrize(
    ("status", "word", "kind"),
    [
        (400, "InvalidMimeType", OutcomeKind.REJECTED),
        (400, "ExpiredToken", OutcomeKind.AUTH),
        (429, "RateLimitExceeded", OutcomeKind.LATER),
        (500, "InternalServerError", OutcomeKind.AMBIGUOUS),
        (302, "", OutcomeKind.AMBIGUOUS),
    ],
)
def test_refusals_are_sorted(
    scripted: ScriptedServer, status: int, word: str, kind: OutcomeKind
) -> None:
    """Asked once; a 500 may stand for a key that is taken, so it is never a plain failure."""
    scripted.answers = [(status, {"error": word, "message": "no"})]
    outcome = create(bluesky_at(scripted.url), credentials_at(scripted.url), piece("hi"))
    assert (outcome.kind, outcome.reference) == (kind, None)
    assert len(scripted.seen) == 1


def test_an_unreachable_server_was_not_sent_anything() -> None:
    """Nobody listens: safe to try again."""
    url = f"http://127.0.0.1:{free_port()}"
    outcome = create(bluesky_at(url), credentials_at(url), piece("hi"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")


def test_too_late_to_start_is_tried_again_at_once(scripted: ScriptedServer) -> None:
    """After the start deadline nothing is sent, and nobody is to blame."""
    bluesky = bluesky_at(scripted.url)
    outcome = created(
        bluesky, credentials_at(scripted.url), bluesky.body(piece("late")), http.boottime() - 1
    )
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, None)
    assert outcome.retry_after is not None
    assert outcome.retry_after < 1
    assert scripted.seen == []


@pytest.mark.parametrize("changes", [{"access_jwt": "☃"}, {"access_jwt": "a\nb"}, {"pds_url": ""}])
def test_odd_credentials_never_raise(scripted: ScriptedServer, changes: dict[str, Any]) -> None:
    """Broken tokens end in an outcome, not in an exception, and publish nothing."""
    scripted.answers = [(400, {"error": "InvalidToken"})]
    credentials = credentials_at(scripted.url, **changes)
    assert create(bluesky_at(scripted.url), credentials, piece("hi")).kind == OutcomeKind.NOT_SENT
    assert create(bluesky_at(scripted.url), {}, piece("hi")).kind == OutcomeKind.NOT_SENT


def test_a_server_that_became_private_is_told_nothing(scripted: ScriptedServer) -> None:
    """What the name leads to is checked at each call, for tokens and words go there."""
    bluesky = bluesky_at("https://bsky.social", ALLOW_PRIVATE_SERVERS=False)
    credentials = credentials_at(scripted.url)
    outcome = create(bluesky, credentials, piece("hi"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")
    with pytest.raises(LookUpFailed):
        bluesky.upload(credentials, Picture(PNG, "image/png", "A wall", 4, 3))
    with pytest.raises(LookUpFailed):
        bluesky.who_am_i(credentials)
    with pytest.raises(RefreshUnclear):
        bluesky.refresh(credentials)
    bluesky.revoke(credentials)
    assert scripted.seen == []
