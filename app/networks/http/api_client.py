"""One client for the APIs of all networks; each network's ``client.py`` adds what is its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from app.networks.errors import LookUpFailed
from app.networks.http.calls import (
    CONNECT_SECONDS,
    NoResponse,
    NotSent,
    PrivateAddress,
    Response,
    call,
)


class Headers(AuthBase):
    """Headers that one call has beside the usual ones; those without a value are left out.

    A token travels like this and never in a URL, which errors and logs quote.
    """

    def __init__(
        self, named: Mapping[str, str] | None = None, *, bearer: str | None = None
    ) -> None:
        self._headers = {name: value for name, value in (named or {}).items() if value}
        if bearer is not None:
            self._headers["Authorization"] = f"Bearer {bearer}"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add them."""
        request.headers.update(self._headers)
        return request


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

    def call(self, method: str, path: str, **content: Any) -> Response:
        """Call a path of the server.

        :param path: begins with a slash.
        :param content: as ``http.call`` takes it.
        :raises NotSent: nothing left, or there is no time for it.
        :raises NoResponse: as ``http.call``.
        """
        left = self.seconds_left()
        if left <= 0:
            raise NotSent("no time is left for a further call")
        return call(
            method,
            f"{self.url}{path}",
            timeout=min(self.timeout, left),
            connect_timeout=self.connect_timeout,
            public_only=self.public_only,
            **content,
        )

    def ask(self, method: str, path: str, **content: Any) -> Response:
        """Make a call that publishes nothing. Raises LookUpFailed when there is no response."""
        try:
            return self.call(method, path, **content)
        except PrivateAddress:
            raise LookUpFailed("private_address") from None
        except (NotSent, NoResponse) as error:
            reason = str(error) if self.quotes_errors else type(error).__name__
            raise LookUpFailed(reason) from None

    def read(self, path: str, params: Mapping[str, str] | None = None, **content: Any) -> Response:
        """GET, whatever the response. Raises LookUpFailed when there is none."""
        return self.ask("GET", path, params=params, **content)
