"""One client for the APIs of all networks; each network's ``client.py`` adds what is its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from app.networks.errors import LookUpFailed
from app.networks.http.calls import (
    CONNECT_SECONDS,
    NoResponse,
    NotSent,
    PrivateAddress,
    Response,
    call,
)
from app.networks.http.on_demand import in_thread, send

T = TypeVar("T")


@dataclass(frozen=True)
class ApiClient:
    """The API of the server at ``url``; each call may take ``timeout`` seconds."""

    url: str
    timeout: float
    _: KW_ONLY
    public_only: bool = False
    """Private addresses are not called: somebody else chose the server."""
    connect_timeout: float = CONNECT_SECONDS
    """Seconds until the server has to be reached."""
    ends_at: float | None = None
    """time.monotonic() at which several calls together have to end."""

    quotes_errors: ClassVar[bool] = True
    """Whether LookUpFailed carries an error's own words, and not only its kind."""

    @property
    def host(self) -> str:
        """The server's name, with a port where there is one."""
        return urlsplit(self.url).netloc

    def within(self, seconds: float) -> Self:
        """Return this client for several calls that together may take so many seconds."""
        return replace(self, ends_at=time.monotonic() + seconds)

    def seconds_left(self) -> float:
        """Return the time for further calls; negative when it is over."""
        return self.timeout if self.ends_at is None else self.ends_at - time.monotonic()

    def request_of(self, path: str, **content: Any) -> tuple[str, dict[str, Any]]:
        """Return path and content as ``http.call`` takes them; a network adds its headers here."""
        return path, content

    def call(self, method: str, path: str, **content: Any) -> Response:
        """Call a path of the server.

        :param path: begins with a slash.
        :param content: as ``request_of`` takes it.
        :raises NotSent: nothing left, or there is no time for it.
        :raises NoResponse: as ``http.call``.
        """
        path, content = self.request_of(path, **content)
        return call(method, f"{self.url}{path}", **self._bounds(), **content)

    async def send(self, method: str, path: str, **content: Any) -> Response:
        """Make a create call on the running event loop. Raises what ``call`` raises."""
        path, content = self.request_of(path, **content)
        return await send(method, f"{self.url}{path}", **self._bounds(), **content)

    async def in_thread(self, wait: Callable[..., T], *args: Any) -> T:
        """Make further calls in a thread, between or after those of ``send``.

        :param wait: makes them, with this client and ``args``.
        """
        return await in_thread(wait, self, *args)

    def _bounds(self) -> dict[str, Any]:
        """Return how a call is bounded. Raises NotSent when no time is left for it."""
        left = self.seconds_left()
        if left <= 0:
            raise NotSent("no time is left for a further call")
        return {
            "timeout": min(self.timeout, left),
            "connect_timeout": self.connect_timeout,
            "public_only": self.public_only,
        }

    def ask(self, method: str, path: str, **content: Any) -> Response:
        """Make a call that publishes nothing. Raises LookUpFailed when there is no response."""
        try:
            return self.call(method, path, **content)
        except PrivateAddress:
            raise LookUpFailed("private_address") from None
        except (NotSent, NoResponse) as error:
            reason = str(error) if self.quotes_errors else type(error).__name__
            raise LookUpFailed(reason, unanswered=isinstance(error, NoResponse)) from None

    def read(self, path: str, params: Mapping[str, str] | None = None, **content: Any) -> Response:
        """GET, whatever the response. Raises LookUpFailed when there is none."""
        return self.ask("GET", path, params=params, **content)
