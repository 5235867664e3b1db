"""One HTTP call with a deadline for the whole of it, only to addresses that are allowed."""

from __future__ import annotations

from app.networks.http import addresses
from app.networks.http.addresses import ascii_host, host_in, is_proxied, is_public, public_https_url
from app.networks.http.api_client import ApiClient, Headers
from app.networks.http.calls import (
    CONNECT_SECONDS,
    KEEP_SECONDS,
    MAX_HEADER,
    USER_AGENT,
    Excerpt,
    LibraryAdapter,
    NoResponse,
    NotSent,
    PrivateAddress,
    Response,
    TooLateToStart,
    boottime,
    call,
)
from app.networks.http.dns import names

__all__ = [
    "CONNECT_SECONDS",
    "KEEP_SECONDS",
    "MAX_HEADER",
    "USER_AGENT",
    "ApiClient",
    "Excerpt",
    "Headers",
    "LibraryAdapter",
    "NoResponse",
    "NotSent",
    "PrivateAddress",
    "Response",
    "TooLateToStart",
    "addresses",
    "ascii_host",
    "boottime",
    "call",
    "host_in",
    "is_proxied",
    "is_public",
    "names",
    "public_https_url",
]
