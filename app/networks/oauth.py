"""What OAuth networks share: tokens, whose callback it is, and when plain http is allowed."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from app.networks.base import Credentials
from app.networks.errors import ConnectRefused

_USUAL_PORTS = {"http": 80, "https": 443}


def check_state(expected: object, given: str | None) -> None:
    """Raise ConnectRefused unless a callback carries the state that its consent page began with."""
    wanted = expected if isinstance(expected, str) else ""
    # What comes in an address need not be valid Unicode.
    told = (given or "").encode("utf-8", "surrogatepass")
    if not wanted or not hmac.compare_digest(wanted.encode(), told):
        raise ConnectRefused("stale")


def check_issuer(callback: Mapping[str, str], *urls: str) -> None:
    """Raise ConnectRefused when a callback names another server as its sender (RFC 9207).

    :param urls: of the network's own consent page and API; only their origins count.
    """
    if "iss" not in callback:
        return
    origin = origin_of(callback["iss"])
    if origin is None or origin not in map(origin_of, urls):
        raise ConnectRefused("refused", "another_issuer")


def token_of(credentials: Credentials) -> str:
    """Return the access token, "" where there is none."""
    return str(credentials.get("access_token") or "")


def origin_of(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what names no server, or somebody at one."""
    try:
        parts = urlsplit(url)
        port = parts.port or _USUAL_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port


def is_loopback(url: str) -> bool:
    """True when the URL's host is this machine itself."""
    host = urlsplit(url).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_played(network: str, config: Mapping[str, Any], url: str) -> bool:
    """True when the sandbox plays a network at this address: a real server may be local, too."""
    return network in config["SANDBOX"] and is_loopback(url)


def allow_plain_http(url: str) -> None:
    """Let the OAuth libraries talk to a sandbox; config.py refuses such a URL in production."""
    if url.startswith("http://"):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
        os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
