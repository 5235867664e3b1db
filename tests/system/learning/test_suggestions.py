"""Suggestions: with reasons that hold, dismissed for good, and drawn fairly."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import update

from app import learning
from app.db import db, utcnow
from app.learning.suggestions import LISTED, dismiss, keep_hobbies, listed, one_of, surprise
from app.models import LearnedItem, Reason, Suggestion, SuggestionKind, User, interest
from tests.support import past
from tests.support.world import World

DRAWS = 200


@pytest.fixture
def ana(world: World) -> tuple[int, int]:
    """Somebody with an account: ids of both."""
    user_id = world.user("ana", timezone="Europe/Berlin")
    return user_id, world.accounts_of(user_id)[0]


def look(user_id: int) -> None:
    """Find somebody's interests now, as a worker does when it is time."""
    interest.stale(user_id)
    past.hurry(user_id)
    claimed = interest.claim()
    assert claimed is not None
    assert learning.interests.find(claimed)


def draws(user_id: int, hobbies: str | None = None) -> list[learning.Found]:
    """Draw many times, the same each time."""
    chance = random.Random(7)
    found = [surprise(user_id, hobbies, chance) for _ in range(DRAWS)]
    return [one for one in found if one is not None]


def topics_of(found: list[learning.Found]) -> Counter[str]:
    """Return how often each topic was drawn."""
    words = [f"{one.label} {one.text}".lower() for one in found]
    return Counter(topic for topic in past.TOPICS for one in words if topic in one)


def test_every_topic_gets_its_turn(world: World, ana: tuple[int, int]) -> None:
    """Of ten topics nearly all come up in 200 draws, of every kind, and somebody else's never."""
    user_id, account_id = ana
    other_id = world.user("ben")
    with world.rows():
        assert draws(user_id) == []
        past.remember(account_id, 320, 50)
        past.remember(world.accounts_of(other_id)[0], 30, 5, topics=("zebras",))
        look(user_id)
        look(other_id)
        keep_hobbies(user_id, "origami")
        keep_hobbies(other_id, "zumba")
        db.session.commit()
        found = draws(user_id, "origami")
        assert len(found) == DRAWS
        assert len(topics_of(found)) >= 8
        assert {one.kind for one in found} == set(SuggestionKind)
        assert not any("zebras" in one.text + one.label or one.label == "zumba" for one in found)
        assert len({one.id for one in found}) > 50
        assert not any(one.kind == SuggestionKind.HOBBY for one in draws(user_id, None))


def test_what_is_hidden_deleted_or_dismissed_is_never_drawn(
    world: World, ana: tuple[int, int]
) -> None:
    """A hidden hashtag hides what is about its word, too: interests, posts and likes."""
    user_id, account_id = ana
    with world.rows():
        past.remember(account_id, 200, 40)
        look(user_id)
        for one in interest.listed(user_id):
            if one.label in {"#music", "#python"}:
                interest.mark(one, hidden=True, pinned=None)
        about_chess = LearnedItem.text.like("%chess%")
        db.session.execute(update(LearnedItem).where(about_chess).values(hidden=True))
        db.session.commit()
        dismissed = {one.id for one in draws(user_id)[:40]}
        assert all(dismiss(user_id, suggestion_id) for suggestion_id in dismissed)
        found = draws(user_id)
        assert len(found) == DRAWS
        assert not {one.id for one in found} & dismissed
        assert not {"music", "python"} & set(topics_of(found))
        of_items = {SuggestionKind.POST, SuggestionKind.LIKE}
        assert "chess" not in topics_of([one for one in found if one.kind in of_items])
        look(user_id)
        again = draws(user_id)
        assert not {one.id for one in again} & dismissed
        assert not {"music", "python"} & set(topics_of(again))


def test_reasons_need_evidence(world: World, ana: tuple[int, int]) -> None:
    """A day of the week in the person's zone, a success long ago, a like, a hobby: one of each."""
    user_id, account_id = ana
    with world.rows():
        now = utcnow()
        monday = now - timedelta(days=now.weekday(), hours=now.hour - 12)
        for week in range(1, 9):
            for shift, text in ((0, "Plans for #rust"), (3, "Notes on #music")):
                days = (now - monday).total_seconds() / 86_400 + 7 * week - shift
                written = past.item(account_id, "posts", f"{text} {week}", days, likes=3)
                written.created_at = written.sort_at
                db.session.add(written)
        old = past.item(account_id, "posts", "What I said about the sea", 270, likes=90)
        young = past.item(account_id, "posts", "What I said about the sky", 60, likes=90)
        like = past.item(account_id, "likes", "Somebody's own words", 5, author="mira")
        db.session.add_all([old, young, like])
        user = db.session.get_one(User, user_id)
        user.hobbies = "origami"
        db.session.commit()
        look(user_id)
        found = listed(user_id, "origami")
        assert len(found) == LISTED
        reasons = {one.reason: one for one in found}
        assert reasons[Reason.DID_WELL].text == "What I said about the sea"
        assert reasons[Reason.LIKED].author == "mira"
        assert reasons[Reason.HOBBY].label == "origami"
        days_of = {
            row.label: row.facts.get("weekday")
            for row in db.session.scalars(
                db.select(Suggestion).where(Suggestion.reason == Reason.WEEKDAY)
            )
        }
        assert (days_of["#rust"], days_of["#music"]) == (1, 4)


def test_dismissed_ones_do_not_come_back(world: World, ana: tuple[int, int]) -> None:
    """Others take their places; somebody else cannot see or dismiss them."""
    user_id, account_id = ana
    other_id = world.user("ben")
    with world.rows():
        past.remember(account_id, 100, 20)
        look(user_id)
        first = listed(user_id, None)
        assert len(first) == LISTED
        assert not dismiss(other_id, first[0].id)
        assert one_of(other_id, first[0].id, None) is None
        assert one_of(user_id, first[0].id, None) == first[0]
        assert dismiss(user_id, first[0].id)
        assert one_of(user_id, first[0].id, None) is None
        look(user_id)
        second = listed(user_id, None)
        assert len(second) == LISTED
        assert first[0].id not in {one.id for one in second}
