"""How many people may wait for a network at a time, so that a silent one holds up nobody else.

Signing in and disconnecting ask a network while a person waits; the server has threads of their own
for that (``BULKHEADS`` in app/server), and no network or server gets all of them.

Anybody may name a server that hangs, or run one. So a server gets its full number only once
somebody came back from it with an account, and only as long as it answers.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from flask import current_app, request

from app.accounts import has_answered
from app.concurrency import ConcurrencyLimiter
from app.networks import LookUpFailed, public_https_url
from app.server import BULKHEADS
from app.web import rate_limits, sessions

ASKING = BULKHEADS["networks"]
OF_A_NETWORK = 24
"""Of these, for one network; the others' are still free while it is silent."""
OF_A_PROVEN_SERVER = 12
OF_UNPROVEN_SERVERS = 8
"""For all others together: a third of what their network has."""
OF_AN_UNPROVEN_SERVER = 2
OF_A_VISITOR = 2
"""For one visitor, of all unproven servers together."""
OF_A_VISITOR_AT_PROVEN = 6
"""For one visitor, of all proven servers together but the offered one: one may own several."""
SILENCE = 5.0
"""Seconds of waiting without an answer after which a server counts as unproven, until it is
quick again."""
SLOWNESS = 10.0
"""Seconds of waiting for an answer after which a server counts as unproven."""
MAX_SILENT = 1_000
"""Servers of which this process remembers that they did not answer."""
HOST = re.compile(r"[a-z0-9._\-\[\]:]+")
"""What a name is made of once it is in one spelling; nothing else gets as far as the database."""
MAX_TYPED = 300
"""Characters that are looked at; a name that begins later counts as one that cannot be read."""

_networks = ConcurrencyLimiter(ASKING, OF_A_NETWORK)
_proven = ConcurrencyLimiter(1_000, OF_A_PROVEN_SERVER)
_unproven = ConcurrencyLimiter(OF_UNPROVEN_SERVERS, OF_AN_UNPROVEN_SERVER)
_visitors = ConcurrencyLimiter(OF_UNPROVEN_SERVERS, OF_A_VISITOR)
_visitors_at_proven = ConcurrencyLimiter(1_000, OF_A_VISITOR_AT_PROVEN)
_silent: OrderedDict[str, None] = OrderedDict()


class TooManyAsking(Exception):
    """Too many people wait for the network already."""


@contextmanager
def asking(network: str, server: str = "") -> Iterator[None]:
    """Ask a network while somebody waits for the page.

    :param server: which of the network's, as a person named it; few for one that is not known.
    :raises TooManyAsking: nothing was asked.
    """
    with ExitStack() as held:
        for limiter, party in (*limits_of(server), (_networks, network)):
            if not limiter.take(party):
                raise TooManyAsking
            held.callback(limiter.leave, party)
        with timed(server):
            yield


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


def limits_of(server: str) -> list[tuple[ConcurrencyLimiter, str]]:
    """Return the limits under which a server is asked, and whose they are; none for no server.

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
def timed(server: str) -> Iterator[None]:
    """Note how long a server let somebody wait, and whether it answered; raises what was raised."""
    host, began_at, answered = _host_of(server), time.monotonic(), True
    try:
        yield
    except LookUpFailed:
        answered = False
        raise
    finally:
        note_wait(host, time.monotonic() - began_at, answered=answered)


def note_wait(host: str, seconds: float, *, answered: bool) -> None:
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
    """Return who asks: the user's id, or the address of somebody who is signed out."""
    user_id = sessions.user_id()
    return f"user:{user_id}" if user_id else rate_limits.origin_of(request.remote_addr)
