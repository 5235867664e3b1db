"""Places for servers that people name: few for those from which nobody ever came back.

Anybody may name a server that hangs, or run one. So a server has its full number of places only
once somebody came back from it with an account, and no longer than it answers.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from flask import current_app, request

from app.accounts import has_answered
from app.concurrency import ConcurrencyLimiter
from app.networks import LookUpFailed, public_https_url
from app.web import sessions

OF_A_PROVEN_SERVER = 12
OF_UNPROVEN_SERVERS = 8
"""For all others together: a third of what their network has."""
OF_AN_UNPROVEN_SERVER = 2
OF_A_VISITOR = 2
"""Of these others', for one person; for one address where nobody is signed in."""
OF_A_VISITOR_AT_PROVEN = 6
"""Of all proven servers' but the one that is offered: somebody may own several."""
SILENCE = 5.0
"""Seconds for nothing after which a server counts as unproven, until it is quick again."""
SLOWNESS = 10.0
"""Seconds after which it does so although something came of them."""
MAX_SILENT = 1_000
"""Servers of which this process remembers that they did not answer."""
HOST = re.compile(r"[a-z0-9._\-\[\]:]+")
"""What a name is made of once it is in one spelling; nothing else gets as far as the database."""
MAX_TYPED = 300
"""Characters that are looked at; a name that begins later counts as one that cannot be read."""

_proven = ConcurrencyLimiter(1_000, OF_A_PROVEN_SERVER)
_unproven = ConcurrencyLimiter(OF_UNPROVEN_SERVERS, OF_AN_UNPROVEN_SERVER)
_visitors = ConcurrencyLimiter(OF_UNPROVEN_SERVERS, OF_A_VISITOR)
_visitors_at_proven = ConcurrencyLimiter(1_000, OF_A_VISITOR_AT_PROVEN)
_silent: OrderedDict[str, None] = OrderedDict()


def named_in(typed: Mapping[str, str]) -> str:
    """Return the server that somebody named, "" for a network's own.

    A Bluesky handle names one too: anybody may keep the domain, and the server that it leads to.
    """
    if "server" in typed:
        return typed["server"]
    handle = typed.get("identifier", "")[:MAX_TYPED].strip().lstrip("@").lower()
    own = urlsplit(current_app.config["BLUESKY_URL"]).hostname
    ends = (f".{own}", ".test")  # nobody can have a domain under .test, which sandboxes use
    is_foreign = handle.startswith("did:") or ("." in handle and "@" not in handle)
    return handle if is_foreign and not handle.endswith(ends) else ""


def wanted(server: str) -> list[tuple[ConcurrencyLimiter, str]]:
    """Return the places that asking a server takes, and in whose name; none for no server.

    :param server: as a person named it, in any spelling.
    """
    if not server:
        return []
    host = _host_of(server)
    if host and host not in _silent:
        if host == _host_of(current_app.config["MASTODON_SERVER"] or ""):
            return [(_proven, host)]
        if has_answered(host):
            return [(_visitors_at_proven, _visitor()), (_proven, host)]
    return [(_visitors, _visitor()), (_unproven, host)]


@contextmanager
def watched(server: str) -> Iterator[None]:
    """Note how long a server lets people wait, and for what; what was raised goes on."""
    host, began_at = _host_of(server), time.monotonic()
    try:
        yield
    except LookUpFailed:
        note(host, time.monotonic() - began_at, answered=False)
        raise
    except Exception:
        note(host, time.monotonic() - began_at, answered=True)
        raise
    note(host, time.monotonic() - began_at, answered=True)


def note(host: str, seconds: float, *, answered: bool) -> None:
    """Note how long a server took. One that is quick to fail holds nobody up."""
    if seconds <= (SLOWNESS if answered else SILENCE):
        if answered:
            _silent.pop(host, None)
        return
    if host:
        _silent[host] = None
        while len(_silent) > MAX_SILENT:
            _silent.popitem(last=False)


def _host_of(server: str) -> str:
    """Return a server's name in one spelling, "" for one that cannot be read; looks nothing up."""
    try:
        url = public_https_url(server[:MAX_TYPED], allow_private=True)
    except ValueError:
        return ""
    host = urlsplit(url).netloc.removesuffix(":443")
    return host if HOST.fullmatch(host) else ""


def _visitor() -> str:
    """Return who asks: a person, or an address. 64 bits of IPv6 are one owner's."""
    user_id = sessions.user_id()
    if user_id:
        return f"user:{user_id}"
    told = (request.remote_addr or "").partition("%")[0]
    try:
        address = ip_address(told)
    except ValueError:
        return told
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
