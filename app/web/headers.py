"""What every answer says to browsers, and which requests are answered at all.

Nothing here knows a page: what is new is private, framed by nobody and kept by no cache, until
it is named in assets.KEPT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.sansio.utils import host_is_trusted

from app.web import assets, errors

CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
        # No form-action: browsers apply it to the redirect to a network's consent page as well.
    ]
)
NEVER_USED = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in NEVER_USED),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""What is said of an answer that is for one person."""
YEAR = 31_536_000
"""Seconds for which a browser remembers to come by https only."""
FOUND = {"tweets.index"}
"""Endpoints that search engines may list."""
PROBED = {"/healthz", "/metrics"}
"""Paths that monitors ask for by IP address and without https; the answers are about nobody."""
FOREIGN = "tweet_later.foreign_host"
"""Marks a request under another name in its WSGI environment."""


def init_app(app: Flask) -> None:
    """Look at every request first, and complete every answer."""
    app.wsgi_app = Names(_with_headers(app.wsgi_app), app.config)  # type: ignore[method-assign]
    app.before_request(_refuse_foreign_host)
    app.before_request(_insist_on_https)
    app.after_request(_complete)


class Names:
    """Replaces a ``Host`` that is none of our names before anything can build an address from it.

    A proxy or a cache in front may hand on any, and so does a browser for a name that somebody
    pointed here to make it take our pages for his own.
    """

    def __init__(self, app: Any, config: Mapping[str, Any]) -> None:
        self._app = app
        names: list[str] = config["SERVED_HOSTS"]
        self._is_ours = lru_cache(maxsize=64)(partial(is_served, names=names))
        self._own = urlsplit(config["APP_URL"] or "http://localhost").netloc

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request as WSGI wants it."""
        if not self._is_ours(environ.get("HTTP_HOST") or ""):
            environ |= {"HTTP_HOST": self._own, FOREIGN: True}
        return self._app(environ, start_response)


def _with_headers(app: Any) -> Any:
    """Return the WSGI app with HEADERS in each of its answers; one that it says itself stays."""
    ours = list(HEADERS.items())

    def completed(environ: dict[str, Any], start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            said = {name for name, _value in headers}
            more = ours if said.isdisjoint(HEADERS) else [h for h in ours if h[0] not in said]
            return start_response(status, [*headers, *more], *failure)

        return app(environ, start)

    return completed


def is_served(host: str, names: Iterable[str]) -> bool:
    """True when a ``Host`` header is one of these names, with any port.

    :param names: lower case, addresses without brackets; one that begins with a dot stands for
        itself and everything under it.
    """
    if not host_is_trusted(host):
        return False  # no characters of a name
    try:
        asked = urlsplit(f"//{host}").hostname or ""
        asked.encode("idna")
    except ValueError:
        return False  # no address, no labels of a name
    return any(
        asked == name.removeprefix(".") or (name.startswith(".") and asked.endswith(name))
        for name in names
    )


def _refuse_foreign_host() -> ResponseReturnValue | None:
    if FOREIGN not in request.environ or request.path in PROBED:
        return None
    home = current_app.config["APP_URL"]
    return errors.refuse(
        400,
        "unknown_host",
        _("This server does not answer under that name. Nothing was changed."),
        title=_("Wrong address"),
        next_step=None if home else _("The operator can add this name to TRUSTED_HOSTS."),
        action={"url": f"{home}/", "label": _("To the start page")} if home else None,
    )


def _insist_on_https() -> ResponseReturnValue | None:
    """Send whoever came by plain http to the public address."""
    if request.path in PROBED or not comes_too_openly(current_app.config, request.environ):
        return None
    query = request.query_string.decode("latin-1")
    address = quote(request.path) + (f"?{quote(query, safe='%&=+,:;/?@')}" if query else "")
    return redirect(f"{current_app.config['APP_URL']}{address}")


def comes_too_openly(config: Mapping[str, Any], environ: Mapping[str, Any]) -> bool:
    """Return whether a request came by plain http where only https is answered."""
    return bool(config["FORCE_HTTPS"]) and not _came_by_https(environ)


def _came_by_https(environ: Mapping[str, Any]) -> bool:
    """Believe any proxy here: else a wrong setting would redirect for ever."""
    said = (environ.get("wsgi.url_scheme"), environ.get("HTTP_X_FORWARDED_PROTO"))
    return "https" in said


def of_private(config: Mapping[str, Any], environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an answer that is one person's, beside HEADERS."""
    return {**_https_for_long(config, environ), **PRIVATE}


def _https_for_long(config: Mapping[str, Any], environ: Mapping[str, Any]) -> dict[str, str]:
    if not config["FORCE_HTTPS"] or not _came_by_https(environ):
        return {}
    below = "; includeSubDomains" if config["HSTS_INCLUDE_SUBDOMAINS"] else ""
    return {"Strict-Transport-Security": f"max-age={YEAR}{below}"}


def _complete(response: Response) -> Response:
    response.headers.update(_https_for_long(current_app.config, request.environ))
    if not assets.is_for_everybody(response):
        for name, value in PRIVATE.items():
            if name != "X-Robots-Tag" or request.endpoint not in FOUND:
                response.headers.setdefault(name, value)
    return response
