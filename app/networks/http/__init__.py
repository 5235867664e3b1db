"""One HTTP call with a deadline for the whole of it, only to addresses that are allowed."""

from __future__ import annotations

from app.networks.http import addresses
from app.networks.http.addresses import ascii_host, is_proxied, is_public, public_https_url
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
    _environment_of,
    boottime,
    call,

)

__all__ = [
    "CONNECT_SECONDS",
    "KEEP_SECONDS",
    "MAX_HEADER",
    "USER_AGENT",
    "Excerpt",
    "LibraryAdapter",
    "NoResponse",
    "NotSent",
    "PrivateAddress",
    "Response",
    "TooLateToStart",
    "_environment_of",
    "addresses",
    "ascii_host",
    "boottime",
    "call",
    "is_proxied",
    "is_public",
    
    "public_https_url",
]
