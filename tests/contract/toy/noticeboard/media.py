"""Pictures on their way to the board, which takes none: ``Limits.pictures`` is 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks.base import Picture
from app.networks.errors import UploadRefused


def upload(_picture: Picture) -> Mapping[str, Any]:
    """Raise UploadRefused."""
    raise UploadRefused("picture_refused")
