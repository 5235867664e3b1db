"""A post with a link gets a card, made before it is sent; without one it goes out all the same."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Outcome, OutcomeKind, Part
from app.networks.bluesky import card as bluesky_card
from app.networks.bluesky.network import Bluesky
from app.networks.bluesky.text import first_link
from tests.support.bluesky import PNG, BlueskySandbox, bluesky_at, credentials_at
from tests.support.creates import created
from tests.support.pages import Page, WebSite, document, moved, web_site

GRAPH = (
    '<meta property="og:title" content="Ñandú &amp; &lt;b&gt;friends">'
    '<meta property="og:description" content="About\nbirds">'
)


@pytest.fixture
def site() -> Iterator[WebSite]:
    """A site that posts link to."""
    with web_site() as site:
        yield site


def part(text: str, **more: Any) -> Part:
    """Return a part that begins now."""
    return Part(text, secrets.token_hex(16), now := datetime.now(UTC), now, **more)


def posted(sandbox: BlueskySandbox, text: str, **settings: Any) -> dict[str, Any] | None:
    """Prepare and publish a text; return the card of the post, None if it has none."""
    bluesky, credentials = bluesky_at(sandbox.url, **settings), sandbox.credentials()
    body = bluesky.body(part(text), bluesky.prepare(credentials, text))
    assert sent(bluesky, credentials, body).kind == OutcomeKind.OK
    card: dict[str, Any] | None = sandbox.state()["tweets"][-1]["card"]
    return card


def sent(bluesky: Bluesky, credentials: dict[str, Any], body: dict[str, Any]) -> Outcome:
    """Make one create call."""
    return created(bluesky, credentials, body, http.boottime() + 5)


def test_a_card_of_the_first_link(sandbox: BlueskySandbox, site: WebSite) -> None:
    """With the page's own words, under the address that was written, shown by the network."""
    site.pages |= {"/a": moved("/b"), "/b": document(GRAPH), "/c": document("<title>C</title>")}
    card = posted(sandbox, f"See ({site.url}/a), or {site.url}/c #birds")
    assert card == {
        "uri": f"{site.url}/a",
        "title": "Ñandú & <b>friends",
        "description": "About birds",
    }
    assert site.asked == ["/a", "/b"]
    page = sandbox.http.get(sandbox.url, timeout=10).text
    assert "Ñandú &amp; &lt;b&gt;friends" in page


def test_a_page_without_words(sandbox: BlueskySandbox, site: WebSite) -> None:
    """Its host stands for the title; a description may be empty, but not missing."""
    site.pages["/"] = document("")
    card = posted(sandbox, f"{site.url}/")
    assert card == {"uri": f"{site.url}/", "title": "127.0.0.1", "description": ""}


def test_long_words_are_cut(sandbox: BlueskySandbox, site: WebSite) -> None:
    """The card is small, however much the page says."""
    site.pages["/"] = document(
        f"<title>{'é' * 5000}</title><meta name=description content={'b' * 9000}>"
    )
    card = posted(sandbox, f"{site.url}/") or {}
    assert card["title"] == "é" * 149 + "…"
    assert card["description"] == "b" * 299 + "…"


FAILING = {
    "404": Page(b"<title>No</title>", status=404),
    "500": Page(b"<title>No</title>", status=500),
    "a picture": Page(PNG, "image/png"),
    "no type": Page(b"<title>No</title>", ""),
    "a ring": moved("/"),
    "slow": Page(b"<title>Slow</title>" * 10, pause=0.2),
    "empty": Page(b""),
    "packed rubbish": Page(b"no gzip", headers={"Content-Encoding": "gzip"}),
    "to a file": moved("file:///etc/passwd"),
}


@pytest.mark.parametrize("page", FAILING.values(), ids=FAILING)
def test_no_card_and_no_trouble(sandbox: BlueskySandbox, site: WebSite, page: Page) -> None:
    """Whatever the page is, the post goes out, and soon."""
    site.pages["/"] = page
    began = time.monotonic()
    assert posted(sandbox, f"Look {site.url}/", SEND_TIMEOUT=1.0) is None
    assert time.monotonic() - began < 2


def test_nobody_there(sandbox: BlueskySandbox, site: WebSite) -> None:
    """A port that is closed, and a name that does not exist."""
    site.close()
    assert posted(sandbox, f"Look {site.url}/") is None
    assert posted(sandbox, "Look https://nobody.invalid/") is None


def test_its_time_is_bounded_whatever_may_be_sent_in(
    sandbox: BlueskySandbox, site: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its own seconds, where a call may take far longer."""
    monkeypatch.setattr(bluesky_card, "CARD_SECONDS", 0.3)
    site.pages["/"] = FAILING["slow"]
    began = time.monotonic()
    assert posted(sandbox, f"Look {site.url}/", SEND_TIMEOUT=15.0) is None
    assert time.monotonic() - began < 1.5


def test_slow_pages_do_not_add_up(sandbox: BlueskySandbox, site: WebSite) -> None:
    """One makes an account's posts wait; those right after it go without, and others' do not."""
    bluesky, ana, ben = bluesky_at(sandbox.url, SEND_TIMEOUT=0.5), *map(sandbox.credentials, "ab")
    site.pages |= {"/slow": FAILING["slow"], "/": document(GRAPH)}
    assert bluesky.prepare(ana, f"{site.url}/slow") == {}
    began = time.monotonic()
    for _ in range(50):
        assert bluesky.prepare(ana, f"{site.url}/") == {}
    assert time.monotonic() - began < 0.3
    assert bluesky.prepare(ben, f"{site.url}/")["card"] is not None
    assert site.asked == ["/slow", "/"]


def test_an_inner_page_is_not_fetched(sandbox: BlueskySandbox, site: WebSite) -> None:
    """Guarded as in production: nobody learns what answers on this machine, or behind it."""
    site.pages["/"] = document(GRAPH)
    for host in (site.url, "http://169.254.169.254", "http://10.0.0.1"):
        bluesky = bluesky_at(sandbox.url, ALLOW_PRIVATE_SERVERS=False)
        assert bluesky.prepare(sandbox.credentials(), f"Look {host}/") == {}
    assert posted(sandbox, f"Look {site.url}/", ALLOW_PRIVATE_SERVERS=False) is None
    assert site.asked == []


def test_even_a_defect_costs_no_post(
    sandbox: BlueskySandbox,
    site: WebSite,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Something raises that nobody thought of; the log names its kind alone."""

    def stumble(_page: str) -> None:
        raise RecursionError("secret words")

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(bluesky_card.page_words, "words_of", stumble)
    site.pages["/hidden"] = document(GRAPH)
    assert posted(sandbox, f"Look {site.url}/hidden") is None
    assert "RecursionError" in caplog.text
    assert "secret words" not in caplog.text
    assert "/hidden" not in caplog.text


def test_who_needs_a_card() -> None:
    """A text with a link and without a picture; nothing else is asked for then."""
    bluesky = bluesky_at("http://127.0.0.1:9")
    assert bluesky.needs_preparation("See example.com")
    assert not bluesky.needs_preparation("See example.com", True)
    assert not bluesky.needs_preparation("See nothing. Really.txt #no.com @")
    assert bluesky.prepare(credentials_at("http://127.0.0.1:9"), "See example.com", True) == {}


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("no link", None),
        ("mail a@example.com", None),
        ("see example.com/a, and x.com", "https://example.com/a"),
        ("(HTTP://Example.com/ñ)", "http://example.com/%C3%B1"),
        ("#tag.example.com @ana.example.com http://faß.de", "http://xn--fa-hia.de"),
    ],
)
def test_first_link(text: str, link: str | None) -> None:
    """As the facets have it."""
    assert first_link(text) == link


def test_pictures_or_a_card() -> None:
    """A post embeds one thing: its pictures go first."""
    bluesky = bluesky_at("http://127.0.0.1:9")
    card = {"uri": "https://x.com", "title": "X", "description": ""}
    picture = {"blob": {"ref": {"$link": "b"}}, "alt": "", "width": 4, "height": 3}
    shown = bluesky.body(part("x.com", pictures=(picture,)), {"card": card})["record"]["embed"]
    assert shown["$type"] == "app.bsky.embed.images"
    alone = bluesky.body(part("x.com"), {"card": card})["record"]["embed"]
    assert alone == {"$type": "app.bsky.embed.external", "external": card}


def test_a_card_changes_nothing_about_the_post(sandbox: BlueskySandbox, site: WebSite) -> None:
    """Its key is the same with another card, and the post is found by it and by its words."""
    site.pages["/"] = document(GRAPH)
    bluesky, credentials = bluesky_at(sandbox.url), sandbox.credentials()
    text = f"Look {site.url}/"
    one = part(text)
    body = bluesky.body(one, bluesky.prepare(credentials, text))
    site.pages["/"] = document("<title>Changed meanwhile</title>")
    other = bluesky.body(one, bluesky.prepare(credentials, text))
    assert body["record"]["embed"] != other["record"]["embed"]
    assert body["rkey"] == other["rkey"] == bluesky.body(one)["rkey"]
    sandbox.fault("accept_then_drop")
    assert sent(bluesky, credentials, body).kind == OutcomeKind.AMBIGUOUS
    for known in (body, other, bluesky.body(one)):
        (seen,) = bluesky.recent(credentials, credentials["did"], datetime.now(UTC), [known])
        assert seen.created_at is None  # ours
    assert sent(bluesky, credentials, other).kind == OutcomeKind.AMBIGUOUS
    assert len(sandbox.state()["tweets"]) == 1
