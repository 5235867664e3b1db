"""Files that are the same for everybody, and the scripts that come from packages.

The address of our own files has a digest of all of them in it. A browser keeps what it got for a
year without asking, and the first page after a deploy names new addresses. Modules import each
other by relative addresses, so they always come from the same version.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, current_app, g, request, send_from_directory, url_for
from xstatic.pkg import jquery

bp = Blueprint("assets", __name__)

KEPT = {"static", "bootstrap.static", "assets.jquery_file", "assets.versioned"}
"""Endpoints that answer everybody alike, so that caches may keep what they say."""
DAY, YEAR = 86_400, 31_536_000
"""Seconds for which a browser keeps a file."""


def is_for_everybody(response: Response) -> bool:
    """Return True for a file that is the same for everybody; False when it was not found."""
    return request.endpoint in KEPT and response.status_code < 400


@bp.app_template_global("asset")
def address_of(filename: str) -> str:
    """Return the address of one of our own files, in the version that is there now."""
    if "assets_version" not in g:
        g.assets_version = _version()
    return url_for("assets.versioned", version=g.assets_version, filename=filename)


@bp.get("/static/v-<version>/<path:filename>")
def versioned(version: str, filename: str) -> Response:
    """Serve one of our own files.

    Of another version, the file of today is better than none: a page may have been loaded from a
    server that is not updated yet. Nobody keeps it, though.
    """
    is_current = version == _version()
    response = send_from_directory(_folder(), filename, max_age=YEAR if is_current else None)
    response.cache_control.immutable = is_current
    return response


@bp.get("/vendor/<filename>")
def jquery_file(filename: str) -> Response:
    """Serve a file of the jQuery package."""
    return send_from_directory(jquery.BASE_DIR, filename, max_age=DAY)


def _folder() -> str:
    return str(current_app.static_folder)


def _version() -> str:
    """Return a digest of our own files; they are read only when one of them was changed."""
    return _digest(_folder(), tuple(sorted(_stamps(_folder()))))


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    """Return path, time of change in nanoseconds and size of every file."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _stamps(entry.path)
        else:
            about = entry.stat()
            yield entry.path, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=2)
def _digest(folder: str, stamps: tuple[tuple[str, int, int], ...]) -> str:
    found = hashlib.sha256()
    for path, _, _ in stamps:
        content = Path(path).read_bytes()
        found.update(f"{os.path.relpath(path, folder)}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:16]
