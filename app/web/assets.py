"""Files that are the same for everybody: our own, and those that come from packages.

The address of our own files has a digest of all of them in it, and that of a package's file has
one of that file. Addresses of modules name a language, too: one of them has the sentences. A
browser keeps what it got for a year without asking, and the first page after a deploy names new
addresses. Modules import each other by relative addresses, so they always come from the same
version.

They are sent compressed, which pages are not: a page has a token in it, and from the sizes of
compressed pages one could guess it (BREACH). The compressed bytes are kept in memory, so that no
second copy of a file has to be made and kept true beside it.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from stat import S_ISREG

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    request,
    send_file,
    url_for,
)
from flask_babel import get_locale
from werkzeug.security import safe_join
from xstatic.pkg import jquery

from app.networks import text as texts

bp = Blueprint("assets", __name__)

KEPT = {"static", "bootstrap.static", "assets.versioned", "assets.vendored"}
"""Endpoints that answer everybody alike, so that caches may keep what they say."""
YEAR = 31_536_000
"""Seconds for which a browser keeps a file."""
COMPRESSED = {"text/css", "text/javascript", "image/svg+xml"}
"""Media types that get smaller."""
DOMAINS = "js/composer/domains.js"
"""A module that is no file: the list is that of a package."""
STYLES = "css/all.css"
"""All styles of ours in one file, which costs a page one request."""
STYLES_IN_ORDER = (
    "base",
    "frame",
    "controls",
    "composer",
    "tweets",
    "pages",
    "accounts",
    "pictures",
    "operations",
    "learning",
    "numbers",
    "notices",
    "queue",
    "drafts",
    "calendar",
)
"""Later ones win."""
Make = Callable[[str], bytes]
MADE: dict[str, tuple[Make, Callable[[], bytes]]] = {}
"""Files that are made: how, for a language, and what tells one version from another."""
MARK = 10
"""Characters of a digest in an address: enough to tell one version from another."""
Stamp = tuple[str, int, int]
"""Path, time of change in nanoseconds and size of a file."""


def init_app(app: Flask) -> None:
    """In production read our files once, now; elsewhere they are looked at for each page."""
    app.register_blueprint(bp)
    if app.config["PRODUCTION"]:
        app.extensions["assets_version"] = _version_of(str(app.static_folder))


def is_for_everybody(response: Response) -> bool:
    """Return True for a file that is the same for everybody; False when it was not found."""
    return request.endpoint in KEPT and response.status_code < 400


@bp.app_template_global("asset")
def address_of(filename: str) -> str:
    """Return the address of one of our own files, in the version that is there now."""
    if "assets_at" not in g:
        g.assets_at = url_for("assets.versioned", version=_version(), filename="")
    return f"{g.assets_at}{filename}"


@bp.app_template_global("module")
def address_of_module(filename: str) -> str:
    """Return the address of a module, whose imports are in the page's language."""
    version = f"{_version()}-{get_locale()}"
    return url_for("assets.versioned", version=version, filename=filename)


@bp.app_template_global("vendor")
def vendor_address_of(filename: str) -> str:
    """Return the address of a package's file, in the version that is installed."""
    version = _digest_of(_file(_vendor_path(filename)))
    return url_for("assets.vendored", version=version, filename=filename)


@bp.get("/static/v-<version>/<path:filename>")
def versioned(version: str, filename: str) -> Response:
    """Serve one of our own files.

    Of another version, the file of today is better than none: a page may have been loaded from a
    server that is not updated yet. Nobody keeps it, though.
    """
    mark, _dash, language = version.partition("-")
    if filename in MADE:
        data = MADE[filename][0](language)
    else:
        path = safe_join(str(current_app.static_folder), filename)
        if path is None:
            abort(404)
        data = _file(Path(path))
    return _send(data, filename, is_current=mark == _version())


@bp.get("/vendor/<filename>", defaults={"version": ""})
@bp.get("/vendor/v-<version>/<filename>")
def vendored(version: str, filename: str) -> Response:
    """Serve a file of a package; of another version as above, and of none for older pages."""
    data = _file(_vendor_path(filename))
    return _send(data, filename, is_current=version == _digest_of(data))


def _vendor_path(filename: str) -> Path:
    """Return where a file of a package is; 404 for one that no page needs."""
    if filename == "jquery.min.js":
        return Path(jquery.BASE_DIR) / filename
    if filename != "bootstrap.min.css":
        abort(404)
    return Path(str(current_app.blueprints["bootstrap"].static_folder)) / "css" / filename


def _send(data: bytes, filename: str, is_current: bool) -> Response:
    """Answer with a file: compressed for who takes that, else all of it or the part asked for.

    The tag is of the bytes that are sent: no part of the one fits the other.
    """
    media_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    is_packed = (
        media_type in COMPRESSED
        and "Range" not in request.headers
        and request.accept_encodings.quality("gzip") > 0
    )
    sent = _compressed(data) if is_packed else data
    response = send_file(BytesIO(sent), media_type, etag=_digest_of(sent))
    if is_packed and response.status_code == 200:
        response.content_encoding = "gzip"
    if media_type in COMPRESSED:
        response.vary.add("Accept-Encoding")
    if is_current:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def _version() -> str:
    """Return a digest of our own files."""
    known: str | None = current_app.extensions.get("assets_version")
    return known or _version_of(str(current_app.static_folder))


def _version_of(folder: str) -> str:
    """Return a digest of a folder; its files are read only when one of them was changed."""
    made = tuple(version() for _make, version in MADE.values())
    return _digest(folder, tuple(sorted(stamps(folder))), made)


def stamps(folder: str) -> Iterator[Stamp]:
    """Return the stamp of every file."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from stamps(entry.path)
        else:
            about = entry.stat()
            yield entry.path, about.st_mtime_ns, about.st_size


def _file(path: Path) -> bytes:
    """Return the bytes of a file, from memory as long as it is the same; 404 if it is not there."""
    try:
        about = path.stat()
    except OSError:  # it is not there, or its name is longer than any can be
        abort(404)
    if not S_ISREG(about.st_mode):
        abort(404)
    return _read((str(path), about.st_mtime_ns, about.st_size))


@lru_cache(maxsize=2)
def _digest(folder: str, files: tuple[Stamp, ...], made: tuple[bytes, ...]) -> str:
    found = hashlib.sha256(b"\0".join(made))
    for path, _, _ in files:
        content = Path(path).read_bytes()
        found.update(f"{os.path.relpath(path, folder)}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()[:MARK]


@lru_cache(maxsize=4)
def digest_of(files: tuple[Stamp, ...]) -> bytes:
    """Return a digest of what is in these files."""
    return hashlib.sha256(b"\0".join(Path(path).read_bytes() for path, _, _ in files)).digest()


@lru_cache(maxsize=100)
def _read(stamp: Stamp) -> bytes:
    return Path(stamp[0]).read_bytes()


@lru_cache(maxsize=100)
def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@lru_cache(maxsize=200)
def _digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:MARK]


@cache
def module_of_domains() -> bytes:
    """Return the module that knows every top-level domain."""
    words = " ".join(texts.known_tlds())
    return f'/* Every top-level domain. */\nexport const domains = "{words}".split(" ");\n'.encode()


def _styles(_language: str = "") -> bytes:
    folder = Path(str(current_app.static_folder)) / "css"
    return b"\n".join(_file(folder / f"{name}.css") for name in STYLES_IN_ORDER)


MADE[STYLES] = (_styles, bytes)  # its sources are in the digest already
MADE[DOMAINS] = (lambda _language: module_of_domains(), module_of_domains)
