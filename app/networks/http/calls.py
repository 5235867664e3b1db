"""One HTTP call with a deadline for the whole of it, which tells whether anything was sent.

A call that changes something may be repeated only when no byte of it was written. So the connection
itself notes the first write, refuses it after the start deadline, and never retries or follows a
redirect. Create calls have the same from creates.py, on an event loop.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from app import untrusted
from app.networks.http.addresses import HTTPS, is_public
from app.networks.http.connection import Call, DeadlineSocket, Resolve, current_call
from app.networks.http.dns import names

KEEP_SECONDS = 2.0
"""A kept connection is used again only if its last response came less than this ago."""
CONNECT_SECONDS = 5.0
"""Seconds until a server has to be reached."""
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
"""Bytes of a response's body, unpacked."""
MAX_AHEAD = 512 * 1024
"""Bytes by which a body on the wire may be ahead of twice what came out of it: its chunks can be
small, each brings its length, and taking it apart is work."""
MAX_HEAD = 256 * 1024
"""Bytes of all that comes before the body."""
MAX_HEADER = 16_384
"""Characters of a header."""
MAX_ADDRESSES = 8
"""How many of a name's addresses are tried."""
USER_AGENT = "TweetLater/1.0"


class NotSent(Exception):
    """Not one byte of the request left: repeating it is safe."""


class NoResponse(Exception):
    """The request may have arrived; no complete response came."""


class TooLateToStart(NotSent):
    """The start deadline had passed before the first byte."""


class PrivateAddress(NotSent):
    """The name leads into a private network; nothing was said there."""


def boottime() -> float:
    """Return seconds that also count while the machine or the process is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response. ``data`` is the parsed JSON, None when it is none.

    Its words are fit to be kept (app.untrusted); how long each may be is said where they are read.
    """

    status: int
    headers: Mapping[str, str]
    data: Any
    text: str
    content: bytes = b""
    at: float = field(default_factory=boottime)
    """When it was complete, on boottime()."""

    def header(self, name: str) -> str | None:
        """Return a header by name in any case."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """How much of an answer's body is wanted: its first bytes, if it is of one of these types.

    The rest is left where it is, and the connection is closed.
    """

    bytes: int
    """Unpacked; more than MAX_ANSWER is never read."""
    types: tuple[str, ...]
    """Media types without parameters, in small letters."""

    def is_of(self, content_type: str) -> bool:
        """Whether a body with this Content-Type is wanted at all."""
        return content_type.partition(";")[0].strip().lower() in self.types


class Headers(AuthBase):
    """Headers that one call has beside the usual ones; those without a value are left out.

    A token travels like this and never in a URL, which errors and logs quote.
    """

    def __init__(
        self, named: Mapping[str, str] | None = None, *, bearer: str | None = None
    ) -> None:
        self.named = {name: value for name, value in (named or {}).items() if value}
        if bearer is not None:
            self.named["Authorization"] = f"Bearer {bearer}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add them."""
        request.headers.update(self.named)
        return request


def check_public(addresses: Sequence[str]) -> None:
    """Raise PrivateAddress: we connect to no private address, not even to see if it is open."""
    if not all(map(is_public, addresses)):
        raise PrivateAddress("the name leads to a private address")


def _addresses_of(host: str, port: int) -> list[str]:
    """Look a name up for as long as the call may take. Raises OSError when it has no address."""
    call = current_call.get()
    return call.resolve(host, port, call.remaining())


def _check_proxied(url: str, proxies: Mapping[str, str]) -> None:
    """Raise PrivateAddress for a proxied call to a private address: a proxy may well reach it.

    A name that is unknown here is left to the proxy: often only it can look names up.
    """
    if select_proxy(url, proxies):
        parts = urlsplit(url)
        with suppress(OSError):
            check_public(_addresses_of(parts.hostname or "", parts.port or HTTPS))


class _Watched:
    """Mixed into a connection: notes the first byte, keeps deadlines, closes old connections."""

    sock: Any
    proxy: Any
    port: int
    timeout: Any
    _dns_host: str
    _answered_at = 0.0
    _held: list[Any] | None = None

    def _new_conn(self) -> Any:
        """Connect to an address that was looked up and checked here.

        A second look-up might lead elsewhere, or take for ever. TLS still checks the name.
        """
        name, usual = self._dns_host, self.timeout
        addresses = _addresses_of(name, self.port)
        if self._must_be_public():
            check_public(addresses)
        try:
            sock = self._connected(addresses[:MAX_ADDRESSES])
        finally:
            self._dns_host, self.timeout = name, usual
        self._check_peer(sock)  # TLS would speak first
        sock.settimeout(min(CONNECT_SECONDS, current_call.get().remaining()))
        return sock

    def _connected(self, addresses: Sequence[str]) -> Any:
        failure: Exception = OSError("the name has no address")
        for number, address in enumerate(addresses):
            share = current_call.get().remaining() / (len(addresses) - number)
            self._dns_host, self.timeout = address, min(CONNECT_SECONDS, share)
            try:
                return super()._new_conn()  # type: ignore[misc]
            except (OSError, HTTPError) as error:
                failure = error
        raise failure

    def _must_be_public(self) -> bool:
        """False through a proxy, too: the operator chose its address; the name was checked."""
        return current_call.get().public_only and not self.proxy

    def _check_peer(self, sock: Any) -> None:
        if self._must_be_public() and not is_public(sock.getpeername()[0]):
            sock.close()
            raise PrivateAddress("the connection leads to a private address")

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = DeadlineSocket(self.sock)

    def request(self, *args: Any, **kwargs: Any) -> None:
        idle = boottime() - self._answered_at
        if self.sock is not None and self._answered_at and idle > KEEP_SECONDS:
            self.close()  # type: ignore[attr-defined]
        self._held = []  # headers and body leave in one piece
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        finally:
            whole, self._held = b"".join(self._held), None
        self.send(whole)

    def send(self, data: Any) -> None:
        if self._held is not None:
            self._held.append(data)
            return
        if self.sock is None:
            self.connect()
        call = current_call.get()
        self._check_peer(self.sock)  # a kept connection may be another call's
        begun = 0 if call.started or call.start_by is None else self._begin(data, call.start_by)
        call.started = True
        if begun < len(data):
            self.sock.keep(call)
            self.sock.sendall(data[begun:])

    def _begin(self, data: bytes, start_by: float) -> int:
        """Write what can be written at once, unless it is too late; return how much that was.

        A process that is stopped between the look at the clock and the write will write when it
        wakes, however late. So nothing stands between them that waits.
        """
        self.sock.never_wait()
        if boottime() > start_by:
            raise TooLateToStart("the start deadline had passed")
        current_call.get().started = True
        return int(self.sock.send_at_once(data))

    def _tunnel(self) -> None:
        call = current_call.get()
        self.sock = DeadlineSocket(self.sock)
        try:
            super()._tunnel()  # type: ignore[misc]
        finally:
            call.started = False  # the proxy was asked to connect; the network has seen nothing

    def getresponse(self) -> Any:
        call = current_call.get()
        call.may_receive = MAX_HEAD
        response = super().getresponse()  # type: ignore[misc]
        if response.status < 200:  # "early hints", say: the response itself has not come yet
            self.close()  # type: ignore[attr-defined]
            raise OSError("an answer that is none yet")
        call.may_receive = MAX_AHEAD
        self._answered_at = boottime()
        return response


class _WatchedHTTPConnection(_Watched, HTTPConnection):
    pass


class _WatchedHTTPSConnection(_Watched, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _WatchedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Watch calls through a proxy too, or a lost response would count as never sent."""
        if proxy.lower().startswith("socks"):
            raise requests.exceptions.InvalidProxyURL("SOCKS proxies are not supported")
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


LIBRARY_SECONDS = 10.0
"""For a call of a library that gives no timeout."""
_QUERY = re.compile(r"\?[^\s'\"<>]+")
_adapter = _WatchedAdapter(max_retries=0, pool_connections=32, pool_maxsize=256)
USUAL_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


@lru_cache(maxsize=256)
def environment_of(origin: str) -> dict[str, Any]:
    """Return the proxies and certificates that the environment names, as requests reads them.

    Once for each origin: asking the environment takes as long as the rest of a call.
    """
    with requests.Session() as session:
        settings = session.merge_environment_settings(origin, {}, True, None, None)
    return {key: settings[key] for key in ("proxies", "verify", "cert")}


def call(
    method: str,
    url: str,
    *,
    timeout: float,
    connect_timeout: float = CONNECT_SECONDS,
    auth: Any = None,
    start_by: float | None = None,
    public_only: bool = False,
    resolve: Resolve = names.addresses_of,
    excerpt: Excerpt | None = None,
    quiet: bool = False,
    **content: Any,
) -> Response:
    """Make one request and read its whole response within ``timeout`` seconds.

    :param content: ``json``, ``data`` or ``params``, as requests takes them.
    :param excerpt: how much of the body to read, None for all; of another type: nothing.
    :param quiet: let no library write into a log where it goes, not even at DEBUG.
    :param public_only: refuse private addresses; through a proxy, those that are known here.
    :param start_by: a moment on boottime(); after it, a request that has not begun is not sent.
    :param resolve: looks names up.
    :raises NotSent: nothing was written (refused, name unknown, TLS failed, too late to start).
    :raises NoResponse: something was written and no complete response came.
    """
    current = Call(time.monotonic() + timeout, start_by, public_only, resolve, is_quiet=quiet)
    with reasons(current):
        request = requests.PreparedRequest()
        request.prepare(method, url, auth=auth, **{"headers": USUAL_HEADERS, **content})
        return _exchange(request, timeout, connect_timeout, excerpt)


_FAILURES: tuple[type[Exception], ...] = (
    requests.RequestException,
    HTTPError,
    OSError,
    ValueError,
    RuntimeError,
)


@contextmanager
def reasons(current: Call, *failures: type[Exception]) -> Iterator[None]:
    """Set the current call; raise NotSent or NoResponse for every failure.

    :param failures: what a library raises beside the usual ones.
    """
    token = current_call.set(current)
    try:
        yield
    except NotSent:
        raise
    except _FAILURES + failures as error:
        if current.is_late:
            raise TooLateToStart("the start deadline had passed") from None
        reason = without_query(f"{type(error).__name__}: {error}")[:300]
        if current.started:
            raise NoResponse(reason) from error
        raise NotSent(reason) from error
    finally:
        current_call.reset(token)


def _exchange(
    request: requests.PreparedRequest,
    timeout: float,
    connect_timeout: float = CONNECT_SECONDS,
    excerpt: Excerpt | None = None,
) -> Response:
    environment = environment_of(origin_of(str(request.url)))
    if current_call.get().public_only:
        _check_proxied(str(request.url), environment["proxies"])
    # The adapter itself and not a session: nothing is redirected, and no cookie is kept.
    with _adapter.send(
        request,
        stream=True,
        timeout=(min(connect_timeout, timeout), timeout),
        **environment,
    ) as response:
        return _read(response, excerpt)


def without_query(text: str) -> str:
    """Return words without the query strings of the URLs they quote: these may hold secrets."""
    return _QUERY.sub("?…", text)


class LibraryAdapter(BaseAdapter):
    """Makes a library's own session call as ``call`` does, in all respects."""

    def send(
        self, request: requests.PreparedRequest, *_: Any, timeout: Any = None, **__: Any
    ) -> requests.Response:
        """Return the response, its words fit to be kept.

        :raises requests.ConnectionError: there is none.
        """
        seconds = float(timeout or LIBRARY_SECONDS)
        try:
            with reasons(Call(time.monotonic() + seconds, None, False, names.addresses_of)):
                answer = _exchange(request, seconds)
        except (NotSent, NoResponse) as error:
            raise requests.ConnectionError(str(error)) from None
        response = requests.Response()
        response.request, response.url = request, str(request.url)
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.encoding = "utf-8"
        told = answer.text if answer.data is None else untrusted.stored(answer.data)
        response._content = told.encode()
        return response

    def close(self) -> None:
        """Do nothing: all share the connections."""


class _NoQueries(logging.Filter):
    """urllib3 writes the whole path of each call at DEBUG; queries may hold secrets.

    Of headers that are none it writes what they say, at WARNING; that is a stranger's.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a line pass without its queries, unless it is one about a server's headers."""
        call = current_call.get(None)
        if call is not None and call.is_quiet:
            return False
        if str(record.msg).startswith("Failed to parse headers"):
            return False
        if isinstance(record.args, tuple):
            record.args = tuple(
                without_query(arg) if isinstance(arg, str) else arg for arg in record.args
            )
        record.msg = without_query(str(record.msg))
        return True


for _name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_NoQueries())
for _name in ("oauthlib", "requests_oauthlib", "authlib"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # below it, they write tokens and keys


def origin_of(url: str) -> str:
    """Return scheme, host and port."""
    return "/".join(url.split("/", 3)[:3])


def _read(response: requests.Response, excerpt: Excerpt | None) -> Response:
    content = _body_of(response, excerpt)
    return response_of(response.status_code, response.headers.items(), content)


def response_of(status: int, headers: Iterable[tuple[str, str]], content: bytes) -> Response:
    """Return a response, its words fit to be kept. Each header may be there once."""
    text = content.decode("utf-8", "replace")
    fit = CaseInsensitiveDict(
        {name: untrusted.fit_text(value[:MAX_HEADER]) for name, value in headers}
    )
    return Response(status, fit, untrusted.parsed(text), untrusted.fit_text(text), content)


def _body_of(response: requests.Response, excerpt: Excerpt | None) -> bytes:
    if excerpt is not None and not excerpt.is_of(response.headers.get("Content-Type") or ""):
        response.close()
        return b""
    pieces, length, call = [], 0, current_call.get()
    for chunk in response.iter_content(65_536):
        call.receive(-2 * len(chunk))
        pieces.append(chunk)
        length += len(chunk)
        if excerpt is not None and length >= excerpt.bytes:
            response.close()
            return b"".join(pieces)[: excerpt.bytes]
        if length > MAX_RESPONSE_BYTES:
            response.close()
            raise ValueError("the answer is too large")
    return b"".join(pieces)
