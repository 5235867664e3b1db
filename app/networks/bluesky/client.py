"""How a server of the AT Protocol is called. A person's own server must be a public one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.networks.http import ApiClient, Headers, Response


@dataclass(frozen=True)
class Server(ApiClient):
    """The server at ``url``. Methods have names such as ``com.atproto.repo.getRecord``."""

    quotes_errors: ClassVar[bool] = False

    def call(
        self, method: str, path: str, *, token: str = "", mime: str = "", **content: Any
    ) -> Response:
        """Call a method by its name, with a token and the type of a file where they are given."""
        auth = Headers({"Content-Type": mime}, bearer=token or None)
        return super().call(method, f"/xrpc/{path}", auth=auth, **content)
