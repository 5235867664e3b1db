"""Fetching the beginning of a page that somebody linked: any address, so guarded at every hop.

Only http and https, on their usual ports, at public addresses (``app.networks.http`` connects to
the very address that it has checked); a few hops, a deadline for all of them, and so many bytes.
"""

from __future__ import annotations

import re
import time
from urllib.parse import urljoin, urlsplit

from app import untrusted
from app.networks import http
from app.networks.http import is_proxied, is_public, names

MAX_HOPS = 4
"""Pages asked for one link: itself, and three that it is moved to."""
HTML = http.Excerpt(512 * 1024, ("text/html", "application/xhtml+xml"))
REDIRECTS = {301, 302, 303, 307, 308}
PORTS = {"http": 80, "https": 443}
DECLARED_WITHIN = 1024
"""Bytes in which a page says how it is encoded."""

_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:\-]{1,40})", re.IGNORECASE)
_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xfe\xff": "utf-16-be", b"\xff\xfe": "utf-16-le"}
# What browsers take for text, and no other codec: some take for ever.
_ENCODINGS = {
    **{f"iso-8859-{number}": f"iso-8859-{number}" for number in (*range(2, 12), *range(13, 17))},
    **{f"windows-{number}": f"cp{number}" for number in (874, *range(1250, 1259))},
    **dict.fromkeys(("iso-8859-1", "latin1", "us-ascii", "ascii"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "gb18030"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "windows-31j"), "cp932"),
    **{name: name for name in ("euc-jp", "iso-2022-jp", "big5", "koi8-r", "koi8-u")},
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), "cp949"),
    "macintosh": "mac-roman",
}


class NoPage(Exception):
    """There is none that we would read; the words name no part of the address."""


def fetch(url: str, ends_at: float, public_only: bool) -> str:
    """Return the beginning of the page at an address, as text.

    :param ends_at: on time.monotonic(), when to give up.
    :param public_only: refuse private addresses, and ports that are not the scheme's own.
    :raises NoPage: the address is none of a page, or private, or something else answers there.
    :raises http.NotSent: and Unanswered, as ``http.call``.
    """
    for _ in range(MAX_HOPS):
        _check(url, ends_at, public_only)
        left = _left(ends_at)
        answer = http.call(
            "GET", url, timeout=left, public_only=public_only, excerpt=HTML, quiet=True
        )
        if answer.status in REDIRECTS:
            url = _moved_to(url, answer.header("location"))
        elif answer.status == 200 and answer.content:
            return decoded(answer.content, answer.header("content-type") or "")
        else:
            raise NoPage("something else than a page")
    raise NoPage("it is moved again and again")


def decoded(content: bytes, content_type: str) -> str:
    """Return a page's text by what it says of its encoding, as browsers do; never raises."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    start = content[:DECLARED_WITHIN].decode("ascii", "replace")
    declared = _CHARSET.search(content_type) or _CHARSET.search(start)
    known = _ENCODINGS.get(declared[1].lower()) if declared else None
    if known is not None:
        return content.decode(known, "replace")
    page = content.decode("utf-8", "replace")
    is_utf_8 = declared is not None or "\ufffd" not in page.rstrip("\ufffd")  # the end may be cut
    return page if is_utf_8 else content.decode("cp1252", "replace")


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise NoPage("there was no time for it")
    return left


def _moved_to(url: str, location: str | None) -> str:
    if not location:
        raise NoPage("it is moved to nowhere")
    try:
        return urljoin(url, location.strip())
    except ValueError as error:
        raise NoPage("it is moved to nowhere") from error


def _check(url: str, ends_at: float, public_only: bool) -> None:
    """Refuse what is no address of a page on the public internet, before anything is asked."""
    if not untrusted.web_address(url):
        raise NoPage("no web address")
    if not public_only:
        return
    parts = urlsplit(url)
    usual = PORTS[parts.scheme.lower()]
    if parts.port not in (None, usual):
        raise NoPage("an unusual port")
    if is_proxied(url):
        # The proxy looks names up by itself and may reach what is inside: what is unknown here is
        # not asked for. Without one, the connection checks the address that it takes.
        found = names.addresses_of(parts.hostname or "", usual, _left(ends_at))
        if not found or not all(map(is_public, found)):
            raise NoPage("a private address")
