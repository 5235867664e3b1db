"""Create calls: ``call``'s guarantees for coroutines, thousands of them on one event loop.

Reads, sign-ins and uploads stay with ``call``: they are few, and their libraries wait in threads.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import aiohttp
import requests
from requests.auth import _basic_auth_str
from requests.utils import DEFAULT_CA_BUNDLE_PATH, get_auth_from_url, select_proxy, urldefragauth
from yarl import URL

from app.networks.http.addresses import HTTPS
from app.networks.http.calls import (
    CONNECT_SECONDS,
    MAX_RESPONSE_BYTES,
    USER_AGENT,
    USUAL_HEADERS,
    Headers,
    Response,
    check_public,
    environment_of,
    origin_of,
    reasons,
    response_of,
)
from app.networks.http.connection import Call, Resolve
from app.networks.http.dns import names
from app.networks.http.pool import LookUps, pool

T = TypeVar("T")
MAX_PIECE = 512 * 1024
"""Bytes of a body that are written in one piece."""
_UNPACKED = {"", "identity", "gzip", "deflate"}
_PROXY_SCHEMES = {"http", "https"}

for _name in ("aiohttp.client", "aiohttp.internal"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below it, they quote what strangers wrote


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None

    def in_pieces(self) -> bytes | io.BytesIO | None:
        """Return the body; a large one as what can be written in pieces."""
        is_large = self.body is not None and len(self.body) > MAX_PIECE
        return io.BytesIO(self.body or b"") if is_large else self.body


async def send(
    method: str,
    url: str,
    *,
    timeout: float,
    connect_timeout: float = CONNECT_SECONDS,
    auth: Any = None,
    start_by: float | None = None,
    public_only: bool = False,
    resolve: Resolve = names.addresses_of,
    **content: Any,
) -> Response:
    """Make one request and read its whole response within ``timeout`` seconds, as ``call`` does.

    A coroutine that is cancelled meanwhile leaves no connection behind, but nobody knows whether
    its request was sent. Whoever ends the event loop awaits ``close()`` before.

    :param content: ``json``, ``data`` or ``params``, as requests takes them, all in memory.
    :param connect_timeout: for the look-up of the name, the connection and TLS together.
    :param public_only: refuse private addresses; through a proxy, those that are known here.
    :param start_by: a moment on boottime(); after it, a request that has not begun is not sent.
    :param resolve: looks names up, in a thread.
    :raises NotSent: nothing was written (refused, name unknown, TLS failed, too late to start).
    :raises NoResponse: something was written and no complete response came.
    """
    ends_at = time.monotonic() + timeout
    current = Call(ends_at, start_by, public_only, resolve, connect_timeout=connect_timeout)
    with reasons(current, aiohttp.ClientError):
        try:
            async with asyncio.timeout(timeout):
                return await _exchange(_request_of(method, url, auth, content), current)
        except TimeoutError as error:
            raise TimeoutError(str(error) or "the call took longer than its deadline") from None


async def in_thread(wait: Callable[..., T], *args: Any) -> T:
    """Run what waits for other calls in a thread, so that the event loop does not wait."""
    return await asyncio.get_running_loop().run_in_executor(pool().reads, wait, *args)


def _request_of(method: str, url: str, auth: Any, content: Mapping[str, Any]) -> _Request:
    """Return what is to be sent. Raises ValueError, requests.RequestException."""
    if content.keys() <= {"json", "params"} and (auth is None or isinstance(auth, Headers)):
        return _plain_request(method, url, auth, **content)
    prepared = requests.PreparedRequest()
    prepared.prepare(method, url, auth=auth, **{"headers": USUAL_HEADERS, **content})
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    if not isinstance(body, bytes | None):
        raise ValueError("only what is in memory can be sent")
    headers = {name: _text(value) for name, value in prepared.headers.items()}
    return _Request(method, URL(str(prepared.url), encoded=True), headers, body)


def _plain_request(
    method: str,
    url: str,
    auth: Headers | None,
    json: Any = None,
    params: Mapping[str, Any] | None = None,
) -> _Request:
    """Return what requests would make of this, for a third of its work."""
    headers = {**USUAL_HEADERS, **(auth.named if auth is not None else {})}
    target = URL(url)
    if params:
        known = {name: value for name, value in params.items() if value is not None}
        query = "&".join(filter(None, [target.raw_query_string, urlencode(known, doseq=True)]))
        target = URL(f"{target.with_query(None)}?{query}", encoded=True)
    body = None
    if json is not None:
        body = _as_json(json)
        headers.setdefault("Content-Type", "application/json")
    return _Request(method, target, headers, body)


def _as_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


async def _exchange(request: _Request, call: Call) -> Response:
    url, shared = str(request.url), pool()
    environment = environment_of(origin_of(url))
    route = _route_to(url, environment["proxies"], environment["verify"])
    call.is_proxied = "proxy" in route
    if call.is_proxied and call.public_only:
        await _check_proxied(url, call, shared.look_ups)
    headers = {**request.headers, **route.pop("headers", {})}
    if not all(map(str.isascii, headers.values())):
        raise ValueError("a header cannot carry these letters")
    response = await shared.session.request(
        request.method,
        request.url,
        headers=headers,
        data=request.in_pieces(),
        skip_auto_headers=None if "Content-Type" in headers else ["Content-Type"],
        allow_redirects=False,
        **route,
    )
    try:
        content = await _body_of(response, call)
    finally:
        response.close()  # the connection is kept only if all was read
    return response_of(response.status, _joined(response.headers), content)


def _route_to(url: str, proxies: Mapping[str, str], verify: Any) -> dict[str, Any]:
    """Return the proxy to a URL and the certificates to believe, as aiohttp takes them.

    :raises ValueError: such proxies are not supported.
    """
    route: dict[str, Any] = {}
    chosen = select_proxy(url, proxies) if proxies else None
    if chosen:
        proxy = chosen if "://" in chosen else f"http://{chosen}"
        if urlsplit(proxy).scheme.lower() not in _PROXY_SCHEMES:
            raise ValueError("SOCKS proxies are not supported")
        user, password = get_auth_from_url(proxy)
        told = {"Proxy-Authorization": _basic_auth_str(user, password)} if user else {}
        # Without its password, which errors would quote.
        route = {"proxy": urldefragauth(proxy), "proxy_headers": {"User-Agent": USER_AGENT, **told}}
        if told and not url.startswith("https:"):
            route["headers"] = told
    if url.startswith("https:") or str(route.get("proxy")).startswith("https:"):
        route["ssl"] = _trust(DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify))
    return route


@lru_cache(maxsize=8)
def _trust(bundle: str) -> ssl.SSLContext:
    """Return what believes the certificates of a file or a folder. Raises OSError."""
    is_folder = Path(bundle).is_dir()
    context = ssl.create_default_context(
        cafile=None if is_folder else bundle, capath=bundle if is_folder else None
    )
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _check_proxied(url: str, call: Call, look_ups: LookUps) -> None:
    """Raise PrivateAddress for a proxied call to a private address: a proxy may well reach it.

    A name that is unknown here is left to the proxy: often only it can look names up.
    """
    parts = urlsplit(url)
    try:
        found = await look_ups.addresses_of(call.resolve, parts.hostname or "", parts.port or HTTPS)
    except OSError:
        return
    check_public(found)


async def _body_of(response: aiohttp.ClientResponse, call: Call) -> bytes:
    packing = ",".join(response.headers.getall("Content-Encoding", ()))
    if packing.strip().lower() not in _UNPACKED:
        raise ValueError("the answer is packed as nobody asked for")
    pieces, length = [], 0
    while piece := await response.content.readany():
        call.receive(-2 * len(piece))
        pieces.append(piece)
        length += len(piece)
        if length > MAX_RESPONSE_BYTES:
            raise ValueError("the answer is too large")
    return b"".join(pieces)


def _joined(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each header once, with all its values, as urllib3 does."""
    joined: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        before = joined.get(key := name.lower())
        joined[key] = (name, value) if before is None else (name, f"{before[1]}, {value}")
    return list(joined.values())
