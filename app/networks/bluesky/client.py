"""One way to call a server of the AT Protocol; a person's own server must be a public one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase

from app.networks import http
from app.networks.errors import LookUpFailed


class _Headers(AuthBase):
    """The token, and what the bytes of a picture are; ``http.call`` adds the usual headers."""

    def __init__(self, token: str, mime: str) -> None:
        self._token = token
        self._mime = mime

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        if self._mime:
            request.headers["Content-Type"] = self._mime
        return request


@dataclass(frozen=True)
class Server:
    """The server at ``url``; each call may take ``timeout`` seconds."""

    url: str
    timeout: float
    public_only: bool = False

    def call(
        self,
        method: str,
        name: str,
        *,
        token: str = "",
        mime: str = "",
        at_most: float = 3600.0,
        **content: Any,
    ) -> http.Response:
        """Call a method by its name, such as ``com.atproto.repo.getRecord``.

        :param at_most: seconds, where they are fewer than the timeout of every call.
        :raises http.NotSent: as ``http.call``.
        :raises http.Unanswered: as ``http.call``.
        """
        return http.call(
            method,
            f"{self.url}/xrpc/{name}",
            timeout=min(self.timeout, at_most),
            auth=_Headers(token, mime),
            public_only=self.public_only,
            **content,
        )

    def read(
        self,
        name: str,
        params: Mapping[str, str] | None = None,
        *,
        token: str = "",
        at_most: float = 3600.0,
    ) -> http.Response:
        """GET, whatever the answer. Raises LookUpFailed when there is none."""
        try:
            return self.call("GET", name, token=token, at_most=at_most, params=params)
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(type(error).__name__) from error
