"""What a page says about itself, whatever else stands in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.networks.bluesky.page_words import PageWords, line_of, words_of

GRAPH = '<meta name="description" content="d"><meta property="og:description" content="e">'


@pytest.mark.parametrize(
    ("page", "title", "description"),
    [
        ("<title>Plain</title>", "Plain", ""),
        (
            "<title>T</title><meta property='og:title' content='Better'>" + GRAPH,
            "Better",
            "e",
        ),
        ('<META NAME="Description" CONTENT="d"/><TITLE lang=en>Up</TITLE >', "Up", "d"),
        ("<title>A &amp; B &#8211; C&nbsp;D</title>", "A & B – C D", ""),
        ("<meta property=og:title content=bare>", "bare", ""),
        (
            "<meta content='first' property='og:title'><meta property=og:title content=2>",
            "first",
            "",
        ),
        (
            "<meta property='og:title' content='  '><title>\n spaced \t out\n</title>",
            "spaced out",
            "",
        ),
        ("<!-- <title>No</title> --><title>Yes</title>", "Yes", ""),
        ("<script>var a = '<title>No</title>'</script><title>Yes</title>", "Yes", ""),
        ("<style><title>No</title></style><title>Yes</title>", "Yes", ""),
        ('<div data-x="<title>No</title>"></div><title>Yes</title>', "Yes", ""),
        ("<head><title>Yes</title></head><meta property=og:title content=Late>", "Yes", ""),
        ("<body><meta property=og:title content='In the body'>", "In the body", ""),
        ("<title>Nu\x00l\x1b[31m\u202ered</title>", "Nul[31mred", ""),
        ("<title>&#0;&#xD800;&#x202e;A&#27;B</title>", "\ufffd\ufffdAB", ""),
        ("<title>never closed", "", ""),
        ("<meta property=og:title content='never closed", "", ""),
        ("<!-- never closed <title>No</title>", "", ""),
        ("", "", ""),
        ("< < <> </> <1 & no page", "", ""),
    ],
)
def test_words(page: str, title: str, description: str) -> None:
    """The graph's words first, then the page's own; never a tag, a control or an entity."""
    assert words_of(page) == PageWords(title, description)


HOSTILE = {
    "tags": "<",
    "names": "<a",
    "open tags": "<a ",
    "comments": "<!--",
    "metas": "<meta ",
    "quotes": "<meta a=\"'",
    "other quotes": "<meta '\"'\"'",
    "attributes": "a=b ",
    "spaces": "<a" + " " * 999,
    "equals": "<a =",
    "scripts": "<script>",
    "ends": "</script ",
    "titles": "<title>",
    "entities": "<title>&#x",
    "nested": "<div>",
    "nul": "\x00<\x00",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("start", ["", "<title>", "<a ", '<meta content="'])
def test_no_page_takes_long(unit: str, start: str) -> None:
    """Half a megabyte of anything is read soon: what grows with the square takes minutes."""
    page = start + unit * (512 * 1024 // len(unit))
    began = time.process_time()
    words_of(page)
    assert time.process_time() - began < 5


@given(st.text(alphabet="<>/!-=\"' \x00aétitlemetascript:og&#;", max_size=200))
def test_whatever_it_is(page: str) -> None:
    """Nothing raises, and what comes out is one line."""
    found = words_of(page)
    for line in (found.title, found.description):
        assert line == " ".join(line.split())
        assert "\x00" not in line


def test_long_words_are_cut_between_characters() -> None:
    """By what people see as one character; one that is made of very many is cut as well."""
    family = "👩‍👩‍👧‍👦"
    assert line_of(family * 3, 3) == family * 3
    assert line_of(family * 4, 3) == family * 2 + "…"
    assert line_of("one two three", 5) == "one…"
    assert len(line_of("a" + "\u0301" * 3_000, 150)) == 1_500
