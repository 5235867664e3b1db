"""How a server of the AT Protocol is called. A person's own server must be a public one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from app.networks.http import ApiClient, Headers


@dataclass(frozen=True)
class Server(ApiClient):
    """The server at ``url``. Methods have names such as ``com.atproto.repo.getRecord``."""

    quotes_errors: ClassVar[bool] = False

    def request_of(
        self, path: str, *, token: str = "", mime: str = "", **content: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name a method, with a token and the type of a file where they are given."""
        auth = Headers({"Content-Type": mime}, bearer=token or None)
        return super().request_of(f"/xrpc/{path}", auth=auth, **content)
