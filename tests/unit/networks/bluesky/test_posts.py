"""A post that the server has under a name, or refuses in words, that were not expected."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.base import OutcomeKind
from tests.support.bluesky import DID, bluesky_at, create, credentials_at, piece
from tests.support.scripted import ScriptedServer

RKEY = "3n2t2guek6k22"
URI = f"at://{DID}/app.bsky.feed.post/{RKEY}"


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
