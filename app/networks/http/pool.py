"""The connections of one event loop: each notes the first byte of the call that it carries.

What connection.py and calls.py do for calls in threads, done for aiohttp: the transport itself
refuses a first byte after the start deadline, and a connection that is in doubt is not kept.
"""

from __future__ import annotations

import asyncio
import functools
import math
import select
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection

from app.networks.http.addresses import is_public
from app.networks.http.calls import (
    KEEP_SECONDS,
    MAX_ADDRESSES,
    MAX_AHEAD,
    MAX_HEAD,
    PrivateAddress,
    TooLateToStart,
    boottime,
    check_public,
)
from app.networks.http.connection import Call, Resolve, current_call
from app.networks.http.dns import NAME_LOOK_UP_SECONDS, is_address, zone_of

MAX_THREADS = 16
"""For look-ups of names, and as many for the reads that follow refused calls."""
MAX_THREADS_OF_A_ZONE = 4
"""Of these, for names with the same ending, whose name server may be silent."""
MAX_LINE = 65_536
"""Bytes of one line of a response's head."""
MAX_HEADERS = 100


class _WatchedTransport:
    """A transport that writes the first byte of a call only before its start deadline."""

    def __init__(self, transport: asyncio.Transport, carrier: _Carrier) -> None:
        self._transport, self._carrier = transport, carrier
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write; the system takes what it can at once. Raises TooLateToStart."""
        self._begin()
        self._transport.write(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Write them all. Raises TooLateToStart."""
        self._begin()
        self._transport.writelines(pieces)

    def _begin(self) -> None:
        """Look at the clock. Nothing that waits may stand between this and the write."""
        call = self._carrier.call
        if call is None or call.started:
            return
        if call.start_by is not None and boottime() > call.start_by:
            call.is_late = True
            raise TooLateToStart("the start deadline had passed")
        call.started = True


class _Carrier(ResponseHandler):
    """A connection. It carries one call at a time, and gives it no more than one answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.call: Call | None = None
        """None until the server is reached: what a proxy and TLS say before is no request."""
        self._has_answer = False
        self._answered_at = 0.0
        self._is_public: bool | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Watch the transport."""
        super().connection_made(transport)
        watched = _WatchedTransport(cast(asyncio.Transport, transport), self)
        self.transport = cast(asyncio.Transport, watched)

    def carry(self, call: Call) -> None:
        """Take a call. Raises PrivateAddress, OSError; nothing was written then."""
        call.remaining()
        if self.should_close:
            raise OSError("the server spoke or left before it was asked")
        if call.public_only and not call.is_proxied:
            self._check_peer()
        self.call, self._has_answer = call, False
        call.may_receive = MAX_HEAD

    def _check_peer(self) -> None:
        if self._is_public is None and self.transport is not None:
            peer = self.transport.get_extra_info("peername")
            self._is_public = bool(peer) and is_public(peer[0])
        if not self._is_public:
            raise PrivateAddress("the connection leads to a private address")

    def must_be_left(self) -> bool:
        """Whether it carried a call before, and cannot carry another one.

        What can be read from a connection that is kept is its end, or an answer to nothing.
        """
        if self.call is None or self.transport is None:
            return self.call is not None
        return (
            self.should_close
            or boottime() - self._answered_at > KEEP_SECONDS
            or self.transport.get_write_buffer_size() > 0
            or _is_readable(self.transport.get_extra_info("socket"))
        )

    def data_received(self, data: bytes) -> None:
        """Count what comes, and end with it when that is too much."""
        if self.call is not None and data:
            if self._has_answer and (self._payload is None or self._payload.is_eof()):
                self.force_close()  # it belongs to no call
            try:
                self.call.receive(len(data))
            except OSError as error:
                self._refuse(error)
                return
        super().data_received(data)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take the head of an answer: the first that is one."""
        status = data[0].code
        if self.call is not None:
            if self._has_answer:
                self.force_close()
                return
            if status < 200 and status != 100:  # "early hints", say: the answer has not come yet
                self._refuse(OSError("an answer that is none yet"))
                return
            if status >= 200:
                self._has_answer, self._answered_at = True, boottime()
                self.call.may_receive = MAX_AHEAD
        super().feed_data(data, size)

    def close(self) -> None:
        """End it at once, whatever is still to be written: a server that reads nothing may wait."""
        self.abort()

    def _refuse(self, error: OSError) -> None:
        payload = self._payload
        if self.transport is not None:
            self.transport.abort()
        self.set_exception(error)
        if payload is not None and not payload.is_eof():
            payload.set_exception(error)


def _is_readable(sock: Any) -> bool:
    poller = select.poll()
    poller.register(sock.fileno(), select.POLLIN)
    return bool(poller.poll(0))


@functools.lru_cache(maxsize=8)
def _within(seconds: float) -> aiohttp.ClientTimeout:
    """Return how long connecting may take. Unless told, aiohttp makes whole seconds of it."""
    return aiohttp.ClientTimeout(connect=seconds, ceil_threshold=math.inf)


class _Connector(aiohttp.TCPConnector):
    """Makes connections and keeps them for KEEP_SECONDS, as many as there are calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, resolver: AbstractResolver) -> None:
        super().__init__(
            limit=0, use_dns_cache=False, resolver=resolver, keepalive_timeout=KEEP_SECONDS
        )
        self._factory: Any = functools.partial(_Carrier, loop=loop)

    async def connect(
        self, req: ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection that carries the current call."""
        call = current_call.get()
        host = req.host.strip("[]")
        if call.public_only and not call.is_proxied and is_address(host):
            check_public([host])  # a resolver is not asked for these
        timeout = _within(call.connect_timeout)
        connection = await super().connect(req, traces, timeout)
        try:
            while cast(_Carrier, connection.protocol).must_be_left():
                connection.close()
                connection = await super().connect(req, traces, timeout)
            cast(_Carrier, connection.protocol).carry(call)
        except BaseException:
            connection.close()
            raise
        return connection


class LookUps:
    """Looks names up in a few threads; calls that want the same name wait for one of them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="name look-up")
        self._under_way: dict[tuple[Resolve, str, int], asyncio.Task[list[str]]] = {}
        self._zones: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def addresses_of(self, resolve: Resolve, host: str, port: int) -> list[str]:
        """Return every address of a name. Raises OSError when it has none."""
        key = resolve, host, port
        if (look_up := self._under_way.get(key)) is None:
            look_up = self._under_way[key] = asyncio.create_task(self._ask(*key))
            look_up.add_done_callback(functools.partial(self._forget, key))
        found = await asyncio.shield(look_up)
        if not found:
            raise OSError("the name has no address")
        return found

    async def _ask(self, resolve: Resolve, host: str, port: int) -> list[str]:
        zone = zone_of(host.lower())
        room = self._zones.get(zone) or asyncio.Semaphore(MAX_THREADS_OF_A_ZONE)
        self._zones[zone] = room
        async with room:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._threads, resolve, host, port, NAME_LOOK_UP_SECONDS
            )

    def _forget(self, key: tuple[Resolve, str, int], look_up: asyncio.Task[list[str]]) -> None:
        self._under_way.pop(key, None)
        if not look_up.cancelled():
            look_up.exception()  # perhaps nobody waits for it any more

    def close(self) -> None:
        """End them."""
        for look_up in list(self._under_way.values()):
            look_up.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Resolver(AbstractResolver):
    """Asks for the current call, and lets it go to no address that it may not have."""

    def __init__(self, look_ups: LookUps) -> None:
        self._look_ups = look_ups

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raises OSError, PrivateAddress."""
        call = current_call.get()
        found = await self._look_ups.addresses_of(call.resolve, host, port)
        if call.public_only and not call.is_proxied:
            check_public(found)
        return [_result(host, address, port) for address in found[:MAX_ADDRESSES]]

    async def close(self) -> None:
        """Do nothing: the look-ups end with the pool."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)


class _NoCookies(aiohttp.DummyCookieJar):
    def update_cookies_from_headers(self, headers: Sequence[str], response_url: Any) -> None:
        """Do not even read them."""


class Pool:
    """What the calls of one event loop share: connections, and threads for what has to wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.look_ups = LookUps()
        self.reads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="read after a call")
        self.session = aiohttp.ClientSession(
            connector=_Connector(loop, _Resolver(self.look_ups)),
            cookie_jar=_NoCookies(),
            timeout=aiohttp.ClientTimeout(),  # each call has a deadline of its own
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
        )
        self.session._retry_connection = False  # it would repeat a PUT whose answer was lost

    async def close(self) -> None:
        """Close the connections."""
        self.look_ups.close()
        self.reads.shutdown(wait=False, cancel_futures=True)
        await self.session.close()


_pools: dict[asyncio.AbstractEventLoop, Pool] = {}


def pool() -> Pool:
    """Return the pool of the running event loop, which its first call makes."""
    loop = asyncio.get_running_loop()
    found = _pools.get(loop)
    if found is None:
        found = _pools[loop] = Pool(loop)
    return found


async def close() -> None:
    """Close the connections of the running event loop, before the loop itself is closed."""
    found = _pools.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()
