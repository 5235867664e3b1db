"""What a text is about."""

from __future__ import annotations

import pytest

from app.learning.words import WordReader
from app.models import InterestKind

HASHTAG, TOPIC, PHRASE, PERSON = InterestKind


def about(text: str, kind: InterestKind, language: str | None = None) -> dict[str, str]:
    """Return the keys of one kind, each with how it is written."""
    terms = WordReader(language).terms(text)
    return {key: label for (known, key), label in terms.items() if known == kind}


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Learning #Python today", {"python": "#Python"}),
        ("#python and #PYTHON", {"python": "#python"}),
        ("(#a11y) #jardín, #2026 #1 & #🌱", {"a11y": "#a11y", "jardín": "#jardín"}),
        ("https://example.com/#anchor a#b &#39; x", {}),
        ("＃東京 #日本語", {"東京": "#東京", "日本語": "#日本語"}),
    ],
)
def test_hashtags(text: str, tags: dict[str, str]) -> None:
    """In any script, with a letter in them, whatever their case; not what stands in a link."""
    assert about(text, HASHTAG) == tags


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Thanks, @Ben!", {"ben": "@Ben"}),
        ("@ana@example.social. @ana.test:", {"ana@example.social": "", "ana.test": ""}),
        ("mail ben@example.com, https://example.social/@ben", {}),
    ],
)
def test_people(text: str, people: dict[str, str]) -> None:
    """Handles of every network, not addresses."""
    assert about(text, PERSON).keys() == people.keys()


def test_english() -> None:
    """Forms of a word are one topic; small words, links and numbers are none."""
    text = "The gardens, and Ana's gardening: it's 2,000 plants! https://gardens.test/x example.com"
    assert about(text, TOPIC) == {"garden": "gardens", "ana": "Ana", "plant": "plants"}


def test_spanish() -> None:
    """By the language of the text, not of the person."""
    text = "Los jardines y el jardín de mi ciudad, pero con más árboles"
    assert about(text, TOPIC, "en").keys() == {"jardin", "ciud", "arbol"}
    assert about("¡Música!", TOPIC, "es") == {"music": "Música"}


def test_phrases() -> None:
    """Words in a row that say something at both ends, within one sentence."""
    found = about("A cup of tea. Machine learning!", PHRASE)
    assert found == {"cup of tea": "cup of tea", "machin learn": "Machine learning"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🎉🎉 👩‍👩‍👧‍👦 🇪🇸🇪🇸",
        "今日は良い天気ですね。散歩に行きましょう",
        "สวัสดีชาวโลก",
        "\u0301\u0301 \u200d \ufeff # @ #_ @_",
        "a." * 20_000,
        "#" * 5_000 + "@" * 5_000,
        "x" * 30_000,
    ],
)
def test_odd_texts(text: str) -> None:
    """No topic is found in them, and none takes long or breaks anything."""
    assert about(text, TOPIC) == {}
    assert about(text, PHRASE) == {}
