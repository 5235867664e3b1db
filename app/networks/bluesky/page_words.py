"""What a page says about itself: title and description, in its ``meta`` elements or its ``title``.

A page is a stranger's, so it is read in one pass that takes time by its length alone, whatever
stands in it; html.parser takes the square of it for some pages, in some versions of Python.
"""

from __future__ import annotations

import html
from dataclasses import dataclass

import regex

from app.networks import text

MAX_TAGS = 5_000
MAX_ATTRIBUTES = 64
"""Of one tag; what has more is passed over."""
MAX_CHARACTERS = 4_000
"""Of what is read of a title or a description; what is kept is far shorter."""

_MARK = regex.compile(r"<(?:(?P<comment>!--)|(?P<tag>/?[A-Za-z][^\s/>]*+))")
_ATTRIBUTE = regex.compile(
    r"[\s/]*+(?:(?P<end>>)|(?P<name>[^\s/>][^\s/>=]*+)"
    r"(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s>\"'][^\s>]*+)))?+)"
)
_RAW = {
    name: regex.compile(rf"</{name}(?![A-Za-z0-9])", regex.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}
"""Elements in which nothing is a tag, and where each ends."""
_WANTED = ("og:title", "og:description", "description")
_SPACES = regex.compile(r"\s+")
# Controls, halves of surrogate pairs, and what turns the order of letters around until it is ended:
# the end may be cut off.
_OUT = regex.compile(r"[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069\uFEFF\uFFFE\uFFFF]")


@dataclass(frozen=True, slots=True)
class PageWords:
    """In one line each, "" where the page says nothing."""

    title: str = ""
    description: str = ""


def words_of(page: str) -> PageWords:
    """Return what a page says about itself; what is no page says nothing. Never raises."""
    found = _found_in(page)
    return PageWords(
        _line(found.get("og:title")) or _line(found.get("title")),
        _line(found.get("og:description")) or _line(found.get("description")),
    )


def line_of(written: str, most: int) -> str:
    """Return a stranger's words in one line without controls, of so many graphemes at most."""
    # One grapheme may be made of any number of characters.
    return text.shortened(_line(written)[: most * 10], most)


def _line(written: str | None) -> str:
    spoken = html.unescape((written or "")[:MAX_CHARACTERS])
    return _SPACES.sub(" ", _OUT.sub("", _SPACES.sub(" ", spoken))).strip()


def _found_in(page: str) -> dict[str, str]:
    """Return the first of each thing that is wanted, as it is written in the page."""
    found: dict[str, str] = {}
    at = 0
    for _ in range(MAX_TAGS):
        mark = _MARK.search(page, at)
        if mark is None:
            break
        if mark["comment"]:
            at = _after(page, "-->", mark.start() + 2)
            continue
        tag = mark["tag"].lower()
        if tag == "/head" and ("title" in found or "og:title" in found):
            break
        attributes, at = _attributes(page, mark.end())
        if tag == "meta":
            _note(found, attributes)
        elif tag in _RAW:
            end = _RAW[tag].search(page, at)
            if end is None:  # it swallows all the rest
                break
            if tag == "title":
                found.setdefault("title", page[at : min(end.start(), at + MAX_CHARACTERS)])
            at = end.start()
    return found


def _note(found: dict[str, str], attributes: dict[str, str]) -> None:
    content = attributes.get("content", "")
    for name in (attributes.get("property", ""), attributes.get("name", "")):
        key = name.strip().lower()
        if key in _WANTED and _line(content):
            found.setdefault(key, content[:MAX_CHARACTERS])


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    """Return the attributes of the tag whose name ends here, and where the tag ends."""
    found: dict[str, str] = {}
    for _ in range(MAX_ATTRIBUTES):
        attribute = _ATTRIBUTE.match(page, at)
        if attribute is None:  # the page ends within it
            return {}, len(page)
        at = attribute.end()
        if attribute["end"]:
            return found, at
        value = attribute["double"] or attribute["single"] or attribute["bare"] or ""
        found.setdefault(attribute["name"].lower(), value)
    return {}, _after(page, ">", at)


def _after(page: str, mark: str, at: int) -> int:
    found = page.find(mark, at)
    return len(page) if found < 0 else found + len(mark)
