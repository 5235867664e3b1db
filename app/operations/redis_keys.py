"""What is in Redis: every key, and the values that hold nothing secret. It only reads.

Keys are walked with SCAN, which never holds Redis up. What may be shown is listed here: counters of
rate limits, and the ids of messages that wait. Whatever else there is, sessions, tokens, results of
jobs, is masked.
"""

from __future__ import annotations

import fnmatch
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis
from flask import current_app

from app import broker

PAGE = 50
TIMEOUT = 1.0
SCAN_SECONDS = 0.2
"""How long one page may walk over keys that do not match; its cursor goes on from there."""
SCANNED_AT_ONCE = 500
MAX_ITEMS = 100
"""Items of a list that are shown."""
MAX_VALUE = 2_000
SIZES = {
    "string": "STRLEN",
    "list": "LLEN",
    "hash": "HLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "stream": "XLEN",
}
"""The command that measures a value: bytes of a string, items of all else."""
PLAIN = ("LIMITS:*", broker.GENERATION_KEY, "_kombu.binding.*", "unacked_index")
"""Keys whose values may be shown: counters, ids, and names of queues."""
_GLOB = re.compile(r"[*?\[]")
Client = Any
"""redis-py's, whose types do not say what a pipeline returns."""


class RedisAway(Exception):
    """Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``size`` is in bytes for a string, else in items; ``ttl_s`` None lasts for ever."""

    name: str
    type: str
    size: int
    ttl_s: int | None


@dataclass(frozen=True, slots=True)
class Keys:
    """A page of keys; ``next`` is the cursor of the others."""

    keys: Sequence[Key] = field(default_factory=list)
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What is under one key; ``value`` is None while it is masked."""

    name: str
    type: str
    ttl_s: int | None
    masked: bool
    value: Any


def keys(match: str = "", before: str | None = None) -> Keys:
    """Return some keys.

    :param match: a pattern with ``*``, ``?`` or ``[``; other words may be anywhere in a name.
    :param before: the cursor of the page before; it may give a key twice, as SCAN does.
    :raises RedisAway: nothing is known.
    """
    pattern = match if _GLOB.search(match) else f"*{match}*"
    with _asking() as client:
        cursor, found = int(before or 0), {}
        until = time.monotonic() + SCAN_SECONDS
        while True:
            room = SCANNED_AT_ONCE if match else PAGE
            cursor, names = client.scan(cursor=cursor, match=pattern, count=room)
            found.update(dict.fromkeys(names))
            if not cursor or len(found) >= PAGE or time.monotonic() > until:
                break
        described = _described(client, sorted(found))
    return Keys(described, str(cursor) if cursor else None)


def _described(client: Client, names: Sequence[bytes]) -> list[Key]:
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.type(name)
            pipeline.pttl(name)
        told = pipeline.execute()
        kinds = [_text(kind) for kind in told[::2]]
        for name, kind in zip(names, kinds, strict=True):
            pipeline.execute_command(SIZES.get(kind, "EXISTS"), name)
        sizes = pipeline.execute(raise_on_error=False)
    known = zip(names, kinds, told[1::2], sizes, strict=True)
    return [
        Key(_text(name), kind, size if isinstance(size, int) else 0, _seconds(left))
        for name, kind, left, size in known
        if kind != "none"  # it ended since
    ]


def value_of(name: str) -> Value | None:
    """Return what is under a key; None when there is none.

    :raises RedisAway: nothing is known.
    """
    with _asking() as client:
        kind = _text(client.type(name))
        if kind == "none":
            return None
        left = _seconds(client.pttl(name))
        if _is_queue(name) and kind == "list":
            waiting = client.lrange(name, 0, MAX_ITEMS - 1)
            messages = [_message(one) for one in waiting]
            return Value(name, kind, left, False, messages)
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in PLAIN):
            return Value(name, kind, left, True, None)
        return Value(name, kind, left, False, _read(client, name, kind))


def _is_queue(name: str) -> bool:
    """Whether this is a queue of Celery's; a priority may stand behind its name."""
    celery = current_app.extensions["celery"]
    queues = {celery.conf.task_default_queue, *celery.amqp.queues}
    return name.partition("\x06\x16")[0] in queues


def _message(raw: bytes) -> Mapping[str, Any]:
    """Return the id and the task of a message, and nothing of what it says."""
    try:
        headers = json.loads(raw)["headers"]
        return {"id": str(headers["id"])[:100], "task": str(headers["task"])[:100]}
    except (ValueError, KeyError, TypeError):
        return {"id": None, "task": None}


def _read(client: Client, name: str, kind: str) -> Any:
    most = MAX_ITEMS
    if kind == "string":
        return _text(client.getrange(name, 0, MAX_VALUE - 1))
    if kind == "list":
        return [_text(one) for one in client.lrange(name, 0, most - 1)]
    if kind == "set":
        return sorted(_text(one) for one in client.sscan(name, count=most)[1])[:most]
    if kind == "hash":
        items = list(client.hscan(name, count=most)[1].items())[:most]
        return {_text(key): _text(item) for key, item in items}
    if kind == "zset":
        scored = client.zrange(name, 0, most - 1, withscores=True)
        return [{"member": _text(member), "score": score} for member, score in scored]
    return None


def _text(raw: Any) -> str:
    return raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else str(raw)


def _seconds(milliseconds: int) -> int | None:
    return None if milliseconds < 0 else -(-milliseconds // 1000)


@contextmanager
def _asking() -> Iterator[Client]:
    client = broker.client(current_app.config, TIMEOUT, is_text=False)
    try:
        yield client
    except (redis.RedisError, OSError) as error:
        raise RedisAway from error
    finally:
        client.close()
