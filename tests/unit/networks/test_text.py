"""What every network shares: what is refused, what is cleaned, and how characters are counted."""

from __future__ import annotations

import random
import time

import pytest
import regex

from app.networks import text as texts
from app.networks.base import Limits
from app.networks.bluesky import text as bluesky_text
from app.networks.mastodon import text as mastodon_text
from app.networks.text import TextProblem
from app.networks.x import text as x_text


def test_known_tlds_are_sorted_names() -> None:
    """The browser gets each ending once, without dots, foreign scripts included."""
    tlds = texts.known_tlds()
    assert tlds == sorted(set(tlds))
    assert {"com", "uk", "zip", "中国", "みんな"} <= set(tlds)
    assert not {"bz2", "local", ""} & set(tlds)
    assert not any("." in tld for tld in tlds)


class TestCheck:
    """A text is cleaned and taken, or refused with a reason."""

    def test_returns_the_cleaned_text(self) -> None:
        """White space around goes, line ends and letters get their usual form."""
        assert x_text.check(" \n cafe\u0301\r\nsolo\ttab\r ") == "café\nsolo\ttab"

    @pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b\u200d", "\u00a0\u2060\u00ad\u3164"])
    def test_nothing_to_read_is_empty(self, text: str) -> None:
        """White space and zero-width characters alone are no Tweet."""
        with pytest.raises(TextProblem) as problem:
            x_text.check(text)
        assert problem.value.code == "empty"

    @pytest.mark.parametrize(
        "bad",
        [0x00, 0x07, 0x1B, 0x7F, 0x84, 0x9F, 0xFFFE, 0xFFFF, 0x202D, 0x202E, 0xD83D, 0xDC00],
    )
    @pytest.mark.parametrize("text", ["{}hello", "hel{}lo", "hello{}!"])
    def test_control_characters_are_refused(self, bad: int, text: str) -> None:
        """Invisible controls are refused wherever they are: which one, where, beside what."""
        with pytest.raises(TextProblem) as problem:
            x_text.check(text.format(chr(bad)))
        before, after = text.split("{}")
        assert problem.value.code == "control_characters"
        assert problem.value.params == {
            "position": len(before),
            "code_point": f"U+{bad:04X}",
            "name": {0x202D: "LEFT-TO-RIGHT OVERRIDE", 0x202E: "RIGHT-TO-LEFT OVERRIDE"}.get(
                bad, ""
            ),
            "before": before,
            "after": after,
        }

    @pytest.mark.parametrize(
        ("written", "sent"),
        [
            ("a slide\x0bits next line", "a slide\nits next line"),
            ("a\x0cb\x85c\u2028d\u2029e\r\nf\rg", "a\nb\nc\nd\ne\nf\ng"),
            ("\ufeffa file", "a file"),
            ("joined\ufeff words\ufeff", "joined words"),
            ("Call \u202d+49 151 234-56\u202c today", "Call +49 151 234-56 today"),
            ("Call \u202d(030) 23\nor not", "Call (030) 23\nor not"),
            ("\u202d\ufeff112\u202c", "112"),
        ],
    )
    def test_what_changes_nothing_is_cleaned(self, written: str, sent: str) -> None:
        """Line ends of slides, marks of files, and what address books put around numbers."""
        assert x_text.check(written) == sent
        assert x_text.check(sent) == sent
        assert x_text.weighted_length(written) == x_text.weighted_length(sent)

    @pytest.mark.parametrize(
        ("written", "position"),
        [
            ("\ufeffab\x0b\u202d12\u202c\x07", 8),
            ("\u202e112\u202c", 0),
            ("\u202dabc\u202c", 0),
            ("\u202d112\u202c \u202dno number\u202c", 6),
        ],
    )
    def test_the_place_is_the_one_that_was_written(self, written: str, position: int) -> None:
        """What is cleaned counts, and is not the one that is named."""
        with pytest.raises(TextProblem) as problem:
            x_text.check(written)
        assert problem.value.params["position"] == position

    @pytest.mark.parametrize(
        "fine", ["سلام \u2067world\u2069", "\u200eשלום\u200f", "می\u200cخواهم", "a\tb\nc"]
    )
    def test_what_scripts_need_is_kept(self, fine: str) -> None:
        """Joiners, direction marks and isolates belong to the writing of many languages."""
        assert x_text.check(fine) == fine


FAR_TOO_LONG = {
    "words": "a " * 120_000,
    "ligatures": "\ufdfa" * 80_000,
    "links": "a.co " * 48_000,
    "dots": "a." * 120_000,
    "flags": "🇩🇪" * 30_000,
    "brackets": "a.co/(a" * 34_000,
    "people": "@a@a" * 60_000,
    "marks": "e" + "\u0301" * 119_000,
    "encoded": "xn--a.xn--a." * 20_000,
    "addresses": "http://a.co/" * 20_000,
}


@pytest.mark.parametrize("written", FAR_TOO_LONG.values(), ids=FAR_TOO_LONG)
def test_far_too_long_is_refused_at_once(written: str) -> None:
    """240 KB of anything cost next to nothing on every network."""
    checks = (
        lambda: x_text.check(written),
        lambda: mastodon_text.check(written, Limits(characters=500, link_length=23)),
        lambda: bluesky_text.check(written, Limits(characters=300, bytes=3000)),
    )
    for check in checks:
        costs = []
        for _ in range(3):
            began = time.process_time()
            with pytest.raises(TextProblem) as refused:
                check()
            costs.append(time.process_time() - began)
            assert refused.value.code in {"too_long", "too_many_bytes"}
        assert min(costs) < 2


def test_graphemes_are_counted_as_unicode_has_them() -> None:
    """In pairs or not, flags and all else count as ``\\X`` counts them, but in linear time."""
    letters = [
        "🇩",
        "🇪",
        "a",
        "\u0301",
        "\u200d",
        "\ufe0f",
        "\u0903",
        "👩",
        "🏽",
        "\u1100",
        "\u1161",
        "क",
        "\u094d",
    ]
    draw = random.Random(1)
    for _ in range(20_000):
        written = "".join(draw.choice(letters) for _ in range(draw.randint(0, 9)))
        assert texts.graphemes(written) == len(regex.findall(r"\X", written)), ascii(written)
    began = time.process_time()
    assert texts.graphemes("🇩🇪" * 30_000) == 30_000
    assert time.process_time() - began < 5
