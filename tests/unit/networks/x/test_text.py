"""How X counts: the length of a text, its links, and what is too long."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.networks import text as texts
from app.networks.links import MAX_URL_CHARACTERS, urls_in
from app.networks.text import TextProblem
from app.networks.x import text as x_text

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
    assert x_text.weighted_length(text) == length


@pytest.mark.parametrize(("text", "links"), LINKS)
def test_sees_the_links_x_sees(text: str, links: list[str]) -> None:
    """With a scheme any public domain is a link; without one only plain names are."""
    found = urls_in(text)
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
    """Twenty thousand characters of anything: what grows with the square takes minutes."""
    started = time.process_time()
    x_text.weighted_length(odd)
    texts.comparable(odd)
    assert time.process_time() - started < 5


def test_a_joined_chain_of_emoji_is_not_free() -> None:
    """A chain longer than any real emoji costs more than one of them."""
    assert x_text.weighted_length("\u200d".join("😀" * 400)) > 280


@given(st.text())
def test_length_does_not_depend_on_the_composition(text: str) -> None:
    """The same letters weigh the same whether they come composed or in parts."""
    composed, parts = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert x_text.weighted_length(composed) == x_text.weighted_length(parts)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_length_lies_between_all_light_and_all_wide(text: str) -> None:
    """Without dots there is no link, so nothing counts more than two."""
    text = unicodedata.normalize("NFC", text.replace(".", ""))
    assert x_text.weighted_length(text) <= 2 * len(text)


def test_too_long_says_how_long() -> None:
    """280 pass, 281 do not, and both numbers are told."""
    assert x_text.check("a" * 280)
    with pytest.raises(TextProblem) as problem:
        x_text.check("漢" * 140 + "a")
    assert problem.value.code == "too_long"
    assert problem.value.params == {"length": 281, "limit": 280}


def test_limit_is_the_callers() -> None:
    """Another network's limit is another number."""
    assert x_text.check("a" * 500, limit=500)
    with pytest.raises(TextProblem):
        x_text.check("aaaa", limit=3)


def test_what_fits_is_never_far_too_long() -> None:
    """The longest that can be written for 280: twelve links of 4,096 letters each."""
    link = "https://example.com/" + "a" * (MAX_URL_CHARACTERS - 20)
    assert len(x_text.check(" ".join([link] * 11))) > 45_000
