"""One way to call the Graph API: the token in a header, the proof of the app beside it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase

from app.networks import http
from app.networks.errors import LookUpFailed

TAKES_NO_FORMS = {404, 405, 501}

_QUERY = re.compile(r"\?\S*")


class _Bearer(AuthBase):
    """Not in the URL, which errors and logs quote."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Graph:
    """The Graph API of one version at ``url``, called by one app."""

    url: str
    client_id: str | None
    secret: str | None
    timeout: float

    def call(
        self,
        method: str,
        path: str,
        token: str,
        *,
        params: Mapping[str, str] | None = None,
        at_most: float = 3600.0,
        **content: Any,
    ) -> http.Response:
        """Call with a token and its ``appsecret_proof``.

        :param at_most: seconds, where they are fewer than the timeout of every call.
        :raises http.NotSent: as ``http.call``.
        :raises http.Unanswered: as ``http.call``.
        """
        return http.call(
            method,
            f"{self.url}/{path}",
            timeout=min(self.timeout, at_most),
            auth=_Bearer(token),
            params={**(params or {}), **self._proof(token)},
            **content,
        )

    def read(
        self, path: str, token: str, params: Mapping[str, str], at_most: float = 3600.0
    ) -> http.Response:
        """GET, whatever the answer. Raises LookUpFailed when there is none."""
        try:
            return self.call("GET", path, token, params=params, at_most=at_most)
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(without_query(error)) from None

    def exchange(self, form: Mapping[str, str], at_most: float) -> http.Response:
        """Ask for a token with the app's own id and secret. Raises LookUpFailed.

        They travel in a form, as everywhere with OAuth, and not in an address. Facebook takes that
        and describes only the address, so a server that does not take forms is asked by it.
        """
        form = {"client_id": self.client_id or "", "client_secret": self.secret or "", **form}
        ends_at = time.monotonic() + min(self.timeout, at_most)
        answer = self._exchanged("POST", ends_at, data=form)
        if answer.status in TAKES_NO_FORMS:
            answer = self._exchanged("GET", ends_at, params=form)
        return answer

    def _exchanged(self, method: str, ends_at: float, **form: Any) -> http.Response:
        left = max(0.1, ends_at - time.monotonic())
        try:
            return http.call(method, f"{self.url}/oauth/access_token", timeout=left, **form)
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(without_query(error)) from None

    def described(self, token: str, at_most: float) -> http.Response:
        """Ask what is known of one of our own tokens, dead or alive. Raises LookUpFailed."""
        try:
            return http.call(
                "GET",
                f"{self.url}/debug_token",
                timeout=min(self.timeout, at_most),
                auth=_Bearer(f"{self.client_id or ''}|{self.secret or ''}"),
                params={"input_token": token},
            )
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(without_query(error)) from None

    def _proof(self, token: str) -> dict[str, str]:
        key, message = (self.secret or "").encode(), token.encode()
        return {"appsecret_proof": hmac.new(key, message, hashlib.sha256).hexdigest()}


def without_query(error: Exception) -> str:
    """Return an error's words without the query strings of the URLs it quotes."""
    return _QUERY.sub("", str(error))
