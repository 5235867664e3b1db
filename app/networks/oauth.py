"""What every OAuth network shares: when plain http is allowed at all."""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """True when the URL's host is this machine itself."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def allow_plain_http(url: str) -> None:
    """Let the OAuth libraries talk to a sandbox; config.py refuses such a URL in production."""
    if url.startswith("http://"):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
