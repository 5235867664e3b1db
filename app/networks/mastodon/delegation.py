"""A domain whose accounts live on a server of another name: host-meta (RFC 6415) and WebFinger.

``@ana@example.org`` may live on ``social.example.org``; ``example.org`` says so, by a link or by
sending whoever asks there. Whatever it names is treated like a server that was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from app.networks.errors import LookUpFailed
from app.networks.http import Response
from app.networks.mastodon.client import Server

DELEGATION_SECONDS = 5.0
"""For all questions to the domain."""
MAX_DOCUMENT_CHARACTERS = 100_000
HOST_META = ("/.well-known/host-meta", "/.well-known/host-meta.json")
REDIRECTS = {301, 302, 303, 307, 308}
SUBSCRIBE = "http://ostatus.org/schema/1.0/subscribe"
_ACCOUNT = re.compile(r"\s*@?(?P<user>[\w.~\-]{1,200})@(?P<host>[^\s@/]{1,300})\s*")
_DECLARES = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


def homes_of(server: Server, typed: str) -> Iterator[str]:
    """Yield the origins where a domain says that its accounts live, the most specific first.

    :param typed: what the person typed; with a user's name, the domain is asked for that one.
    """
    server = server.within(min(DELEGATION_SECONDS, server.seconds_left()))
    account = _ACCOUNT.fullmatch(typed)
    paths = [*HOST_META]
    if account is not None:
        resource = quote(f"acct:{account['user']}@{server.host}", safe=":@")
        paths.insert(0, f"/.well-known/webfinger?resource={resource}")
    for path in paths:
        try:
            response = server.read(path)
        except LookUpFailed:
            continue
        for url in _addresses_in(response):
            origin = _origin_of(url)
            if origin and urlsplit(origin).netloc != server.host:
                yield origin


def _addresses_in(response: Response) -> list[str]:
    """Return the addresses that a response names, by a redirect or by links in its document."""
    if response.status in REDIRECTS:
        return [response.header("location") or ""]
    if response.status != 200 or len(response.text) > MAX_DOCUMENT_CHARACTERS:
        return []
    is_json = response.data is not None
    links = _links_of_json(response.data) if is_json else _links_of_xml(response.text)
    ranked = [(_rank(link), link.get("template") or link.get("href")) for link in links]
    told = [(rank, url) for rank, url in ranked if rank and isinstance(url, str)]
    return [url for _, url in sorted(told, key=lambda link: link[0])]


def _rank(link: dict[str, Any]) -> int:
    """Return the rank of a link, 1 first; 0 for one that does not say where accounts live."""
    known = {"lrdd": 1, SUBSCRIBE: 1, "self": 2}
    rel = link.get("rel")
    return known.get(rel, 0) if isinstance(rel, str) else 0


def _links_of_json(document: Any) -> list[dict[str, Any]]:
    links = document.get("links") if isinstance(document, dict) else None
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _links_of_xml(document: str) -> list[dict[str, Any]]:
    """Return the links of a document, none where it declares entities: none is ever expanded."""
    if _DECLARES.search(document):
        return []
    try:
        root = ElementTree.fromstring(document.encode())
    except (ElementTree.ParseError, ValueError, LookupError):
        return []
    return [dict(link.attrib) for link in root.iter() if link.tag.rpartition("}")[2] == "Link"]


def _origin_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.scheme in {"http", "https"} and not parts.username
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if named else None
