"""What a create call sends: the same again while it may have arrived, and keys of its own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.delivery.claims import Claim
from app.delivery.payload import Materials, body_of
from app.networks import build
from app.networks.base import Body, Destination, Network
from config import load
from tests.support.mastodon_apps import AppsInMemory

WRITTEN_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PICTURES = {
    "x": {"id": "1111"},
    "mastodon": {"id": "1111"},
    "facebook": {"media_fbid": "1111"},
    "bluesky": {"alt": "a dog", "blob": {"ref": {"$link": "cid1111"}, "mimeType": "image/png"}},
}


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    """Every network, set up for tests."""
    config = load({"APP_ENV": "test", "SECRET_KEY": "only for tests"})
    return build({**config, "MASTODON_APPS": AppsInMemory()})


def claim(body: Body | None = None, part: int = 0, text: str = "Look", **more: object) -> Claim:
    """Return a claim of a job with one picture."""
    x = Destination("x", "")
    return Claim("job", 1, 1, x, text, WRITTEN_AT, body, ("picture",), part, parts=3, **more)  # type: ignore[arg-type]


def changed(picture: dict[str, object]) -> dict[str, object]:
    """Return what the network calls the same picture after it was brought again."""
    return {name: "2222" if value == "1111" else value for name, value in picture.items()}


@pytest.mark.parametrize("name", PICTURES)
def test_what_may_have_arrived_is_sent_again_as_it_was(
    networks: dict[str, Network], name: str
) -> None:
    """A resend has the very body that was stored, byte for byte."""
    given = Materials(({**PICTURES[name]},))
    stored = body_of(claim(), networks[name], given)
    assert body_of(claim(stored), networks[name], given) == stored


@pytest.mark.parametrize("name", ["x", "mastodon", "facebook"])
def test_a_picture_that_was_lost_is_replaced(networks: dict[str, Network], name: str) -> None:
    """The network lost the picture and gave it another name: a resend has the new one."""
    stored = body_of(claim(), networks[name], Materials((PICTURES[name],)))
    again = body_of(claim(stored), networks[name], Materials((changed(PICTURES[name]),)))
    assert again != stored
    assert "2222" in str(again)
    assert networks[name].comparable(again) == networks[name].comparable(stored)


def test_the_language_is_its_authors(networks: dict[str, Network]) -> None:
    """What they have chosen here; what was sent once stays as it was, whatever they choose then."""
    bluesky, given = networks["bluesky"], Materials((PICTURES["bluesky"],))
    stored = body_of(claim(language="es"), bluesky, given)
    assert stored["record"]["langs"] == ["es"]
    assert body_of(claim(stored, language="en"), bluesky, given) == stored
    assert "langs" not in body_of(claim(), bluesky, given)["record"]


def test_each_part_has_a_key_of_its_own(networks: dict[str, Network]) -> None:
    """Another part or another text: another key; the same part: the same key at every try."""
    mastodon = networks["mastodon"]
    keys = [
        body_of(wanted, mastodon, Materials((PICTURES["mastodon"],)))["idempotency_key"]
        for wanted in (claim(), claim(), claim(part=1), claim(text="Listen"))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_record_key_is_the_same_at_every_try(networks: dict[str, Network]) -> None:
    """Nothing of a try goes into it: an older copy of the database makes the same one again."""
    bluesky = networks["bluesky"]
    given = Materials((PICTURES["bluesky"],))

    def key(wanted: Claim) -> str:
        return str(body_of(wanted, bluesky, given)["rkey"])

    first = claim()
    again = replace(claim(), fence=7, body=None)
    assert key(first) == key(again)
    others = [claim(text="Listen"), replace(first, job_id="other"), claim(part=1)]
    others.append(replace(first, written_at=WRITTEN_AT + timedelta(seconds=1)))
    assert len({key(first), *map(key, others)}) == 5
    thread = [key(claim(part=part)) for part in range(25)]
    assert thread == sorted(thread)


def test_a_part_answers_the_last_whose_id_is_known(networks: dict[str, Network]) -> None:
    """Its owner says that part two is there, but nobody knows its id: part three answers one."""
    out = [
        {"remote_id": "7", "remote_url": "…", "reference": {"id": "7"}},
        {"remote_id": None, "remote_url": None, "reference": None},
    ]
    wanted = claim(part=2, posted=tuple(out))
    body = body_of(wanted, networks["x"], Materials((PICTURES["x"],)))
    assert body["reply"] == {"in_reply_to_tweet_id": "7"}


def test_options_are_in_the_body_and_in_the_key(networks: dict[str, Network]) -> None:
    """Other options are another content, with a key of its own; none leave keys as they were."""
    words = {"spoiler_text": "Ahead", "language": "es"}
    plain, warned = (
        body_of(replace(claim(**more), pictures=()), networks["mastodon"])
        for more in ({}, {"options": words})
    )
    swapped = {"language": "es", "spoiler_text": "Ahead"}  # as a database may give it back
    again = body_of(replace(claim(options=swapped), pictures=()), networks["mastodon"])
    assert {name: warned[name] for name in words} == words
    assert plain["idempotency_key"] != warned["idempotency_key"] == again["idempotency_key"]
    unchanged = hashlib.sha256(json.dumps(["job", 0, "Look", []]).encode()).hexdigest()[:32]
    assert plain["idempotency_key"] == unchanged


def test_the_tweets_own_visibility_wins(networks: dict[str, Network]) -> None:
    """Over the account's choice, which holds where the tweet says nothing."""
    own = claim(options={"visibility": "private"}, visibility="unlisted")
    assert body_of(own, networks["mastodon"])["visibility"] == "private"
    assert body_of(claim(visibility="unlisted"), networks["mastodon"])["visibility"] == "unlisted"
