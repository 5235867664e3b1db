"""Where a text has a link, with or without a scheme.

``urls_in``: what X and Mastodon make clickable. Both find domains alike, and have their own rules
for what follows the domain. ``addresses_in``: what people mean as a web address, for the networks
that make nothing clickable by themselves (Bluesky, Facebook).

All of it is one pass over the text in linear time: no text, however odd, makes it slow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import quote

import regex

from app.networks.http import ascii_host

MAX_URL_CHARACTERS = 4096
LINK_LENGTH = 23
"""What X and Mastodon count for a link, however long it is."""
MAX_TCO_SLUG = 40

# A run is what may stand in a domain name, dots included; a new scheme ends it.
_TOKEN = regex.compile(
    r"(?P<scheme>[hH][tT][tT][pP][sS]?://)?"
    r"(?P<run>(?:(?![hH][tT][tT][pP][sS]?://)"
    r"[^\s!'#%&()*+,/:;<=>?@\[\]\\^{|}~$\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069"
    r"\uFFFE\uFEFF\uFFFF])++)"
)
_PLAIN_RUN = regex.compile(r"[\p{Latin}0-9][\p{Latin}0-9.\-]*+")
_START = regex.compile(r"(?<![A-Za-z0-9@＠$#＃\uFFFE\uFEFF\uFFFF])[^\-_.]")
_PLAIN_TLD = regex.compile(r"[xX][nN]--[0-9A-Za-z\-]++|[A-Za-z]++(?![0-9@+\-])")
_AFTER_A_TLD = regex.compile(r"(?![0-9A-Za-z@+\-])")

_PORT = regex.compile(r"(?::[0-9]++)?+")
_QUERY = r"\?[A-Za-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[A-Za-z0-9\-_&=#/]"


def _path_of(character: str) -> regex.Pattern[str]:
    """Return a path of these characters, with parentheses that are closed again, one in another."""
    nested = rf"(?!\(\))\({character}*+(?:\({character}++\){character}*+)?+\)"
    return regex.compile(rf"/(?:{character}++|{nested})*+")


@dataclass(frozen=True)
class Rules:
    """What may follow the domain of a link."""

    path: regex.Pattern[str]
    never_last: str
    """What ends no path, though it may stand in one."""
    query: regex.Pattern[str]


X_RULES = Rules(
    _path_of(r"[\p{Latin}\p{Cyrillic}0-9!*';:=+,.$/%#\[\]\-–_~@|&]"),
    "!*';:,.$%[]–~@|&",
    regex.compile(_QUERY),
)
_LETTERS = r"\u00A0-\uD7FF\uE000-\uFDCF\uFDF0-\uFFEF\U00010000-\U000DFFFD\U000E1000-\U0010FFFD"
MASTODON_RULES = Rules(
    _path_of(r"[^\s<>()?]"),
    "!*\"'「」<>;:=,.$%[]~&|@",
    regex.compile(
        rf"\?[A-Za-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@^{_LETTERS}]*[A-Za-z0-9_&=#/\-{_LETTERS}]"
    ),
)
"""Paths and queries of all scripts; no path ends in "="."""

_TCO = regex.compile(rf"(?i:https?://t\.co/(?P<slug>[a-z0-9]++))(?:{_QUERY})?")


def urls_in(text: str, rules: Rules = X_RULES) -> list[tuple[int, int, str]]:
    """Return (start, end, url) of every link, in order; positions are those of ``text``.

    ``text`` should be NFC, as X sees it. E-mail addresses, ``@test.com``, ``#test.com``,
    ``$test.com`` and file names are no links.
    """
    if "." not in text:
        return []
    found: list[tuple[int, int, str]] = []
    at = 0
    while token := _TOKEN.search(text, at):
        spans, at = _links_of(text, token, rules) if "." in token["run"] else ([], token.end())
        found += [(start, end, text[start:end]) for start, end in spans if _short(start, end)]
    return found


@cache
def top_level_domains() -> frozenset[str]:
    """Return every public top-level domain, lower case, in its own script.

    They are the last labels of the Public Suffix List's ICANN part, as its package ships it.
    """
    listed = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat")
    domains = set()
    for line in listed.read_text("utf-8").splitlines():
        if "===END ICANN DOMAINS===" in line:
            break
        if line and not line.startswith("//"):
            domains.add(line.split()[0].rpartition(".")[2])
    return frozenset(domains)


@cache
def _longest_foreign_tld() -> int:
    return max(len(domain) for domain in top_level_domains() if not domain.isascii())


def _short(start: int, end: int) -> bool:
    return end - start <= MAX_URL_CHARACTERS


def _links_of(
    text: str, token: regex.Match[str], rules: Rules
) -> tuple[list[tuple[int, int]], int]:
    """Return the links of one token, and where to read on."""
    at, stop = token.start("run"), token.end("run")
    if token["scheme"] and _START.match(text, token.start()):
        end, _ = _domain_end(text, at, stop)
        if end is not None:
            return _with_scheme(text, token.start(), end, rules)
    while start := _START.search(text, at, stop):
        end, at = _domain_end(text, start.start(), stop)
        if end is not None:
            return _without_scheme(text, start.start(), end, rules)
    return [], stop


def _with_scheme(
    text: str, start: int, domain_end: int, rules: Rules
) -> tuple[list[tuple[int, int]], int]:
    end, _ = _tail(text, domain_end, rules)
    shortened = _TCO.match(text, start, end)
    if shortened is None:
        return [(start, end)], end
    span = (start, shortened.end())
    return ([span] if len(shortened["slug"]) <= MAX_TCO_SLUG else []), end


def _without_scheme(
    text: str, start: int, domain_end: int, rules: Rules
) -> tuple[list[tuple[int, int]], int]:
    """Only Latin letters make a link without a scheme; other scripts around it are prose."""
    end, has_path = _tail(text, domain_end, rules)
    if start and text[start - 1] in "-_./":
        return [], end
    spans = []
    for run in _PLAIN_RUN.finditer(text, start, domain_end):
        plain_end, _ = _domain_end(text, run.start(), run.end())
        if plain_end is not None:
            spans.append((run.start(), plain_end))
    if has_path and spans and spans[-1][1] == domain_end:
        spans[-1] = (spans[-1][0], end)
    return spans, end


def _domain_end(text: str, start: int, stop: int) -> tuple[int | None, int]:
    """Return where the longest domain from ``start`` ends, and where another could begin.

    No domain can begin between the two: its labels were all seen.
    """
    end, after_a_name, at = None, False, start
    for label in text[start:stop].split("."):
        if after_a_name:
            end = _tld_end(text, at) or end
        at += len(label) + 1
        if not label or label[0] in "-_" or label[-1] in "-_":
            break
        after_a_name = "_" not in label
    return end, min(at, stop)


def _tld_end(text: str, start: int) -> int | None:
    """Return where the top-level domain at ``start`` ends, None if there is none."""
    plain = _PLAIN_TLD.match(text, start)
    if plain is not None:
        name = plain[0].lower()
        known = name.startswith("xn--") or name in top_level_domains()
        return plain.end() if known else None
    for end in range(min(len(text), start + _longest_foreign_tld()), start, -1):
        if text[start:end].lower() in top_level_domains() and _AFTER_A_TLD.match(text, end):
            return end
    return None


def _tail(text: str, at: int, rules: Rules) -> tuple[int, bool]:
    """Return where port, path and query after a domain end, and whether there is a path."""
    port = _PORT.match(text, at)
    end = port.end() if port else at
    path = rules.path.match(text, end)
    if path is not None:
        end = path.end()
        while text[end - 1] in rules.never_last:
            end -= 1
    query = rules.query.match(text, end)
    return (query.end() if query else end), path is not None


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
_HOST_WITH_SCHEME = regex.compile(
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
    domain_ends = {found.start(): found.end() for found in _HOST_WITH_SCHEME.finditer(written)}
    for start, _, url in urls_in(written):
        own_scheme, _host, after = split_url(url)
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
    scheme, host, rest = split_url(address)
    try:
        host = ascii_host(host)
    except ValueError:
        return None
    return f"{scheme.lower() or 'https://'}{host}{percent_encoded(rest)}"


def percent_encoded(path: str) -> str:
    """Return a path in ASCII; what is ASCII already stays as it is."""
    return quote(path, safe=_PRINTABLE_ASCII, errors="surrogatepass")


def split_url(address: str) -> tuple[str, str, str]:
    """Return scheme with ``://`` ("" without one), host, and the rest from the port on."""
    scheme = _SCHEME.match(address)
    bare = address[scheme.end() :] if scheme else address
    host = _HOST_END.split(bare, maxsplit=1)[0]
    return scheme[0] if scheme else "", host, bare[len(host) :]
