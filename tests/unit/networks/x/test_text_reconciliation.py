"""A Tweet is known again in what X's timeline shows of it, and no other one is taken for it."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.networks import text as texts
from app.networks.links import urls_in
from app.networks.x.text import comparable_found


def link(url: str, expanded: str, **more: Any) -> dict[str, Any]:
    """One item of a post's ``entities.urls``."""
    return {"url": url, "expanded_url": expanded, **more}


T1, T2 = "https://t.co/AbCdEf0123", "https://t.co/AbCdEf0124"
PHOTO = "https://x.com/ana/status/12/photo/1"

SAME = [
    ("plain", "plain", []),
    ("cafe\u0301", "café", []),
    ("  a\r\nb \n", "a\nb", []),
    ("fish & chips <3 >", "fish &amp; chips &lt;3 &gt;", []),
    ("the entity &amp; itself", "the entity &amp;amp; itself", []),
    ("quotes &quot; stay", "quotes &amp;quot; stay", []),
    ("see example.com", f"see {T1}", [link(T1, "http://example.com")]),
    ("see example.com", f"see {T1}", [link(T1, "http://example.com/")]),
    ("see example.com", f"see {T1}", [link(T1, "https://example.com")]),
    ("see Example.COM/A?b=1&c=2", f"see {T1}", [link(T1, "http://example.com/A?b=1&c=2")]),
    ("see example.com/", f"see {T1}", [link(T1, "http://example.com")]),
    ("see http://example.com/?a", f"see {T1}", [link(T1, "http://example.com/?a")]),
    ("http://日本語.jp/é", T1, [link(T1, "http://xn--wgv71a119e.jp/%C3%A9")]),
    ("a.com b.com", f"{T1} {T2}", [link(T2, "http://b.com"), link(T1, "http://a.com")]),
    ("a.com/http://b.com", T1, [link(T1, "http://a.com/http://b.com")]),
    ("a.com a.com", f"{T1} {T1}", [link(T1, "http://a.com")]),
    ("これa.com/path한국", f"これ{T1}한국", [link(T1, "http://a.com/path")]),
    ("pic", f"pic {T1}", []),
    ("pic", f"pic {T1}", [link(T1, PHOTO, display_url="pic.x.com/AbC")]),
    ("pic", f"pic {T1}", [link(T1, PHOTO, media_key="3_1")]),
    ("pic", f"pic {T1}", [link(T1, PHOTO)]),
    ("", T1, []),
    (f"look {PHOTO}", f"look {T1}", [link(T1, PHOTO, display_url="x.com/ana/status/…")]),
    ("a.com", f"{T1} {T2}", [link(T1, "http://a.com"), link(T2, PHOTO, media_key="3_1")]),
    ("no answer for it", "no answer for it", [link(T1, "http://a.com")]),
    ("http://a.co:80example.com", f"{T1}example.com", [link(T1, "http://a.co:80")]),
]

DIFFERENT = [
    ("plain", "plain!", []),
    ("Plain", "plain", []),
    ("a b", "a  b", []),
    ("see example.com", f"see {T1}", [link(T1, "http://example.org")]),
    ("see example.com/a", f"see {T1}", [link(T1, "http://example.com/A")]),
    ("see example.com", f"see {T1}", [link(T1, "http://www.example.com")]),
    ("see example.com", "see", []),
    ("a.com b.com", f"{T1} {T2}", [link(T1, "http://b.com"), link(T2, "http://a.com")]),
    ("a.com", f"{T1} {T2}", [link(T1, "http://a.com"), link(T2, "http://b.com")]),
]


@pytest.mark.parametrize(("sent", "shown", "urls"), SAME)
def test_known_again(sent: str, shown: str, urls: list[dict[str, Any]]) -> None:
    """X's own rewriting never hides a Tweet, which would be sent a second time."""
    assert comparable_found(shown, urls) == texts.comparable(sent)


@pytest.mark.parametrize(("sent", "shown", "urls"), DIFFERENT)
def test_not_taken_for_another(sent: str, shown: str, urls: list[dict[str, Any]]) -> None:
    """Another text is another Tweet."""
    assert comparable_found(shown, urls) != texts.comparable(sent)


BITS = st.sampled_from(
    ["example.com", "http://a.co", "https://T.CO/x/", "/", "?a=1", "&amp;", "&amp;lt;", "&", "amp;",
     "lt;", "<", "é", "e\u0301", "日本", "。", " ", "\r\n", "@", ".", "-", "😀", "http://é.com/ñ",
     "http://", "https://t.co/abcDEF", "www.", "(", ")", "中国", ":80"]
)  # fmt: skip
PROSE = st.lists(BITS | st.text(max_size=3), max_size=12).map("".join)


@given(PROSE)
def test_comparable_is_stable(text: str) -> None:
    """Normalising twice changes nothing more."""
    once = texts.comparable(text)
    assert texts.comparable(once) == once


@given(PROSE)
def test_found_again_as_x_would_show_it(text: str) -> None:
    """Links wrapped, bare domains given a scheme, the rest escaped: still the same Tweet."""
    sent = texts.clean(text)
    shown, done, urls = "", 0, []
    for number, (start, end, url) in enumerate(urls_in(sent)):
        short = f"https://t.co/{number:010d}"
        urls.append(link(short, url if "://" in url else f"http://{url}", display_url=url))
        shown += html.escape(sent[done:start], quote=False) + short
        done = end
    shown += html.escape(sent[done:], quote=False)
    assert comparable_found(shown, urls) == texts.comparable(sent)


def test_what_a_timeline_may_hold() -> None:
    """Half a surrogate pair in somebody's answer is no reason to fail."""
    assert comparable_found("\ud83d", []) == "\ud83d"
