"""Where rate limits are counted: in Redis, over one connection that is kept."""

from __future__ import annotations

from threading import Lock
from typing import Any

import redis
from limits.storage import RedisStorage

from app.broker import KeptConnection

SCHEME = "kept+redis"


class KeptRedisStorage(RedisStorage):
    """Counts over one lasting connection; all else is limits' own, over its pool.

    Each request is counted, and what a client of Redis does around a command takes longer than the
    command.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 (so the library declares it)

    def __init__(
        self, uri: str, connection_pool: redis.ConnectionPool, wait: float, **options: Any
    ) -> None:
        """Connect to nothing yet.

        :param wait: seconds that a request waits for its turn at the connection.
        """
        super().__init__(uri, connection_pool, **options)
        self._client: Any = _Client(connection_pool, wait)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return the count; it begins anew after ``expiry`` seconds.

        :raises redis.RedisError: Redis does not answer in time.
        """
        told = [self.prefixed_key(key)], [expiry, amount]
        return int(self.lua_incr_expire(*told, client=self._client))


class _Client:
    """What a script needs of a client of Redis, one request at a time."""

    def __init__(self, pool: redis.ConnectionPool, wait: float) -> None:
        self._pool = pool
        self._wait = wait
        self._turn = Lock()
        self._kept: KeptConnection | None = None

    def evalsha(self, sha: str, count: int, *arguments: Any) -> Any:
        return self._ask("EVALSHA", sha, count, *arguments)

    def script_load(self, script: Any) -> Any:
        return self._ask("SCRIPT", "LOAD", script)

    def _ask(self, *command: Any) -> Any:
        if not self._turn.acquire(timeout=self._wait):
            raise redis.TimeoutError("others wait for Redis already")
        try:
            if self._kept is None:
                self._kept = KeptConnection(self._pool)
            return self._kept.ask(*command)
        finally:
            self._turn.release()
