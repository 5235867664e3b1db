"""Pages are fetched from the public internet alone, in bounded time and size."""

from __future__ import annotations

import gzip
import logging
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from app.networks import http
from app.networks.bluesky import pages
from app.networks.http import calls
from app.networks.http.addresses import is_public
from tests.support.pages import HTML, Page, WebSite, document, moved, web_site

NEXT_DOOR = "127.0.0.2"
"""Plays an inner address where 127.0.0.1 plays a public one."""


@pytest.fixture
def site() -> Iterator[WebSite]:
    """A site on loopback."""
    with web_site() as site:
        yield site


def read(url: str, seconds: float = 3.0, public_only: bool = False) -> str:
    """Fetch a page."""
    return pages.fetch(url, time.monotonic() + seconds, public_only)


@pytest.fixture
def public(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> WebSite:
    """The site as if its address, and its port, were those of anybody on the internet."""
    monkeypatch.setattr(calls, "is_public", lambda ip: ip == "127.0.0.1" or is_public(ip))
    monkeypatch.setattr(pages, "PORTS", {"http": site.port, "https": 443})
    return site


def test_a_page(site: WebSite) -> None:
    """As it is."""
    site.pages["/a?b=c"] = document("<title>Ñandú</title>")
    assert "<title>Ñandú</title>" in read(f"{site.url}/a?b=c#there")
    assert site.asked == ["/a?b=c"]


def test_only_the_beginning_of_a_huge_page_is_read(site: WebSite) -> None:
    """Half a megabyte, and no more."""
    site.pages["/"] = document("<title>Huge</title>", "x" * 20_000_000)
    assert len(read(site.url + "/")) == pages.HTML.bytes


def test_an_endless_page_ends(site: WebSite) -> None:
    """Whether it says how long it is or not."""
    site.pages["/"] = Page(b"<title>Endless</title>" * 999, is_endless=True)
    assert len(read(site.url + "/")) == pages.HTML.bytes


def test_a_packed_page_is_unpacked_as_far_as_it_is_read(site: WebSite) -> None:
    """A quarter of a gigabyte in some kilobytes takes the memory of what is wanted."""
    packed = gzip.compress(b"<title>Bomb</title>" + bytes(1 << 28), 9)
    site.pages["/"] = Page(packed, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        assert len(read(site.url + "/")) == pages.HTML.bytes
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["image/png", "application/pdf", "text/plain", "", "text/htmlx"])
def test_what_is_no_html_is_not_read(site: WebSite, kind: str) -> None:
    """By what it calls itself; not a byte of it is waited for."""
    site.pages["/"] = Page(b"<title>No</title>" * 100, kind, pause=0.1)
    began = time.monotonic()
    with pytest.raises(pages.NoPage):
        read(site.url + "/")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("status", [204, 304, 403, 404, 418, 500, 503])
def test_only_200_is_a_page(site: WebSite, status: int) -> None:
    """Whatever stands in it."""
    site.pages["/"] = Page(b"<title>No</title>", status=status)
    with pytest.raises((pages.NoPage, http.NoResponse)):
        read(site.url + "/")


def test_a_slow_page_is_given_up(site: WebSite) -> None:
    """One byte after the other does not stretch the time."""
    site.pages["/"] = Page(b"<title>Slow</title>", pause=0.1)
    began = time.monotonic()
    with pytest.raises(http.NoResponse):
        read(site.url + "/", 0.5)
    assert time.monotonic() - began < 1


def test_redirects_are_followed_three_times(site: WebSite) -> None:
    """With relative addresses, too; a ring ends."""
    site.pages |= {
        "/1": moved("/2"),
        "/2": moved("3", 301),
        "/3": moved("//" + site.url[7:] + "/4"),
    }
    site.pages["/4"] = document("<title>Here</title>")
    assert "Here" in read(site.url + "/1")
    site.pages["/4"] = moved("/1", 308)
    with pytest.raises(pages.NoPage):
        read(site.url + "/1")
    assert site.asked == ["/1", "/2", "/3", "/4"] * 2


def test_all_hops_share_one_deadline(site: WebSite) -> None:
    """Each is quick enough, all together are not."""
    slow = Page(b"x" * 5, status=302, pause=0.1, headers={"Location": "/"})
    site.pages["/"] = slow
    began = time.monotonic()
    with pytest.raises((pages.NoPage, http.NoResponse)):
        read(site.url + "/", 0.3)
    assert time.monotonic() - began < 0.8


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://example.com/", "javascript:alert(1)", "data:text/html,<title>x",
     "gopher://127.0.0.1/", "http://u:p@127.0.0.1/", "http://[::1", ""],
)  # fmt: skip
def test_a_redirect_to_no_page(site: WebSite, location: str) -> None:
    """Another scheme, or a name and password, is not followed."""
    site.pages["/"] = moved(location)
    with pytest.raises(pages.NoPage):
        read(site.url + "/")
    assert site.asked == ["/"]


# Private addresses


def test_a_private_page_is_not_asked_for(site: WebSite) -> None:
    """Neither by its port, nor by its address."""
    for url in (site.url, f"http://localhost:{site.port}", f"http://2130706433:{site.port}"):
        with pytest.raises((pages.NoPage, http.PrivateAddress)):
            read(url + "/", public_only=True)
    assert site.asked == []


def test_the_guard_is_about_the_address(site: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the port is a usual one; the name of this machine leads there, too."""
    monkeypatch.setattr(pages, "PORTS", {"http": site.port, "https": 443})
    for host in ("127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"):
        with pytest.raises(http.NotSent):
            read(f"http://{host}:{site.port}/", public_only=True)
    assert site.asked == []


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "[fd00::1]"])
def test_inner_addresses(host: str) -> None:
    """Nobody knocks there."""
    with pytest.raises(http.PrivateAddress):
        read(f"http://{host}/latest/meta-data/", public_only=True)


def test_a_public_page_that_leads_inside(public: WebSite) -> None:
    """The first hop is answered, the second is not asked."""
    with web_site(NEXT_DOOR, public.port) as inside:
        inside.pages["/"] = document("<title>Secret</title>")
        public.pages["/"] = moved(inside.url + "/")
        with pytest.raises(http.PrivateAddress):
            read(public.url + "/", public_only=True)
        assert (public.asked, inside.asked) == (["/"], [])
        assert "Secret" in read(public.url + "/")  # that it is there, and only guarded


def test_a_public_page_that_leads_to_another_port(public: WebSite) -> None:
    """Whatever listens there is no web site for everybody."""
    with web_site() as other:
        public.pages["/"] = moved(other.url + "/")
        with pytest.raises(pages.NoPage):
            read(public.url + "/", public_only=True)
        assert other.asked == []


def test_a_name_with_one_private_address(public: WebSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """All addresses of a name must be public."""
    monkeypatch.setattr(http.names, "_ask", lambda _host, _port: ["127.0.0.1", NEXT_DOOR])
    with pytest.raises(http.PrivateAddress):
        read(f"http://two.example:{public.port}/", public_only=True)
    assert public.asked == []


def test_a_proxy_is_not_asked_for_what_is_unknown_here(
    public: WebSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks names up by itself, and may well reach what is inside."""
    monkeypatch.setenv("http_proxy", public.url)
    monkeypatch.setattr(pages, "PORTS", {"http": 80, "https": 443})
    calls.environment_of.cache_clear()
    try:
        for host in ("wiki.invalid", "10.0.0.1"):
            with pytest.raises((OSError, pages.NoPage)):
                read(f"http://{host}/", public_only=True)
    finally:
        monkeypatch.undo()
        calls.environment_of.cache_clear()
    assert public.asked == []


# What is said of it


def test_no_log_says_where_it_was(site: WebSite, caplog: pytest.LogCaptureFixture) -> None:
    """Not even at DEBUG, and not when the page's headers are none."""
    caplog.set_level(logging.DEBUG)
    site.pages["/private-path"] = Page(
        b"<title>Secret</title>", headers={"X": "1\r\nno header here"}
    )
    assert "Secret" in read(site.url + "/private-path")
    with pytest.raises(pages.NoPage):
        read(site.url + "/private-other")
    assert "private" not in caplog.text
    assert "no header" not in caplog.text
    assert str(site.port) not in caplog.text


# Encodings


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("Ñandú €".encode(), HTML),
        ("Ñandú €".encode(), "text/html"),
        (b"\xef\xbb\xbf" + "Ñandú €".encode(), "text/html; charset=iso-8859-1"),
        ("Ñandú €".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        ("Ñandú €".encode("cp1252"), 'text/html; charset="windows-1252"'),
        ("Ñandú €".encode("cp1252"), "text/html"),
        (b"<meta charset='latin1'>" + "Ñandú €".encode("cp1252"), "text/html"),
        ("\ufeffÑandú €".encode("utf-16-le"), "text/html"),
        ("\ufeffÑandú €".encode("utf-16-be"), "text/html"),
        ("Ñandú €".encode(), "text/html; charset=punycode"),
        ("Ñandú €".encode(), "text/html; charset=zlib"),
        ("Ñandú €".encode(), "text/html; charset=nonsense"),
        ("Ñandú €".encode() + "€".encode()[:2], "text/html"),  # cut in the middle of one
    ],
)
def test_decoding(content: bytes, content_type: str) -> None:
    """By what it says, by what it is, and never by a codec that is none for pages."""
    assert "Ñandú €" in pages.decoded(content, content_type)


def test_wrong_encodings_are_read_somehow() -> None:
    """A page that lies about itself is ugly, and no trouble."""
    for encoding in pages._ENCODINGS:
        assert pages.decoded(bytes(range(256)), f"text/html; charset={encoding}")
