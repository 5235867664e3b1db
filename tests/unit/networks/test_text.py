"""What counts as one character, what is refused, and when two texts are the same Tweet."""

from __future__ import annotations

import random
import time
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from app.networks import text as texts
from app.networks.base import Limits
from app.networks.bluesky import text as bluesky_text
from app.networks.links import MAX_URL_CHARACTERS
from app.networks.mastodon import text as mastodon_text
from app.networks.text import TextProblem

# (text, weighted length): docs: X counting rules.
LENGTHS = [
    ("", 0),
    ("This is a test.", 15),
    ("Hi http://test.co", 26),
    ("http://test.co", 23),
    ("test.com", 23),
    ("https://www.twitter.com/aloha " * 10, 240),
    ("Test https://test.com test https://test.com test.com test", 86),
    ("漢" * 140, 280),
    ("漢" * 160, 320),
    ("H🐱☺👨‍👩‍👧‍👦", 7),
    ("🙋🏽👨‍🎤", 4),
    ("😷👾😡🔥💩", 10),
    ("café", 4),
    ("cafe\u0301", 4),
    ("mañana", 6),
    ("two\r\nlines", 9),
    ("“quoted” – and…", 16),
    ("🇪🇸", 2),
    ("1️⃣#️⃣", 4),
    ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", 2),
    ("❤️❤", 4),
    ("© ®", 3),
    ("©️", 2),
    ("🐦‍🔥🙂‍↔️", 4),
    ("👩🏽‍❤️‍💋‍👨🏿", 2),
    ("http://example.com/" + "a" * 4000, 23),
    ("http://example.com/" + "a" * 4096, 19 + 4096),
]

LINKS = [
    ("text http://google.com", ["http://google.com"]),
    ("HTTPS://www.ExaMPLE.COM/index.html", ["HTTPS://www.ExaMPLE.COM/index.html"]),
    ("see example.com, or bit.ly/abcde.", ["example.com", "bit.ly/abcde"]),
    ("(http://a.org/Primer_(film))", ["http://a.org/Primer_(film)"]),
    ("http://foo.com?#foo text", ["http://foo.com?#foo"]),
    ("http://foo.com:3000/x?a=1&b=2.", ["http://foo.com:3000/x?a=1&b=2"]),
    ("Go to http://example.com/a+ or", ["http://example.com/a+"]),
    ("http://twitter.com/Русские_слова", ["http://twitter.com/Русские_слова"]),
    ("ELPAÍS.com", ["ELPAÍS.com"]),
    ("http://☃.net/ http://foobar.みんな/", ["http://☃.net/", "http://foobar.みんな/"]),
    ("日本語です。example.com/a中国語t.co/abc한국", ["example.com/a", "t.co/abc"]),
    ("http://t.co/pbY2NfTZ's site", ["http://t.co/pbY2NfTZ"]),
    ("foo.com foo.org.", ["foo.com", "foo.org"]),
    ("http://sub_domain.twitter.com", ["http://sub_domain.twitter.com"]),
    ("ana@example.com john.doe.gov@mail.com", []),
    ("@test.com #test.com $test.com @http://test.com", []),
    ("long.test.tar.bz2 test.tar.bz2 tar.bz2", []),
    ("http://no-tld http://a.x http://twitter_underscore.com", []),
    ("http://-a.com http://b-.com http://_c.com", []),
    ("http://domain.com-that-needs-a-space", []),
    ("foo.comm ftp://a.nothing e.g. 3.14 ...com", []),
]


@pytest.mark.parametrize(("text", "length"), LENGTHS)
def test_counts_as_x_does(text: str, length: int) -> None:
    """Links are 23, emoji 2, wide characters 2, everything else 1."""
    assert texts.weighted_length(text) == length


@pytest.mark.parametrize(("text", "links"), LINKS)
def test_sees_the_links_x_sees(text: str, links: list[str]) -> None:
    """With a scheme any public domain is a link; without one only plain names are."""
    found = texts.urls_in(text)
    assert [url for _, _, url in found] == links
    assert all(text[start:end] == url for start, end, url in found)


@pytest.mark.parametrize(
    "odd",
    ["a" * 20_000, "a." * 10_000, "é." * 10_000, "a-" * 9_999 + ".", "漢" * 10_000 + ".x",
     "http://" * 3_000, "http://a.co/" + "(a" * 9_000, "http://a.co/" + "." * 20_000,
     "http://a.co/?" + "a=." * 6_000, "_." * 10_000, "😀\u200d" * 10_000, "a.com。" * 4_000],
    ids=lambda odd: f"{odd[:14]}…",
)  # fmt: skip
def test_no_text_is_slow(odd: str) -> None:
    """Twenty thousand characters of anything are counted in well under a second."""
    started = time.perf_counter()
    texts.weighted_length(odd)
    texts.comparable(odd)
    assert time.perf_counter() - started < 1


def test_a_joined_chain_of_emoji_is_not_free() -> None:
    """A chain longer than any real emoji costs more than one of them."""
    assert texts.weighted_length("\u200d".join("😀" * 400)) > 280


def test_known_tlds_are_sorted_names() -> None:
    """The browser gets each ending once, without dots, foreign scripts included."""
    tlds = texts.known_tlds()
    assert tlds == sorted(set(tlds))
    assert {"com", "uk", "zip", "中国", "みんな"} <= set(tlds)
    assert not {"bz2", "local", ""} & set(tlds)
    assert not any("." in tld for tld in tlds)


@given(st.text())
def test_length_does_not_depend_on_the_composition(text: str) -> None:
    """The same letters weigh the same whether they come composed or in parts."""
    composed, parts = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert texts.weighted_length(composed) == texts.weighted_length(parts)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_length_lies_between_all_light_and_all_wide(text: str) -> None:
    """Without dots there is no link, so nothing counts more than two."""
    text = unicodedata.normalize("NFC", text.replace(".", ""))
    assert texts.weighted_length(text) <= 2 * len(text)


class TestCheck:
    """A text is cleaned and taken, or refused with a reason."""

    def test_returns_the_cleaned_text(self) -> None:
        """White space around goes, line ends and letters get their usual form."""
        assert texts.check(" \n cafe\u0301\r\nsolo\ttab\r ") == "café\nsolo\ttab"

    @pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b\u200d", "\u00a0\u2060\u00ad\u3164"])
    def test_nothing_to_read_is_empty(self, text: str) -> None:
        """White space and zero-width characters alone are no Tweet."""
        with pytest.raises(TextProblem) as problem:
            texts.check(text)
        assert problem.value.code == "empty"

    @pytest.mark.parametrize(
        "bad",
        [0x00, 0x07, 0x1B, 0x7F, 0x84, 0x9F, 0xFFFE, 0xFFFF, 0x202D, 0x202E, 0xD83D, 0xDC00],
    )
    @pytest.mark.parametrize("text", ["{}hello", "hel{}lo", "hello{}!"])
    def test_control_characters_are_refused(self, bad: int, text: str) -> None:
        """Invisible controls are refused wherever they are: which one, where, beside what."""
        with pytest.raises(TextProblem) as problem:
            texts.check(text.format(chr(bad)))
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
        assert texts.check(written) == sent
        assert texts.check(sent) == sent
        assert texts.weighted_length(written) == texts.weighted_length(sent)

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
            texts.check(written)
        assert problem.value.params["position"] == position

    @pytest.mark.parametrize(
        "fine", ["سلام \u2067world\u2069", "\u200eשלום\u200f", "می\u200cخواهم", "a\tb\nc"]
    )
    def test_what_scripts_need_is_kept(self, fine: str) -> None:
        """Joiners, direction marks and isolates belong to the writing of many languages."""
        assert texts.check(fine) == fine

    def test_too_long_says_how_long(self) -> None:
        """280 pass, 281 do not, and both numbers are told."""
        assert texts.check("a" * 280)
        with pytest.raises(TextProblem) as problem:
            texts.check("漢" * 140 + "a")
        assert problem.value.code == "too_long"
        assert problem.value.params == {"length": 281, "limit": 280}

    def test_limit_is_the_callers(self) -> None:
        """Another network's limit is another number."""
        assert texts.check("a" * 500, limit=500)
        with pytest.raises(TextProblem):
            texts.check("aaaa", limit=3)


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
    """240 KB of anything cost less than 50 ms on every network."""
    checks = (
        lambda: texts.check(written),
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
        assert min(costs) < 0.05


def test_what_fits_is_never_far_too_long() -> None:
    """The longest that can be written for 280: twelve links of 4,096 letters each."""
    link = "https://example.com/" + "a" * (MAX_URL_CHARACTERS - 20)
    assert len(texts.check(" ".join([link] * 11))) > 45_000


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
    assert time.process_time() - began < 1
