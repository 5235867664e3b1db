"""How much texts count, and what is kept of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.learning import hobbies
from app.learning.tally import (
    HALF_LIFE_DAYS,
    KEPT,
    MAX_FACTOR,
    MAX_TERMS,
    MIN_FACTOR,
    Tally,
    median,
    recency,
    success,
)
from app.models import InterestKind

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HASHTAG, TOPIC, PHRASE, PERSON = InterestKind


def test_what_is_old_counts_less() -> None:
    """Half of it after the half-life; a clock that is wrong gives nothing more than now."""
    assert recency(NOW, NOW) == 1
    assert recency(NOW - timedelta(days=HALF_LIFE_DAYS), NOW) == pytest.approx(0.5)
    assert recency(NOW + timedelta(days=400), NOW) == 1
    assert 0 < recency(datetime(1970, 1, 1, tzinfo=UTC), NOW) < 1e-30


def test_answers_count_beside_the_usual() -> None:
    """As many as usual, or unknown, is 1; what is far off is bounded."""
    assert success(None, 50) == success(10, 10) == success(0, 0) == 1
    assert 1 < success(20, 10) < success(40, 10) < MAX_FACTOR
    assert success(10**9, 0) == MAX_FACTOR
    assert success(0, 10**6) == MIN_FACTOR
    assert median([]) == 0
    assert median([1, 100, 3]) == 3


def test_the_usual_writing_is_shown() -> None:
    """Most frequent first; a word that was read in two languages is one topic."""
    tally = Tally()
    for written in ("#Python", "#python", "#Python"):
        tally.add({(HASHTAG, "python"): written}, 1)
    tally.add({(TOPIC, "sail"): "sailing"}, 1, weekday=0)
    tally.add({(TOPIC, "sailing"): "sailing"}, 2, weekday=6)
    found = tally.strongest()
    assert {key: (term.label, term.weight) for key, term in found.items()} == {
        (HASHTAG, "python"): ("#Python", 3),
        (TOPIC, "sail"): ("sailing", 3),
    }
    assert found[(TOPIC, "sail")].weekdays == [1, 0, 0, 0, 0, 0, 1]


def test_phrases_recur() -> None:
    """Three times, and in a good part of what their words are in; not a part of a longer one."""
    tally = Tally()
    words = {(TOPIC, "machin"): "machine", (TOPIC, "learn"): "learning"}
    whole = {(PHRASE, "big machin learn"): "big machine learning"}
    for _ in range(3):
        tally.add({**words, (PHRASE, "machin learn"): "machine learning", **whole}, 1)
    for _ in range(20):
        tally.add({(TOPIC, "day"): "day", (TOPIC, "new"): "new"}, 1)
    for _ in range(3):
        tally.add({(PHRASE, "new day"): "new day"}, 1)
    assert {key for kind, key in tally.strongest() if kind == PHRASE} == {"big machin learn"}


def test_memory_is_bounded() -> None:
    """What was met once is forgotten first; of each kind only the strongest are kept."""
    tally = Tally()
    for _ in range(3):
        tally.add({(TOPIC, "often"): "often"}, 1)
    for number in range(MAX_TERMS + 10):
        tally.add({(PERSON, f"p{number}"): f"@p{number}"}, 1)
    assert len(tally.terms) <= MAX_TERMS
    assert (TOPIC, "often") in tally.strongest()
    for number in range(1_000):
        tally.add({(PERSON, f"p{number}"): f"@p{number}"}, number)
    people = [key for kind, key in tally.strongest() if kind == PERSON]
    assert len(people) == KEPT[PERSON]
    assert "p999" in people


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("", None),
        (" , ;\n,", None),
        ("chess,  old   films ,Chess, #hiking", "chess, old films, hiking"),
        ("🌱, a\0b, 将棋、囲碁", "a b, 将棋, 囲碁"),
        ("x" * 100, "x" * hobbies.MAX_CHARACTERS),
    ],
)
def test_hobbies_are_cleaned(typed: str, stored: str | None) -> None:
    """Each once, short, and with something to read in it."""
    assert hobbies.cleaned(typed) == stored
    assert hobbies.hobbies_of(stored) == (stored.split(", ") if stored else [])


def test_hobbies_are_few() -> None:
    """More than anybody has are left out."""
    many = hobbies.cleaned(",".join(f"h{number}" for number in range(200)))
    assert len(hobbies.hobbies_of(many)) == hobbies.MAX_HOBBIES
