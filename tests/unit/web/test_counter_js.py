"""The browser's counter agrees with the server's."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from app.networks import text as texts
from app.networks.mastodon import text as mastodon_text
from app.networks.x import text as x_text
from app.web import assets
from app.web.script_data import FROM_SERVER, NUMBERS
from tests.unit.networks.x.test_text import LENGTHS, LINKS

STATIC = Path(__file__).parents[3] / "app" / "static"
SITE = "http://counter.test"
PIECES = [
    "example.com", "a.b.co.uk", "http://", "HTTPS://", "x.com", "/path", "/a(b)c", "/(a(b)c)",
    "?q=1&b=2", "#frag", "@", "$", "#", " ", "\n", "\r\n", "\t", "\u00a0", "\u0085", ".", "..",
    "-", "_", "日本", "。", "é", "e\u0301", "中国", "한국", "tar.bz2", "foo_bar", "(", ")", "[",
    "]", "!", ",", "'", '"', ":80", "/", "http://t.co/abcDE12345", "t.co/ab", "xn--ls8h.la",
    "みんな", ".中国", "😀", "☃", "~", ";", "a", "B", "7", "|", "&", "*", "Русские", "–", "+", "=",
    "%", "\\", "^", "👍🏽", "👨‍👩‍👧", "🇪🇸", "🇪", "1️⃣", "#️⃣", "©", "®️", "\u200d", "\ufe0f", "❤️", "❤",
    "🏽", "𝒳", "ﷺ", "\u2028", "ﬃ", "ΑΩ", "שלום",
    "\ufeff", "\u202d", "\u202c", "\u202d+49 151\u202c", "\x0b", "\x0c", "\u2029",
]  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser_page(browser: Browser) -> Iterator[Page]:
    """A page in a real browser that can load our modules."""
    page = browser.new_page()
    page.route(f"{SITE}/js/**", serve)
    page.route(f"{SITE}/{assets.DOMAINS}", serve_domains)
    page.route(f"{SITE}/{FROM_SERVER}", serve_numbers)
    yield page
    page.close()


def serve(route: Route) -> None:
    """Answer with one of our own files."""
    path = STATIC / route.request.url.removeprefix(f"{SITE}/")
    route.fulfill(body=path.read_text("utf-8"), content_type="text/javascript")


def serve_domains(route: Route) -> None:
    """Answer with the module that the server makes."""
    route.fulfill(body=assets.module_of_domains(), content_type="text/javascript")


def serve_numbers(route: Route) -> None:
    """Answer with what the server gives to scripts, as far as a counter needs it."""
    names = {"urls": {}, "words": {}, "templates": ""}
    given = {"numbers": NUMBERS, **names}
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in given.items()]
    route.fulfill(body="\n".join(lines), content_type="text/javascript")


def open_page(page: Page) -> None:
    """Load a page that knows nobody."""
    script = '<script type="application/json" id="page">{}</script>'
    body = f"<!doctype html><title>counter</title>{script}"
    page.unroute(f"{SITE}/")
    page.route(f"{SITE}/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{SITE}/")


def call(page: Page, name: str, written: list[str], *more: Any) -> Any:
    """Call a function of the counter for each text, with these arguments behind it."""
    return page.evaluate(
        """async ([name, texts, more]) => {
            const counter = await import("/js/composer/text-length.js");
            return texts.map((text) => counter[name](text, ...more.map((one) => one ?? undefined)));
        }""",
        [name, written, more],
    )


def lengths(page: Page, written: list[str]) -> Any:
    """What the browser counts for each text."""
    open_page(page)
    return call(page, "length", written)


def disagreements(page: Page, written: list[str]) -> list[tuple[str, int, int]]:
    """Each text whose length differs: (text, in the browser, on the server)."""
    counted = lengths(page, written)
    pairs = zip(written, counted, strict=True)
    return [
        (text, length, x_text.weighted_length(text))
        for text, length in pairs
        if length != x_text.weighted_length(text)
    ]


def test_agrees_on_known_texts(browser_page: Page) -> None:
    """The documented examples count the same on both sides."""
    known = [text for text, _ in LENGTHS] + [text for text, _ in LINKS]
    assert disagreements(browser_page, known) == []


def test_agrees_on_random_texts(browser_page: Page) -> None:
    """Links, emoji and scripts thrown together count the same on both sides."""
    chance = random.Random(280)
    written = ["".join(chance.choices(PIECES, k=chance.randint(1, 12))) for _ in range(2000)]
    assert disagreements(browser_page, written) == []


MORE_PIECES = [
    "https://a.music/x ", "https://a.de/w/アイ==", "https://a.de/?q=é= ", "नमस्ते", "क्ष",
    "「b」", "<", ">", "?", "https://a.de/x_(y_(z)) ",
    "@ana", "@ana@example.social", "x@ana", "@ana.@", "/@b@c.d:80 ", "@añ", "https://a.example/b ",
    "e\u0301\u0302", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "각", "นี้", "ä",
]  # fmt: skip


def counted_as(page: Page, written: list[str], unit: str, link_length: int | None) -> Any:
    """What the browser counts in another unit."""
    open_page(page)
    return call(page, "lengthAs", written, unit, link_length)


@pytest.mark.parametrize("network", ["mastodon", "imitator", "bluesky", "facebook"])
def test_other_networks_count_the_same_on_both_sides(browser_page: Page, network: str) -> None:
    """Graphemes, links and mentions of Mastodon, and UTF-16 units."""
    chance = random.Random(500)
    pieces = [*PIECES, *MORE_PIECES]
    written = [
        texts.clean("".join(chance.choices(pieces, k=chance.randint(1, 10)))) for _ in range(1000)
    ]
    unit, link_length, count = {
        "mastodon": ("graphemes", 23, lambda text: mastodon_text.length(text, 23)),
        "imitator": ("codepoints", 40, lambda text: mastodon_text.code_points(text, 40)),
        "bluesky": ("graphemes", None, texts.graphemes),
        "facebook": ("utf16", None, lambda text: len(text.encode("utf-16-le")) // 2),
    }[network]
    counted = counted_as(browser_page, written, unit, link_length)
    pairs = zip(written, counted, strict=True)
    assert [(text, length, count(text)) for text, length in pairs if length != count(text)] == []
