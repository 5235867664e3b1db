"""Files that are the same for everybody, and the scripts that come from packages."""

from __future__ import annotations

from flask import Blueprint, Response, request, send_from_directory
from xstatic.pkg import jquery

bp = Blueprint("vendor", __name__)

KEPT = {"static", "bootstrap.static", "vendor.file"}
"""Endpoints that answer everybody alike, so that caches may keep what they say."""


def is_for_everybody(response: Response) -> bool:
    """Return True for a file that is the same for everybody; False when it was not found."""
    return request.endpoint in KEPT and response.status_code < 400


@bp.get("/vendor/<filename>")
def file(filename: str) -> Response:
    """Serve a file of the jQuery package."""
    return send_from_directory(jquery.BASE_DIR, filename, max_age=86_400)
