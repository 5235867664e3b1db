"""Rate limits: by person, generous, and kept in memory while Redis is away."""

from __future__ import annotations

import ipaddress
import time
from contextlib import suppress

import redis
from flask import Flask, current_app, g, request
from flask_limiter import Limiter

from app import broker
from app.models import hash_of
from app.web import rate_storage, sessions


def _who() -> str:
    """Return who asks. A failing database is no error here: the limiter would take it for Redis."""
    return sessions.rate_limit_key() or _address()


def origin_of(address: str | None) -> str:
    """Return what counts as one origin: an address, or an IPv6 network of 64 bits (one owner's)."""
    if not address:
        return "nowhere"
    with suppress(ValueError):
        known = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(known, ipaddress.IPv4Address):
            return str(known)
        return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
    return address


def _address() -> str:
    """Return where somebody asks from; ``X-Forwarded-For`` is in it only with BEHIND_PROXY."""
    return origin_of(request.remote_addr)


limiter = Limiter(_who, in_memory_fallback_enabled=True, swallow_errors=True)

writes = limiter.shared_limit(lambda: str(current_app.config["RATE_LIMIT_WRITES"]), scope="writes")
reads = limiter.shared_limit(lambda: str(current_app.config["RATE_LIMIT_READS"]), scope="reads")
sign_in = limiter.shared_limit(
    lambda: str(current_app.config["RATE_LIMIT_SIGN_IN"]), scope="sign-in"
)
anew = limiter.shared_limit("10 per hour", scope="anew")
"""For registering anew at servers; each of these gets one app an hour, whoever asks."""


def _rate_of_mail() -> str:
    return str(current_app.config["RATE_LIMIT_MAIL"])


@limiter.shared_limit(_rate_of_mail, scope="mail")
def _count_mail_of_person() -> None:
    """Count a mail by who asks for it; raises TooManyRequests."""


@limiter.shared_limit(_rate_of_mail, scope="mail-to", key_func=lambda: str(g.mail_to))
def _count_mail_to_address() -> None:
    """Count a mail by where it goes; raises TooManyRequests."""


def count_mail(address: str) -> None:
    """Count a mail that somebody asks for, by person and by address, of which a hash is kept.

    :raises TooManyRequests: it is one too many.
    """
    g.mail_to = hash_of(address.lower())
    _count_mail_of_person()
    _count_mail_to_address()


def _rate_of_bad_tokens() -> str:
    """Return the rates of writing and of signing in; the stricter one counts."""
    config = current_app.config
    return f"{config['RATE_LIMIT_WRITES']};{config['RATE_LIMIT_SIGN_IN']}"


@limiter.shared_limit(_rate_of_bad_tokens, scope="bad-token", key_func=_address)
def count_bad_token() -> None:
    """Count a form whose token is missing or wrong, by address: guessing must not be free.

    The token is judged before the page's own limit is, which counts by person.

    :raises TooManyRequests: it was one too many.
    """


@writes
def _count_write() -> None:
    """Count what would have been counted if the token had been right; raises TooManyRequests."""


def count_signed_out() -> None:
    """Count a form of somebody who is signed out, by address, whatever its token.

    A page whose session has ended is no attack, and costs what a change costs; where no session
    ever was, it counts as guessing.

    :raises TooManyRequests: it was one too many.
    """
    if sessions.key() is None:
        count_bad_token()
    else:
        _count_write()


def seconds_until_allowed() -> int:
    """Return after how many seconds a refused request may be made again."""
    limit = limiter.current_limit
    return max(1, round(limit.reset_at - time.time())) if limit else 1


def init_app(app: Flask) -> None:
    """Keep the counts in Redis; docs/decisions/0004 says why with such short timeouts."""
    timeout = app.config["BROKER_TIMEOUT"] / 2  # a wake-up may have to wait, too, before a 202
    options = broker.hasty_redis_options(app.config, timeout)
    # Few at a time: small plans allow few connections, and an answer takes microseconds.
    pool = redis.BlockingConnectionPool.from_url(
        app.config["REDIS_URL"], max_connections=2, **{"timeout": timeout, **options}
    )
    app.config.setdefault("RATELIMIT_STORAGE_URI", f"{rate_storage.SCHEME}://")
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"connection_pool": pool, "wait": timeout})
    # Routes name their limits themselves and there are none for all: nothing to do for a request
    # that has none. An app that has the limiter already gets none of its hooks.
    app.extensions.setdefault("limiter", set()).add(limiter)
    limiter.init_app(app)
