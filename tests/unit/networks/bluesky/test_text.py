"""Bluesky's counting, and what in a text becomes a link, a mention or a tag."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.networks.bluesky.posts import LIMITS
from app.networks.bluesky.text import check, facets, mentions
from app.networks.text import TextProblem, graphemes

DIDS = {"ana.bsky.social": "did:plc:ana", "bob.test": "did:web:bob.test"}


def found(text: str) -> list[tuple[str, str]]:
    """Return each facet's bytes as text, and where it leads."""
    raw = text.encode()
    return [
        (
            raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode(),
            next(v for k, v in facet["features"][0].items() if k != "$type"),
        )
        for facet in facets(text, DIDS)
    ]


def test_offsets_are_bytes() -> None:
    """The vector of the documentation: characters of two and four bytes come before the link."""
    (facet,) = facets("héllo 👋 see https://x.com", {})
    assert facet == {
        "index": {"byteStart": 16, "byteEnd": 29},
        "features": [{"$type": "app.bsky.richtext.facet#link", "uri": "https://x.com"}],
    }


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see example.com.", [("example.com", "https://example.com")]),
        ("Example.COM/Path!", [("Example.COM/Path", "https://example.com/Path")]),
        ("(see https://x.com/a_(b)).", [("https://x.com/a_(b)", "https://x.com/a_(b)")]),
        ("[https://x.com/a]", [("https://x.com/a", "https://x.com/a")]),
        ("HTTP://x.com:80/?a=b&c=(d)", [("HTTP://x.com:80/?a=b&c=(d)",) * 2]),
        ("https://x.com,https://y.com", [("https://x.com",) * 2, ("https://y.com",) * 2]),
        ("https://a.org/web/https://x.com", [("https://a.org/web/https://x.com",) * 2]),
        ("wiki.org/日本。次", [("wiki.org/日本", "https://wiki.org/%E6%97%A5%E6%9C%AC")]),
        ("見てexample.comです", [("example.com", "https://example.com")]),
        (
            "http://münchen.de/ä#ö",
            [("http://münchen.de/ä#ö", "http://xn--mnchen-3ya.de/%C3%A4#%C3%B6")],
        ),
        ("https://x.com/100%25", [("https://x.com/100%25",) * 2]),
        ("x.com/#tag", [("x.com/#tag", "https://x.com/#tag")]),
        ("mail me@example.com or me.name@x.com", []),
        ("e.g. this.that 3.14 file.txt a..com", []),
        ("http://localhost http://a https://.. https://[::1]/", []),
        ("https://user:secret@x.com/ http://a.test:pw@x.com http://a@b.test/", []),
        ("(http://docs.test:80/a_(b)).", [("http://docs.test:80/a_(b)",) * 2]),
        ("see https://my-app.internal, ok", [("https://my-app.internal",) * 2]),
        ("xhttps://docs.test docs.test https://-a.test", []),
        ("@nobody.test #x.com", [("#x.com", "x.com")]),
        ("https://totallynotseth.dev@", [("https://totallynotseth.dev",) * 2]),
        (
            "(https://a.test@) https://b.test@, c",
            [("https://a.test",) * 2, ("https://b.test",) * 2],
        ),
        ("https://a.test/x—and on", [("https://a.test/x",) * 2]),
        ("example.com—and on", [("example.com", "https://example.com")]),
        ("https://a.test—b https://c.test―d", [("https://a.test",) * 2, ("https://c.test",) * 2]),
        (
            "https://a.test/x\u200bb https://c.test\u200b",
            [("https://a.test/x",) * 2, ("https://c.test",) * 2],
        ),
        (
            "\ufeffhttps://a.test/x\ufeff \u2066https://b.test/y\u2069",
            [("https://a.test/x",) * 2, ("https://b.test/y",) * 2],
        ),
        (
            "`https://a.test/x` `example.com/y`",
            [("https://a.test/x",) * 2, ("example.com/y", "https://example.com/y")],
        ),
        (
            "https://a.test/x👍🏽 https://b.test/🇪🇸",
            [("https://a.test/x",) * 2, ("https://b.test/",) * 2],
        ),
        (
            "https://a.test/x… https://b.test/1–2–",
            [("https://a.test/x",) * 2, ("https://b.test/1–2", "https://b.test/1%E2%80%932")],
        ),
        ("website.com.jpg my.website.com.jpg, www.website.co.uk.png", []),
        (
            "website.com/a.jpg https://website.com.jpg",
            [("website.com/a.jpg", "https://website.com/a.jpg"), ("https://website.com.jpg",) * 2],
        ),
        ("see example.com.\nNext", [("example.com", "https://example.com")]),
    ],
)  # fmt: skip
def test_links_as_people_type_them(text: str, links: list[tuple[str, str]]) -> None:
    """With a scheme or without, in any script, without the punctuation of the sentence."""
    fixed = [(shown, uri.replace("HTTP://", "http://")) for shown, uri in links]
    assert found(text) == fixed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@ana.bsky.social hi", [("@ana.bsky.social", "did:plc:ana")]),
        ("hi @Bob.Test.", [("@Bob.Test", "did:web:bob.test")]),
        ("(@bob.test)", [("@bob.test", "did:web:bob.test")]),
        ("你好@bob.test你好", [("@bob.test", "did:web:bob.test")]),
        ("@stranger.example.com", []),
        ("a@bob.test josé@bob.test @x@bob.test", []),
        ("@bob.test_x @bob.test-", []),
        ("@bob @.bob.test @bob..test", []),
        ("https://x.com/@bob.test", [("https://x.com/@bob.test",) * 2]),
    ],
)
def test_mentions_of_known_handles(text: str, expected: list[tuple[str, str]]) -> None:
    """A handle with a DID is a mention; others, addresses and halves of names stay text."""
    assert found(text) == expected


def test_each_handle_is_resolved_once() -> None:
    """Every mention is named once, in small letters."""
    assert mentions("@Bob.test @bob.test @ana.bsky.social @a.1") == ["bob.test", "ana.bsky.social"]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#one #two! (#three)", ["one", "two", "three"]),
        ("#日本語 ＃全角 #ñandú #👩‍🚀", ["日本語", "全角", "ñandú", "👩‍🚀"]),
        ("#c++ #node.js, #a_b-c", ["c++", "node.js", "a_b-c"]),
        ("#1 #2026 #4ever", ["4ever"]),
        ("#️⃣ # a#b ##c &#39; #!", []),
        ("#" + "x" * 64, ["x" * 64]),
        ("#" + "x" * 65, []),
    ],
)
def test_tags(text: str, tags: list[str]) -> None:
    """A word after the sign, without the sign; numbers and keys on keyboards are none."""
    assert [tag for _, tag in found(text)] == tags


@given(st.text(st.sampled_from("a.@#/: ()👋é。.comhttpsbobtest\u200d"), max_size=60))
def test_facets_never_overlap_or_cut(text: str) -> None:
    """Whatever the text: facets come in order, apart, within it, at whole characters."""
    raw, done = text.encode(), 0
    for facet in facets(text, DIDS):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert done <= start < end <= len(raw)
        raw[start:end].decode()
        done = end


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3_000,
        "x.com/" + ")" * 3_000,
        "@a." * 1_000,
        "#" * 3_000,
        "a." * 1_500,
        "http://a." * 400,
        "http://" + "a." * 1_500,
        "http://a.b" + ":" * 3_000,
        "http://a.b@" * 300,
        "http://a.b" + "@" * 3_000,
    ],
)
def test_no_text_makes_it_slow(text: str) -> None:
    """Texts made to be slow are not."""
    started = time.process_time()
    facets(text, {})
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("abc", 3),
        ("e\u0301", 1),
        ("👩‍👩‍👧‍👦", 1),
        ("🇪🇸🇪🇸", 2),
        ("👋🏽", 1),
        ("한국", 2),
        ("a\nb", 3),
    ],
)
def test_length_is_what_people_see(text: str, length: int) -> None:
    """Families, flags and joined accents are one each."""
    assert graphemes(text) == length


@pytest.mark.parametrize("text", ["a" * 300, "👋🏽" * 300, "한" * 300, "  " + "a" * 300 + "\n"])
def test_what_fits(text: str) -> None:
    """300 graphemes fit, if they are not more than 3,000 bytes; white space around is cut."""
    check(text, LIMITS)


NUL = {"position": 1, "code_point": "U+0000", "name": "", "before": "a", "after": "b"}
HALF = {"position": 1, "code_point": "U+D800", "name": "", "before": "a", "after": ""}


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        ("a" * 301, "too_long", {"length": 301, "limit": 300}),
        ("https://example.com/" + "a" * 300, "too_long", {"length": 320, "limit": 300}),
        ("👩‍👩‍👧‍👦" * 121, "too_many_bytes", {"length": 3_025, "limit": 3_000}),
        (" \n", "empty", {}),
        ("a\x00b", "control_characters", NUL),
        ("a\ud800", "control_characters", HALF),
    ],
)
def test_what_does_not_fit(text: str, code: str, params: dict[str, object]) -> None:
    """Each refusal says why, and links have no discount."""
    with pytest.raises(TextProblem) as problem:
        check(text, LIMITS)
    assert (problem.value.code, problem.value.params) == (code, params)
