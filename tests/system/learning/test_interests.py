"""Interests: found in the background, kept as their owner wants them, one look at a time."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, text

from app import learning
from app.db import db, utcnow
from app.learning import past as persons_past
from app.models import Account, Interest, InterestKind, LearnedItem, User, interest
from app.models.interest import InterestState
from tests.conftest import MakeWorld
from tests.support import past
from tests.support.waiting import wait_for
from tests.support.world import World


@pytest.fixture
def ana(world: World) -> tuple[int, int]:
    """Somebody with an account: ids of both."""
    user_id = world.user("ana")
    return user_id, world.accounts_of(user_id)[0]


def look(user_id: int) -> None:
    """Find somebody's interests now, as a worker does when it is time."""
    interest.stale(user_id)
    past.hurry(user_id)
    claimed = interest.claim()
    assert claimed is not None
    assert learning.interests.find(claimed)


def labels(user_id: int, kind: InterestKind) -> set[str]:
    """Return what is known of a person."""
    return {one.label for one in interest.listed(user_id) if one.kind == kind}


def test_what_a_past_is_about(world: World, ana: tuple[int, int]) -> None:
    """Hashtags as they are written most often, topics, phrases and people; not what is hidden."""
    user_id, account_id = ana
    with world.rows():
        past.remember(account_id, 120, 30)
        for text in ("More #PYTHON please", "Thanks, @ben!", "With @Ben and @ana"):
            db.session.add(past.item(account_id, "posts", text))
        db.session.add(past.item(account_id, "posts", "about #secrets", hidden=True))
        db.session.add(past.item(account_id, "follows", "", author="guido"))
        db.session.commit()
        look(user_id)
        tags = labels(user_id, InterestKind.HASHTAG)
        assert tags == {f"#{topic}" for topic in past.TOPICS}
        assert set(past.TOPICS) <= labels(user_id, InterestKind.TOPIC)
        assert "small steps add" not in labels(user_id, InterestKind.TOPIC)
        assert "steps add" in labels(user_id, InterestKind.PHRASE)
        assert {"@ben", "@guido", "@mira3"} <= {
            label.lower() for label in labels(user_id, InterestKind.PERSON)
        }
        assert "@ana" not in labels(user_id, InterestKind.PERSON)
        assert interest.as_of(user_id) is not None
        assert interest.claim() is None


def test_marks_survive_a_new_look(world: World, ana: tuple[int, int]) -> None:
    """What is hidden or pinned stays so, also when nothing is left of it; the rest goes."""
    user_id, account_id = ana
    with world.rows():
        past.remember(account_id, 60)
        look(user_id)
        known = {one.label: one for one in interest.listed(user_id)}
        interest.mark(known["#music"], hidden=True, pinned=None)
        interest.mark(known["#chess"], hidden=None, pinned=True)
        db.session.execute(db.delete(LearnedItem))
        look(user_id)
        left = {one.label: (one.hidden, one.pinned, one.weight) for one in interest.listed(user_id)}
        assert left == {"#chess": (False, True, 0.0), "#music": (True, False, 0.0)}
        past.remember(account_id, 60)
        look(user_id)
        again = {one.label: one for one in interest.listed(user_id)}
        assert again["#music"].hidden
        assert again["#music"].weight > 0
        assert interest.listed(user_id)[0].label == "#chess"


def test_two_at_once(world: World, ana: tuple[int, int]) -> None:
    """Of two that read the same person, the one that began last stores; nothing is there twice."""
    user_id, account_id = ana
    with world.rows():
        past.remember(account_id, 60)
        interest.stale(user_id)
        claims = []
        for _ in range(2):
            past.hurry(user_id)
            claims.append(interest.claim())
    results: list[bool] = []

    def find(number: int) -> None:
        with world.rows():
            claimed = claims[number]
            assert claimed is not None
            results.append(learning.interests.find(claimed))

    threads = [threading.Thread(target=find, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == [False, True]
    with world.rows():
        twice = db.select(Interest.key).group_by(Interest.user_id, Interest.kind, Interest.key)
        assert db.session.scalars(twice.having(func.count() > 1)).all() == []
        assert interest.claim() is None


def test_a_change_during_a_look_is_looked_at_again(world: World, ana: tuple[int, int]) -> None:
    """And who was claimed by a worker that is gone is taken when its lease has ended."""
    user_id, _ = ana
    with world.rows():
        interest.stale(user_id)
        past.hurry(user_id)
        first = interest.claim()
        assert first is not None
        assert interest.claim() is None  # the lease lasts
        interest.stale(user_id)
        db.session.commit()
        assert learning.interests.find(first)
        state = db.session.get_one(InterestState, user_id, populate_existing=True)
        assert state.stale_at is not None
        past.hurry(user_id)
        lost = interest.claim()
        past.hurry(user_id)  # its lease ends
        again = interest.claim()
        assert lost is not None
        assert again is not None
        assert not learning.interests.find(lost)
        assert learning.interests.find(again)
        assert db.session.get_one(InterestState, user_id, populate_existing=True).stale_at is None


def test_a_worker_learns_from_tweets_and_imports(world: World, ana: tuple[int, int]) -> None:
    """A published tweet makes its owner's interests new within the delay, and so does an import."""
    user_id, _ = ana
    world.start_worker(INTERESTS_DELAY="1")
    job = world.tweet_later(user_id, "Hello from #Sevilla")
    world.until_state(job, "published")

    def tags() -> set[str]:
        with world.rows():
            return labels(user_id, InterestKind.HASHTAG)

    assert wait_for(tags, what="the interests") == {"#Sevilla"}
    made = world.sandbox.on("bluesky")
    made.control("history", handle="lia.test", posts=60, likes=20, topics=list(past.TOPICS))
    account_id = world.connect(user_id, "bluesky", "lia.test")
    with world.rows():
        assert learning.consent.agree(db.session.get_one(Account, account_id))
    wanted = {"#Sevilla", *(f"#{topic}" for topic in past.TOPICS)}
    wait_for(lambda: tags() == wanted, what="the interests of the import")


def test_a_look_that_is_broken_off_leaves_nothing_open(
    make_world: MakeWorld, postgres_url: str
) -> None:
    """Rows are streamed by a cursor of the server; a worker that stops meanwhile closes it."""

    class Broken(Exception):
        """What a worker that is to stop raises between rows."""

    def stop() -> None:
        raise Broken

    world = make_world(postgres_url)
    user_id = world.user("ana")
    with world.rows():
        past.remember(world.accounts_of(user_id)[0], 5, 0)
        db.session.commit()
        user = db.session.get_one(User, user_id)
        with pytest.raises(Broken):
            persons_past.read(user, utcnow(), stop)
        assert not db.session.execute(text("SELECT name FROM pg_cursors")).all()
        db.session.rollback()
