"""Rate limits: by person, generous, and kept in memory while Redis is away."""

from __future__ import annotations

import time

import redis
from flask import Flask, current_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app import jobs
from app.web import sessions


def _who() -> str:
    """Say who asks; a database that is away must not look like no Redis."""
    return sessions.spender() or get_remote_address()


limiter = Limiter(_who, in_memory_fallback_enabled=True, swallow_errors=True)

writes = limiter.shared_limit(lambda: str(current_app.config["RATE_LIMIT_WRITES"]), scope="writes")
reads = limiter.shared_limit(lambda: str(current_app.config["RATE_LIMIT_READS"]), scope="reads")
sign_in = limiter.shared_limit(
    lambda: str(current_app.config["RATE_LIMIT_SIGN_IN"]), scope="sign-in"
)


def seconds_until_allowed() -> int:
    """Return after how many seconds a refused request may be made again."""
    limit = limiter.current_limit
    return max(1, round(limit.reset_at - time.time())) if limit else 1


def init_app(app: Flask) -> None:
    """Keep the counts in Redis; docs/decisions/0004 says why with such short timeouts."""
    timeout = app.config["BELL_TIMEOUT"] / 2  # a ring may have to wait, too, before a 202
    options = jobs.hasty_redis_options(app.config, timeout)
    # Few at a time: small plans allow few connections, and an answer takes microseconds.
    pool = redis.BlockingConnectionPool.from_url(
        app.config["REDIS_URL"], max_connections=2, **{"timeout": timeout, **options}
    )
    app.config.setdefault("RATELIMIT_STORAGE_URI", app.config["REDIS_URL"])
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"connection_pool": pool})
    limiter.init_app(app)
