"""Which addresses people may give: none that leads into a private network.

Apprise looks names up by itself, and some of its services read files that an URL names. So it gets
only URLs of services that have one public server, without ``?``; a hook on a server of somebody's
own (``jsons://``) is called by us, and its address is checked when it is called, too.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import current_app

from app.networks import http

HOOK = "jsons"
SERVICES = {
    "discord": r"[0-9]+/[\w-]+",
    "ntfy": r"[\w-]{1,64}",
    "pbul": r"[\w.]+",
    "pover": r"\w+@\w+",
    "slack": r"\w+/\w+/\w+(/[#\w-]+)?",
    "tgram": r"[0-9]+:[\w-]+/[\w-]+",
}
"""What may follow ``scheme://``, for services whose server Apprise knows by itself."""
MAX_URL = 1_000


class WrongAddress(ValueError):
    """It cannot be used; ``reason`` says why: ``private_address``, ``bad_url`` or others."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def checked_url(typed: str) -> str:
    """Return an URL at which somebody may be told.

    :raises WrongAddress: it is none that we use.
    """
    url = typed.strip()
    scheme, found, rest = url.partition("://")
    scheme = scheme.lower()
    if not found or len(url) > MAX_URL:
        raise WrongAddress("bad_url")
    if scheme == HOOK:
        hook_of(url)
        return url
    if scheme not in SERVICES:
        raise WrongAddress("unknown_scheme")
    if not re.fullmatch(SERVICES[scheme], rest.rstrip("/"), re.ASCII):
        raise WrongAddress("bad_url")
    return f"{scheme}://{rest}"


def hook_of(url: str) -> str:
    """Return the https address of ``jsons://host/path``.

    :raises WrongAddress: it is none, or in a private network.
    """
    return checked_https(f"https://{url.partition('://')[2]}")


def checked_https(url: str) -> str:
    """Return an https address on the public internet, as it is.

    With ``ALLOW_PRIVATE_SERVERS`` it may be anywhere, and on this machine without TLS.

    :raises WrongAddress: it is none.
    """
    try:
        parts = urlsplit(url)
        has_more = parts.username is not None or parts.password is not None or parts.fragment
        allow_private = current_app.config["ALLOW_PRIVATE_SERVERS"]
        is_plain = parts.scheme == "http" and allow_private
        if not (parts.scheme == "https" or is_plain) or has_more or not url.isascii():
            raise WrongAddress("bad_url")
        origin = http.public_https_url(f"{parts.scheme}://{parts.netloc}", allow_private)
    except WrongAddress:
        raise
    except http.NotPublic:
        raise WrongAddress("private_address") from None
    except ValueError:
        raise WrongAddress("bad_url") from None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return f"{origin}{path}"
