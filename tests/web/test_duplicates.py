"""The same text again is asked about; nearly the same is told."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.db import db, utcnow
from app.models import Delivery, LearnedItem, Tweet, User, sameness
from app.states import State
from tests.support.reader import Reader
from tests.support.world import World

BREAD = "The bakery is open, and the bread is warm"


@pytest.fixture
def baker(world: World) -> Reader:
    """Somebody with an account on X and one on Mastodon, on each database."""
    user_id = world.user("ana")
    world.connect(user_id, "mastodon", "ana")
    return Reader.of(world, user_id)


def write(reader: Reader, text: str, **more: Any) -> TestResponse:
    """Write a tweet for tomorrow; return the answer."""
    return reader.post("/tweets", **{"text": text, "when": "in 20 hours", **more})


def end(world: World, job_id: str, state: State, days_ago: float) -> None:
    """Let a delivery have ended some days ago."""
    at = utcnow() - timedelta(days=days_ago)
    with world.rows():
        # Told here: what a worker and the time would have made of the row.
        ended = {"state": state, "next_at": None, "accepted_at": at, "due_at": at}
        db.session.execute(db.update(Delivery).where(Delivery.id == job_id).values(ended))
        db.session.commit()


def test_the_same_text_is_asked_about(world: World, baker: Reader) -> None:
    """409 with the tweet that has it, until its writer says that it is meant."""
    first = write(baker, BREAD).json
    refused = write(baker, f"  {BREAD.upper()}\n")
    assert refused.status_code == 409
    answer = refused.json
    assert answer["error"]["code"] == "duplicate"
    assert answer["duplicate"] == {
        "tweet_id": first["tweet"]["id"],
        "job_id": first["job_id"],
        "remote_id": None,
        "at": first["tweet"]["due_at"],
    }
    assert write(baker, BREAD, allow_duplicate=True).status_code == 202
    assert write(baker, f"{BREAD}!", allow_duplicate=False).status_code == 202
    with world.rows():
        assert User.by_handle("ana").tweet_later(BREAD, "in 3 hours")  # the shell never asks


def test_what_counts(world: World, baker: Reader) -> None:
    """What waits or went out within 90 days, on the chosen accounts, as each publishes it."""
    x, mastodon = world.accounts_of(1)
    job = write(baker, BREAD, accounts=[x]).json["job_id"]
    assert write(baker, BREAD, accounts=[mastodon]).status_code == 202
    for state, days_ago, status in [
        (State.PUBLISHED, 89, 409),
        (State.FAILED, 1, 202),
        (State.PUBLISHED, 91, 202),
    ]:
        end(world, job, state, days_ago)
        answer = write(baker, BREAD, accounts=[x])
        assert answer.status_code == status, state
        if status == 202:  # out of the way of the next round
            end(world, answer.json["job_id"], State.CANCELLED, 0)


def test_variants_and_threads(world: World, baker: Reader) -> None:
    """What an account really publishes counts, all of it."""
    x, mastodon = world.accounts_of(1)
    own = {str(x): {"text": "Only for X, about bread"}}
    write(baker, BREAD, accounts=[x, mastodon], variants=own)
    assert write(baker, BREAD, accounts=[x]).status_code == 202
    assert write(baker, "only for x, about BREAD", accounts=[x]).status_code == 409
    assert write(baker, BREAD, accounts=[mastodon]).status_code == 409
    thread = [{"text": "One of two"}, {"text": "Two of two"}]
    for parts, status in [(thread, 202), (thread, 409), (thread[::-1], 202)]:
        answer = baker.post("/tweets", parts=parts, when="in 20 hours")
        assert answer.status_code == status


def test_edits_are_known(world: World, baker: Reader) -> None:
    """After an edit the new text is the one that counts; the edit itself is not asked about."""
    first = write(baker, "What was written first").json
    write(baker, BREAD)
    address = f"/tweets/{first['tweet']['id']}"
    assert baker.change(address, text=BREAD).status_code == 200
    assert write(baker, "What was written first").status_code == 202
    changed = baker.change(address, text="For one job", job_id=first["job_id"])
    assert changed.status_code == 200
    assert write(baker, "For one job").json["duplicate"]["job_id"] == first["job_id"]


def test_the_same_key_has_the_same_answer(baker: Reader) -> None:
    """A request that is repeated is no duplicate of itself, warnings included."""
    write(baker, BREAD)
    key = str(uuid.uuid4())
    answers = [write(baker, f"{BREAD}.", submit_id=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert answers[0].json["warnings"]


def test_what_was_imported_counts(world: World, baker: Reader) -> None:
    """A post that was read of the account has no tweet here; one that its owner hid is unknown."""
    x, _ = world.accounts_of(1)
    at = utcnow() - timedelta(days=3)
    with world.rows():
        item = {"account_id": x, "kind": "posts", "text": BREAD, "created_at": at, "sort_at": at}
        key = sameness.text_key(BREAD)
        db.session.add(LearnedItem(remote_id="77", text_key=key, **item))
        db.session.commit()
    found = write(baker, BREAD).json["duplicate"]
    assert (found["tweet_id"], found["job_id"], found["remote_id"]) == (None, None, "77")
    page = baker.submit("/tweets", text=BREAD, when="in 20 hours")
    assert page.status_code == 409
    assert "Send anyway" in page.text
    with world.rows():
        db.session.execute(db.update(LearnedItem).values(hidden=True))
        db.session.commit()
    assert write(baker, BREAD).status_code == 202


def test_nearly_the_same_is_told(world: World, baker: Reader) -> None:
    """A warning with the tweet; none for another number, and none for another account."""
    x, mastodon = world.accounts_of(1)
    first = write(baker, f"Episode 41: {BREAD}", accounts=[x]).json
    near = write(baker, f"Episode 41: {BREAD}, come in", accounts=[x]).json
    assert near["warnings"] == [{"code": "similar", "tweet_id": first["tweet"]["id"]}]
    assert write(baker, f"Episode 42: {BREAD}", accounts=[x]).json["warnings"] == []
    other = write(baker, f"Episode 41: {BREAD}!!", accounts=[mastodon]).json
    assert other["warnings"] == []


def test_without_scripts(world: World, baker: Reader) -> None:
    """The form comes back as it was written, with a button that sends it; warnings are a banner."""
    write(baker, BREAD)
    page = baker.submit("/tweets", text=BREAD, when="in 20 hours")
    assert page.status_code == 409
    assert BREAD in page.text
    assert 'value="in 20 hours"' in page.text
    assert 'name="allow_duplicate" value="1"' in page.text
    assert "/tweets/1" in page.text
    sent = baker.submit("/tweets", text=BREAD, when="in 20 hours", allow_duplicate="1")
    assert sent.status_code == 303
    assert baker.submit("/tweets", text=f"{BREAD}!", when="in 20 hours").status_code == 303
    told = baker.page("/")
    assert "nearly the same" in told
    assert 'action="/tweets/3/cancel"' in told
    assert "nearly the same" not in baker.page("/")
    with world.rows():
        assert db.session.scalar(db.select(db.func.count(Tweet.id))) == 3
