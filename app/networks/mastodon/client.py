"""One way to call a Mastodon server, which anybody may run: its address must be a public one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from app.networks import http
from app.networks.errors import LookUpFailed


class _Headers(AuthBase):
    """Token and key beside the usual headers, and never in a URL, which errors quote."""

    def __init__(self, token: str, key: str) -> None:
        self._token = token
        self._key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        if self._key:
            request.headers["Idempotency-Key"] = self._key
        return request


def segment(remote_id: str) -> str:
    """Return an id as a part of a path, whatever is in it."""
    return quote(remote_id, safe="")


@dataclass(frozen=True)
class Server:
    """The server at ``url``; each call ends ``timeout`` seconds from its start at the latest."""

    url: str
    timeout: float
    public_only: bool
    ends_at: float | None = None
    """time.monotonic() at which several calls together have to end."""
    connect_timeout: float = http.CONNECT_SECONDS
    """Seconds until it has to be reached."""

    @property
    def host(self) -> str:
        """The name by which its accounts are known, with a port where there is one."""
        return urlsplit(self.url).netloc

    def within(self, seconds: float) -> Server:
        """Return this server for several calls that together may take so many seconds."""
        return replace(self, ends_at=time.monotonic() + seconds)

    def call(
        self, method: str, path: str, *, token: str = "", key: str = "", **content: Any
    ) -> http.Response:
        """Call a path of the server. Raises http.NotSent, http.Unanswered as ``http.call``."""
        return http.call(
            method,
            f"{self.url}{path}",
            timeout=self._next_timeout(),
            connect_timeout=self.connect_timeout,
            auth=_Headers(token, key),
            public_only=self.public_only,
            **content,
        )

    def read(
        self, path: str, params: Mapping[str, str] | None = None, *, token: str = ""
    ) -> http.Response:
        """GET, whatever the answer. Raises LookUpFailed when there is none."""
        return self.ask("GET", path, token=token, params=params)

    def ask(self, method: str, path: str, *, token: str = "", **content: Any) -> http.Response:
        """Make a call that publishes nothing. Raises LookUpFailed when there is no answer."""
        try:
            return self.call(method, path, token=token, **content)
        except http.PrivateAddress:
            raise LookUpFailed("private_address") from None
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(type(error).__name__) from None

    def seconds_left(self) -> float:
        """Return the time for further calls; negative when it is over."""
        return self.timeout if self.ends_at is None else self.ends_at - time.monotonic()

    def _next_timeout(self) -> float:
        left = self.seconds_left()
        if left <= 0:
            raise http.NotSent("no time is left for a further call")
        return min(self.timeout, left)
