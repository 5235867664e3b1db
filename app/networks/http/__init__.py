"""HTTP calls with a deadline for the whole of each, only to addresses that are allowed."""

from __future__ import annotations

from app.networks.http import addresses
from app.networks.http.addresses import (
    NotPublic,
    ascii_host,
    host_in,
    is_proxied,
    is_public,
    public_https_url,
)
from app.networks.http.api_client import ApiClient
from app.networks.http.calls import (
    KEEP_SECONDS,
    MAX_HEADER,
    USER_AGENT,
    Excerpt,
    Headers,
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
from app.networks.http.on_demand import close, send

__all__ = [
    "KEEP_SECONDS",
    "MAX_HEADER",
    "USER_AGENT",
    "ApiClient",
    "Excerpt",
    "Headers",
    "LibraryAdapter",
    "NoResponse",
    "NotPublic",
    "NotSent",
    "PrivateAddress",
    "Response",
    "TooLateToStart",
    "addresses",
    "ascii_host",
    "boottime",
    "call",
    "close",
    "host_in",
    "is_proxied",
    "is_public",
    "names",
    "public_https_url",
    "send",
]
