"""What people read about suggestions, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.learning import Found
from app.models import InterestKind, Reason, SuggestionKind
from app.web.messages import suggestions as words
from config import load

HASHTAG, PERSON = InterestKind.HASHTAG, InterestKind.PERSON
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture(scope="module")
def app() -> Flask:
    """An app without rows."""
    settings = {"APP_ENV": "test", "SECRET_KEY": "s", "DATABASE_URL": "sqlite://"}
    return create_app(load({**settings, "TOKEN_KEYS": KEY}))


def found(
    kind: SuggestionKind = SuggestionKind.INTEREST,
    reason: Reason = Reason.KNOWN,
    label: str = "#python",
    interest_kind: InterestKind | None = HASHTAG,
    facts: Mapping[str, Any] | None = None,
    **values: str,
) -> Found:
    """Return a suggestion."""
    rest = {"text": "", "author": "", "url": "", **values}
    return Found(1, kind, 1, label, interest_kind, reason, facts or {}, **rest, created_at=None)


@pytest.mark.parametrize(
    ("language", "weekday", "sentence"),
    [
        ("en", 2, "You often write about #python on Tuesdays."),
        ("es", 1, "Sueles escribir sobre #python los lunes."),
        ("es", 6, "Sueles escribir sobre #python los sábados."),
    ],
)
def test_days_of_the_week(app: Flask, language: str, weekday: int, sentence: str) -> None:
    """In the plural of each language."""
    one = found(reason=Reason.WEEKDAY, facts={"weekday": weekday})
    with app.test_request_context(headers={"Accept-Language": language}):
        assert words.reason_of(one, "") == sentence


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_reason_has_a_sentence(app: Flask, language: str) -> None:
    """And each beginning names what it is about."""
    with app.test_request_context(headers={"Accept-Language": language}):
        said = {
            words.reason_of(found(reason=reason, facts={"weekday": 1}, author="mira"), "ago")
            for reason in Reason
        }
        assert len(said) == len(Reason)
        for number in range(10):
            assert "#python" in words.starter_of(found(), number)
            person = found(label="@ben", interest_kind=PERSON)
            assert "@ben" in words.starter_of(person, number)


def test_what_others_wrote_is_quoted(app: Flask) -> None:
    """Short, in quotation marks, with its address; one's own words come back as they were."""
    text = "A long post. " * 30
    with app.test_request_context():
        like = found(SuggestionKind.LIKE, Reason.LIKED, "", None, text=text, url="https://x.test/1")
        starter = words.starter_of(like, 0)
        assert starter.startswith("“A long post.")
        assert starter.endswith("…”\nhttps://x.test/1")
        assert len(starter) < 180
        assert len(words.label_of(like)) <= words.MAX_LABEL
        own = found(SuggestionKind.POST, Reason.WROTE, "", None, text="Mine,\n\nas it was")
        assert words.starter_of(own, 0) == "Mine,\n\nas it was"
        assert words.label_of(own) == "Mine, as it was"
        assert words.shortened("x" * 100, 10) == "x" * 9 + "…"
