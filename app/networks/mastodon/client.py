"""How a Mastodon server is called. Anybody may run one, so its address must be a public one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from app.networks.http import ApiClient, Headers


def segment(remote_id: str) -> str:
    """Return an id as a part of a path, whatever is in it."""
    return quote(remote_id, safe="")


@dataclass(frozen=True)
class Server(ApiClient):
    """The server at ``url``; its accounts are known by ``host``."""

    quotes_errors: ClassVar[bool] = False

    def request_of(
        self, path: str, *, token: str = "", key: str = "", **content: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name a path, with a token and an idempotency key where they are given."""
        auth = Headers({"Idempotency-Key": key}, bearer=token or None)
        return super().request_of(path, auth=auth, **content)
