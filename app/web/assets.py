"""Scripts that come from packages."""

from __future__ import annotations

from flask import Blueprint, Response, send_from_directory
from xstatic.pkg import jquery

bp = Blueprint("vendor", __name__)


@bp.get("/vendor/<filename>")
def file(filename: str) -> Response:
    """Serve a file of the jQuery package."""
    return send_from_directory(jquery.BASE_DIR, filename, max_age=86_400)
