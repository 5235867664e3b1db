"""Mastodon's way with text: what counts, and when a post is what was sent."""

from __future__ import annotations

import random
import time

import pytest

from app.networks.base import Limits
from app.networks.mastodon import text as mastodon_text
from app.networks.mastodon.matching import comparable_of
from app.networks.text import TextProblem

LIMITS = Limits(characters=500, link_length=23)
LINK = """<p>see <a href="https://example.com/a-long-path-that-is-cut?x=1&amp;y=2">
<span class="invisible">https://</span><span class="ellipsis">example.com/a-long-path-that-</span>
<span class="invisible">is-cut?x=1&amp;y=2</span></a> there</p>""".replace("\n", "")
MENTIONS = """<p>hi <span class="h-card"><a href="https://example.social/@ben" class="mention">
@<span>ben</span></a></span> and <span class="h-card"><a href="https://x/@ana">
@<span>ana</span></a></span></p>""".replace("\n", "")
FAMILY = "👩‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("hello", 5),
        ("日本語", 3),
        (FAMILY, 1),
        ("🇩🇪🇫🇷", 2),
        ("👍🏽", 1),
        ("e\u0301", 1),
        ("한국어", 3),
        ("a\nb", 3),
        ("https://example.com", 23),
        ("http://a.de", 23),
        ("HTTPS://EXAMPLE.COM/" + "x" * 200, 23),
        ("see https://example.com/a?b=c#d, please", 35),
        ("(https://example.com)", 25),
        ("https://example.com https://example.com", 47),
        ("example.com", 11),
        ("www.example.com/a-long-path", 27),
        ("@ana", 4),
        ("@ana@example.social", 4),
        ("@ana@example.social:3000 hi", 7),
        ("@ana.b-c@example.social", 8),
        ("hi @ana@example.social.", 8),
        ("@ana@bücher.example!", 5),
        ("ana@example.social", 18),
        ("a/@ana@example.social", 21),
        ("@@ana@example.social", 5),
        ("#tag @ ana", 10),
        ("x" * 476 + " https://example.music/" + "y" * 60, 559),
        ("x" * 476 + " https://example.com/token/YWJjZGVmZw==", 502),
        ("あ" * 470 + " https://ja.wikipedia.org/wiki/アイドルマスター", 494),
        (("नमस्ते " * 120).strip(), 599),
        ("https://example.com/?q=a==", 23),
        ("https://example.com/?q=日本 x", 25),
        ("https://example.com/a_(b_(c)) x", 25),
        ("https://example.com/a「b」", 24),
        ("https://example.com/*", 24),
    ],
)
def test_what_counts(text: str, length: int) -> None:
    """What people see as one character is one; links are 23, and a mention ends at its host."""
    assert mastodon_text.length(text, 23) == length


def test_servers_that_count_links_otherwise() -> None:
    """By their own number, or as long as they are."""
    assert mastodon_text.length("https://example.com/x", 30) == 30
    assert mastodon_text.length("https://example.com/x", None) == 21


def test_servers_that_are_not_mastodon_count_more() -> None:
    """Code points and whole links, or what they reserve for one if that is more."""
    link = "https://example.com/" + "y" * 300
    assert mastodon_text.code_points(f"see {link}", 23) == 4 + len(link)
    assert mastodon_text.code_points("see https://a.de", 256) == 4 + 256
    assert mastodon_text.code_points("e\u0301\u0302" * 10, 23) == 30
    assert mastodon_text.code_points(FAMILY + "@ana@example.social", 23) == 5 + 19
    limits = Limits(characters=5000, link_length=23, unit="codepoints")
    with pytest.raises(TextProblem):
        mastodon_text.check("e\u0301\u0302" * 4989, limits)


@pytest.mark.parametrize(
    "text",
    ["x" * 500, FAMILY * 500, "x" * 476 + " https://example.com/" + "y" * 3000, "日" * 500],
)
def test_texts_that_fit(text: str) -> None:
    """Exactly as many as there may be."""
    mastodon_text.check(text, LIMITS)
    with pytest.raises(TextProblem) as problem:
        mastodon_text.check(text + " !", LIMITS)
    assert problem.value.code == "too_long"
    assert problem.value.params == {"length": 502, "limit": 500}


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty"), (" \n\u200b ", "empty"), ("a\x00b", "control_characters")],
)
def test_texts_that_do_not(text: str, code: str) -> None:
    """The problem is named before anything is sent."""
    with pytest.raises(TextProblem) as problem:
        mastodon_text.check(text, LIMITS)
    assert problem.value.code == code


def test_limits_are_the_servers_own() -> None:
    """Some take five thousand."""
    mastodon_text.check("x" * 5000, Limits(characters=5000, link_length=23))


@pytest.mark.parametrize(
    ("sent", "html"),
    [
        ("hello", "<p>hello</p>"),
        ("a\nb\n\nc", "<p>a<br />b</p><p>c</p>"),
        ("a\nb\n\nc", "<p>a<br>b</p>\n<p>c</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ('"it\'s"', "<p>&quot;it&#39;s&quot;</p>"),
        (
            "see https://example.com/a-long-path-that-is-cut?x=1&y=2 there",
            LINK,
        ),
        (
            "hi @Ben@Example.Social and @ana",
            MENTIONS,
        ),
        ("#Tag", '<p><a href="https://x/tags/tag">#<span>Tag</span></a></p>'),
        ("e\u0301", "<p>\u00e9</p>"),
        ("hello", "hello"),
        ("a\nb", "<div>a</div><div>b</div>"),
        ("x", "<p>x"),
    ],
)
def test_html_is_the_text_again(sent: str, html: str) -> None:
    """As different servers write it."""
    seen = mastodon_text.comparable(mastodon_text.plain(html))
    assert seen == mastodon_text.comparable(sent)


@pytest.mark.parametrize(
    ("one", "other"),
    [("hello", "hello!"), ("a b", "ab"), ("@ana", "@ben"), ("https://a.de/x", "https://a.de/y")],
)
def test_other_texts_stay_other(one: str, other: str) -> None:
    """What differs is not taken for the same."""
    assert mastodon_text.comparable(one) != mastodon_text.comparable(other)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('say "yes"', "say &#34;yes&#34;"),
        ("it's", "it&#39;s"),
        ("👩‍👩‍👧 🏳️‍🌈", "👩👩👧 🏳🌈"),
        ("a &amp; b &lt; c", "a &amp;amp; b &amp;lt; c"),
        ("?a=1&copy=2", "?a=1&amp;copy=2"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_what_servers_change_is_the_same(sent: str, kept: str) -> None:
    """Some write quotes as entities, others leave out what nobody sees."""
    assert mastodon_text.comparable(sent) == mastodon_text.comparable(kept)


def test_pictures_alone_are_known_by_their_ids() -> None:
    """Beside words, they say nothing: a server may make a picture of a link."""
    assert comparable_of({"status": "a", "media_ids": ["1"]}) == comparable_of({"status": "a"})
    both = [comparable_of({"media_ids": ids}) for ids in (["1", "2"], ["2", "1"], ["1"])]
    assert both[0] == both[1] != both[2]


@pytest.mark.parametrize(
    "text", ["@" * 50_000, "@a." * 20_000, "@a@b." * 10_000, "http://" * 10_000, "<p" * 300_000]
)
def test_no_text_is_slow(text: str) -> None:
    """However odd."""
    started = time.process_time()
    mastodon_text.length(text, 23)
    mastodon_text.comparable(mastodon_text.plain(text))
    assert time.process_time() - started < 10


@pytest.mark.slow
def test_the_quick_count_is_never_above_the_exact_one() -> None:
    """What a server takes is never refused because it looked too long at first."""
    pieces = [
        "https://",
        "http://",
        "a.co",
        "/",
        "a",
        " ",
        "@",
        "b.c",
        "\u0301",
        "🇩",
        "é",
        ".",
        "?",
    ]
    pieces += ["(", ")", "x" * 50, " " + "x" * 5000, "，"]
    draw = random.Random(2)
    for _ in range(300):
        written = "".join(draw.choice(pieces) for _ in range(draw.randint(1, 40)))
        assert mastodon_text._least(written) <= mastodon_text.length(written, 23)


@pytest.mark.parametrize("piece", ["http://a.co/", "a.", "https://", "@a@b.", "🇩🇪", "a.co/(a"])
def test_a_server_of_long_posts_refuses_quickly(piece: str) -> None:
    """240 KB for a server of 5,000 characters take no minute: cost grows with length alone."""
    written = "https://" + piece * (240_000 // len(piece.encode()))
    costs = []
    for _ in range(3):
        began = time.process_time()
        with pytest.raises(TextProblem):
            mastodon_text.check(written, Limits(characters=5000, link_length=23))
        costs.append(time.process_time() - began)
    assert min(costs) < 2  # a tenth of it at most; what grows with the square takes minutes
