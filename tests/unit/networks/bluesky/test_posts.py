"""Limits and record keys, and what a server may call a post or a key that is taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.networks.base import OutcomeKind
from app.networks.bluesky.posts import key_of, tid
from tests.support.bluesky import DID, bluesky_at, create, credentials_at, piece
from tests.support.scripted import ScriptedServer

RKEY = "3n2t2guek6k22"
URI = f"at://{DID}/app.bsky.feed.post/{RKEY}"


def test_limits_count_graphemes_and_bytes() -> None:
    """Both are told, and pictures that older servers take too."""
    limits = bluesky_at("http://127.0.0.1:1").limits({})
    assert (limits.characters, limits.unit, limits.bytes) == (300, "graphemes", 3_000)
    assert (limits.pictures, limits.picture_bytes, limits.link_length) == (4, 1_000_000, None)


@pytest.mark.parametrize(("clock_id", "key"), [(0, "3muheobs62222"), (7, "3muheobs6222b")])
def test_record_keys_are_tids(clock_id: int, key: str) -> None:
    """The vectors of the documentation."""
    assert tid(1_788_264_000_000_000, clock_id) == key


@given(st.integers(0, 2**128 - 1))
def test_a_key_is_the_same_at_every_try(number: int) -> None:
    """Moment and name of a part make its key, which sorts by the moment."""
    part = piece("one", f"{number:032x}")
    millisecond = int(part.started_at.timestamp() * 1000)
    assert key_of(part) == key_of(piece("another text", f"{number:032x}"))
    assert tid(millisecond * 1000, 0) <= key_of(part) < tid((millisecond + 1) * 1000, 0)


def test_parts_of_one_millisecond_have_their_own_keys() -> None:
    """Moments are stored in milliseconds; the part's name tells the rest."""
    keys = {key_of(piece("x", f"{number:032x}")) for number in range(20_000)}
    assert len(keys) == 20_000


@pytest.mark.parametrize(
    "uri", [f"at://alice.test/app.bsky.feed.post/{RKEY}", f"at://{DID}/app.bsky.feed.post/another"]
)
def test_a_post_by_any_name_is_accepted(scripted: ScriptedServer, uri: str) -> None:
    """A server that names it by its handle, or chose a key of its own, has it all the same."""
    scripted.answers = [(200, {"uri": uri, "cid": "bafyreia"})]
    outcome = create(bluesky_at(scripted.url), credentials_at(scripted.url), piece("hi"))
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, uri)
    key = uri.rpartition("/")[2]
    assert outcome.remote_url == f"{scripted.url}/profile/{DID}/post/{key}"
    assert outcome.reference == {"uri": uri, "cid": "bafyreia"}


TAKEN = [
    (400, {"error": "InvalidRequest", "message": "Record already exists"}),
    (400, {"error": "InvalidSwap", "message": "Record was at bafyreia"}),
    (409, {"error": "Conflict"}),
]


@pytest.mark.parametrize("refusal", TAKEN)
def test_a_key_that_is_taken_may_be_refused_in_any_words(
    scripted: ScriptedServer, refusal: tuple[int, Any]
) -> None:
    """Only the repository knows whether it is this very post that has the key."""
    bluesky, credentials = bluesky_at(scripted.url), credentials_at(scripted.url)
    there = {"uri": URI, "cid": "bafyreia", "value": bluesky.body(piece("hi"))["record"]}
    scripted.answers = [refusal, (200, there)]
    outcome = create(bluesky, credentials, piece("hi"))
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, URI)
    assert outcome.remote_url == f"{scripted.url}/profile/{DID}/post/{RKEY}"
    assert outcome.reference == {"uri": URI, "cid": "bafyreia"}
    assert len(scripted.seen) == 2


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        ((400, {"error": "RecordNotFound"}), OutcomeKind.REJECTED),
        (
            (400, {"error": "InvalidRequest", "message": "Could not find repo"}),
            OutcomeKind.REJECTED,
        ),
        ((401, {"error": "AuthMissing"}), OutcomeKind.REJECTED),
        ((503, ""), OutcomeKind.AMBIGUOUS),
        ((200, {"uri": URI, "cid": "b", "value": {"text": "other words"}}), OutcomeKind.AMBIGUOUS),
    ],
)
def test_what_is_refused_and_not_there_is_refused(
    scripted: ScriptedServer, look: tuple[int, Any], kind: OutcomeKind
) -> None:
    """A no stays a no, unless the repository could not be read or has something else there."""
    scripted.answers = [(400, {"error": "InvalidRequest"}), look, look]
    outcome = create(bluesky_at(scripted.url), credentials_at(scripted.url), piece("hi"))
    assert (outcome.kind, outcome.remote_id) == (kind, None)
