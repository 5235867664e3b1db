"""How the board's API is called: JSON, with a token in a header."""

from __future__ import annotations

from typing import Any

from app.networks.http import ApiClient, Headers, Response


class Board(ApiClient):
    """The API of the board at ``NOTICEBOARD_URL``."""

    def call(self, method: str, path: str, *, token: str = "", **content: Any) -> Response:
        """Call a path with somebody's token. Raises NotSent, NoResponse."""
        return super().call(method, path, auth=Headers(bearer=token), **content)
