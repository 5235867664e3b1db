"""A restored backup sends nothing a second time: owners are asked. On both databases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.db import db, from_now, utcnow
from app.delivery.claims import claim_deliveries, release_claims, store_intents
from app.models import Delivery, User
from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.servers import Postgres
from tests.support.world import World


def backup_of(world: World, request: pytest.FixtureRequest) -> str:
    """Copy a database as it is now; return the copy's URL."""
    url = world.environ["DATABASE_URL"]
    with world.rows():
        db.session.remove()
        db.engine.dispose()
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        copy = path.with_name("restored.sqlite3")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return f"sqlite:///{copy}"
    server: Postgres = request.getfixturevalue("postgres")[0]
    return server.url(server.create(urlsplit(url).path.strip("/")))


def write(world: World, ana: int, *texts: str, at: str | None = None) -> list[str]:
    """Write tweets; return their jobs."""
    return [world.tweet_later(ana, text, at) for text in texts]


def move(world: World, job: str, **values: object) -> None:
    """Let a row be as a worker left it."""
    with world.rows():
        db.session.execute(db.update(Delivery).where(Delivery.id == job).values(values))
        db.session.commit()


def test_nothing_is_sent_a_second_time(
    make_world: MakeWorld, database_url: str, request: pytest.FixtureRequest
) -> None:
    """Sent after the backup was taken: each is there once, and its owner is asked."""
    world = make_world(database_url)
    ana = world.user("ana")
    texts = ["One", "Two", "Three", "First part", "Second part"]
    sent = write(world, ana, *texts[:3])
    with world.rows():
        parts = [{"text": text} for text in texts[3:]]
        sent.append(db.session.get_one(User, ana).tweet_later("", parts=parts))
    later = write(world, ana, "Tomorrow", at="in one day")
    restored = make_world(backup_of(world, request))
    worker = world.start_worker()
    assert set(world.until_settled(sent).values()) == {State.PUBLISHED}
    world.kill(worker)

    done = restored.flask("hold", "--due-before", "now")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Held for their owners: 4.")
    restored.start_worker()
    fresh = write(restored, ana, "After all that")
    assert set(restored.until_settled(fresh).values()) == {State.PUBLISHED}
    assert restored.sandbox.texts() == dict.fromkeys([*texts, *["After all that"]], 1)
    for job in sent:
        row = restored.delivery(job)
        assert (row.state, row.hold_reason, row.next_at) == (State.HELD, HoldReason.LATE, None)
        assert row.error_code == "restored"
    assert restored.states(later) == {later[0]: State.SCHEDULED}

    with restored.rows():  # its owner says that it may go, and X knows better
        db.session.get_one(Delivery, sent[0]).tweet.reschedule(utcnow())
    assert restored.until_settled(sent[:1]) == {sent[0]: State.FAILED}
    assert restored.delivery(sent[0]).error_code == "duplicate"


def test_what_was_being_sent(
    make_world: MakeWorld, database_url: str, request: pytest.FixtureRequest
) -> None:
    """It is looked up; a thread does not go on by itself, and what is not found is not resent."""
    world = make_world(database_url)
    ana = world.user("ana")
    found, absent = write(world, ana, "Found", "Absent")
    with world.rows():
        parts = [{"text": "Part one"}, {"text": "Part two"}]
        thread = db.session.get_one(User, ana).tweet_later("", parts=parts)
        claims = claim_deliveries([found, absent, thread], "lost:1")
        store_intents([(claim, {"text": claim.text}) for claim in claims], "lost:1")
    restored = make_world(backup_of(world, request))
    for job in (found, absent, thread):
        move(world, job, state=State.SCHEDULED, next_at=from_now(), attempts=0)
    with world.rows():
        db.session.get_one(Delivery, absent).tweet.cancel()
    worker = world.start_worker()
    world.until_settled([found, thread])
    world.kill(worker)

    done = restored.flask("hold", "--due-before", "NOW")
    assert "Looked up first, and then asked about: 3." in done.stdout
    for job in (found, absent, thread):
        move(restored, job, lease_until=from_now(), next_at=from_now())
    restored.start_worker()
    states = restored.until_settled([found, absent, thread])
    assert states == {found: State.PUBLISHED, absent: State.REVIEW, thread: State.HELD}
    assert restored.delivery(absent).error_code == "never_seen"
    assert len(restored.delivery(thread).posted) == 1
    assert restored.sandbox.texts() == {"Found": 1, "Part one": 1, "Part two": 1}


def test_beside_a_running_worker(make_world: MakeWorld, database_url: str) -> None:
    """A claim that is taken away cannot be sent; what waits for an account asks afterwards."""
    world = make_world(database_url)
    ana = world.user("ana")
    claimed, waiting = write(world, ana, "Claimed", "Waiting")
    with world.rows():
        claims = claim_deliveries([claimed], "worker:1")
    move(world, waiting, state=State.HELD, next_at=None, hold_reason=HoldReason.RECONNECT)
    assert "owners: 2." in world.flask("hold", "--due-before", "NOW").stdout
    assert "owners: 0." in world.flask("hold", "--due-before", "NOW").stdout
    with world.rows():
        assert store_intents([(claims[0], {"text": "Claimed"})], "worker:1") == []
        release_claims(claims, "worker:1")
    assert set(world.states([claimed, waiting]).values()) == {State.HELD}
    assert world.delivery(waiting).hold_reason == HoldReason.LATE


def test_a_part_that_its_owner_confirms(world: World) -> None:
    """The rest of the thread waits for its owner's word, too; then all is as ever."""
    ana = world.user("ana")
    with world.rows():
        parts = [{"text": "One"}, {"text": "Two"}, {"text": "Three"}]
        job = db.session.get_one(User, ana).tweet_later("", parts=parts)
    asked = {"state": State.REVIEW, "next_at": None, "first_sent_at": from_now()}
    move(world, job, **asked, asks_first=True, error_code="never_seen")
    with world.rows():
        tweet = db.session.get_one(Delivery, job).tweet
        assert tweet.confirm(job) == []
        row = db.session.get_one(Delivery, job, populate_existing=True)
        assert (row.state, row.hold_reason, len(row.posted)) == (State.HELD, HoldReason.LATE, 1)
        assert tweet.reschedule(utcnow()) == [job]
        row = db.session.get_one(Delivery, job, populate_existing=True)
        assert (row.state, row.asks_first, row.error_code) == (State.SCHEDULED, False, None)


@pytest.mark.parametrize(
    "moment", ["yesterday", "", "2027-01-31T18:30:00", "0001-01-01T00:00+05:00"]
)
def test_a_moment_that_is_none(small_world: World, moment: str) -> None:
    """It is refused in a sentence, and nothing is changed."""
    job = small_world.tweet_later(small_world.user("ana"), "Still due")
    done = small_world.flask("hold", "--due-before", moment)
    assert done.returncode == 2
    assert "Write it like 2027-01-31T18:30:00+01:00" in done.stderr
    assert "Traceback" not in done.stderr
    assert small_world.states([job]) == {job: State.SCHEDULED}


def test_a_moment_with_its_offset(small_world: World) -> None:
    """Only what was due before it is held."""
    ana = small_world.user("ana")
    before, after = (
        small_world.tweet_later(ana, text, at)
        for text, at in (("Before", timedelta(hours=1)), ("After", timedelta(hours=3)))
    )
    moment = (utcnow() + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    assert small_world.flask("hold", "--due-before", moment).returncode == 0
    states = small_world.states([before, after])
    assert states == {before: State.HELD, after: State.SCHEDULED}
