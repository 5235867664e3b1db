"""Where people mean a web address in what they write, and where it leads.

For networks that make nothing clickable by themselves: X and Mastodon have rules of their own
(``app.networks.links``), which find the domains here, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

import regex

from app.networks.http import ascii_host
from app.networks.links import urls_in

# Where an address ends: white space and what nobody sees, quotation marks, dashes between thoughts,
# pictures, and punctuation of other scripts. Inside one, an en dash and joiners are letters' own.
_ADDRESS = (
    r"[^\s<>\"`“”„‟«»‹›—―…、。，！？；：「」『』（）【】《》〈〉〔〕〖〗｡､｢｣،؛؟।"
    r"\u00AD\u061C\u180E\u200B\u200E\u200F\u202A-\u202E\u2060-\u206F\uFEFF"
    r"\p{Cc}\p{Extended_Pictographic}\p{Regional_Indicator}]"
)
_AFTER_A_DOMAIN = regex.compile(rf"(?::[0-9]++)?+(?:[/?#]{_ADDRESS}*+)?+")
_SCHEME = regex.compile(r"https?://", regex.IGNORECASE)
_HOST_END = regex.compile(r"[/?#:]")
_NEVER_LAST = ".,;:!?'*_~’‘|–•\u200c\u200d\ufe0e\ufe0f"
_BRACKETS = {")": "(", "]": "[", "}": "{"}

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_WITH_SCHEME = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}_@/.\-])https?://{_LABEL}(?:\.{_LABEL})++(?![A-Za-z0-9_\-]|[^\s/?#]*@[\w\[])",
    regex.IGNORECASE,
)
# ``website.com.jpg`` is a file: a name without a scheme ends with its top-level domain.
_GOES_ON = regex.compile(r"\.[\w\-]")
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def addresses_in(written: str) -> list[tuple[int, int, str]]:
    """Return (start, end, URL in full and in ASCII) of every address that leads somewhere."""
    return [
        (start, end, url)
        for start, end in _addresses(written)
        if (url := _url(written[start:end])) is not None
    ]


def _addresses(written: str) -> Iterable[tuple[int, int]]:
    """Yield where addresses stand: X's rules find the domain, but end a path at a foreign letter.

    A scheme is not needed, as people write ``example.com``; after one, any name will do.
    """
    domain_ends = {found.start(): found.end() for found in _WITH_SCHEME.finditer(written)}
    for start, _, url in urls_in(written):
        own_scheme, _host, after = _split(url)
        end = start + len(url) - len(after)
        if own_scheme or not _GOES_ON.match(written, end):
            domain_ends[start] = max(end, domain_ends.get(start, 0))
    done = 0
    for start, at in sorted(domain_ends.items()):
        if start < done:
            continue
        rest = _AFTER_A_DOMAIN.match(written, at)
        done = _trimmed(written, start, rest.end() if rest else at)
        yield start, done


def _trimmed(written: str, start: int, end: int) -> int:
    """Return where an address ends for its reader: before its sentence's full stop or bracket."""
    address = written[start:end]
    open_ones = {
        closing: address.count(closing) - address.count(opening)
        for closing, opening in _BRACKETS.items()
    }
    while end > start:
        last = written[end - 1]
        if last in open_ones and open_ones[last] > 0:
            open_ones[last] -= 1
        elif last not in _NEVER_LAST:
            break
        end -= 1
    return end


def _url(address: str) -> str | None:
    """Return the address in full and in ASCII; None for one that leads nowhere."""
    scheme, host, rest = _split(address)
    try:
        host = ascii_host(host)
    except ValueError:
        return None
    path = quote(rest, safe=_PRINTABLE_ASCII, errors="surrogatepass")
    return f"{scheme.lower() or 'https://'}{host}{path}"


def _split(address: str) -> tuple[str, str, str]:
    """Return scheme, host, and the rest from the port on."""
    scheme = _SCHEME.match(address)
    bare = address[scheme.end() :] if scheme else address
    host = _HOST_END.split(bare, maxsplit=1)[0]
    return scheme[0] if scheme else "", host, bare[len(host) :]
