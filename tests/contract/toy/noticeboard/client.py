"""How the board's API is called: JSON, with a token in a header."""

from __future__ import annotations

from typing import Any

from app.networks.http import ApiClient, Headers


class Board(ApiClient):
    """The API of the board at ``NOTICEBOARD_URL``."""

    def request_of(
        self, path: str, *, token: str = "", **content: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name a path, with somebody's token."""
        return super().request_of(path, auth=Headers(bearer=token), **content)
