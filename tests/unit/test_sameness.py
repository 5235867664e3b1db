"""Which texts are the same, and which are nearly the same."""

from __future__ import annotations

import pytest

from app.models.sameness import key_of, nearest, text_key

HELLO = "Good morning, everybody! The bakery is open, and the bread is warm."


@pytest.mark.parametrize(
    "other",
    [
        HELLO.upper(),
        HELLO.replace(" ", "\n "),
        f"  {HELLO}\t",
    ],
)
def test_the_same(other: str) -> None:
    """Case and white space make no difference, and no text is nearly the same as another post."""
    assert text_key(other) == text_key(HELLO)


def test_unicode_forms_are_the_same() -> None:
    """An accent is one character or two; a long s and a sharp s fold as Unicode says."""
    assert text_key("caf\u00e9") == text_key("cafe\u0301")
    assert text_key("STRASSE") == text_key("stra\u00dfe")
    assert text_key("a cafe") != text_key("a caf\u00e9")


def test_pictures_alone_have_no_key() -> None:
    """Without words nothing is the same; all parts count."""
    assert key_of([{"text": "", "pictures": ["1"]}, {"text": " "}]) is None
    assert key_of([{"text": "One"}, {"text": "Two"}]) == text_key("one two")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (HELLO, HELLO.replace("warm", "hot")),
        (HELLO, HELLO + " Come in!"),
        ("Episode 41 is out: https://a.example/41", "Episode 41 is out! https://a.example/41"),
    ],
)
def test_nearly_the_same(text: str, other: str) -> None:
    """A few other letters do not make another tweet."""
    assert nearest(text, [(8, "Something else altogether"), (7, other)]) == 7


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Episode 41 is out now, listen to it", "Episode 42 is out now, listen to it"),
        ("New on the blog: a.example/one-thing", "New on the blog: a.example/one-think"),
        ("Read https://a.example/Abc please", "Read https://a.example/aBc please"),
        ("Open until 18:00 today, everybody", "Open until 18:30 today, everybody"),
        (HELLO, HELLO.replace("The bakery is open", "The museum stays closed")),
    ],
)
def test_not_nearly_the_same(text: str, other: str) -> None:
    """Another number, another link or other words make another tweet."""
    assert nearest(text, [(7, other)]) is None


def test_only_the_beginning_of_a_long_text_is_compared() -> None:
    """So a comparison takes the same time whatever was written."""
    assert nearest("word " * 5_000, [(7, "word " * 4_999 + "41")]) == 7
