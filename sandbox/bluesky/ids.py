"""The names of the AT Protocol: handles, DIDs, record keys and content ids."""

import base64
import hashlib
import json
import re
import secrets
import time
from typing import Any

COLLECTION = "app.bsky.feed.post"
THREADGATE, POSTGATE = "app.bsky.feed.threadgate", "app.bsky.feed.postgate"
LIKES, FOLLOWS = "app.bsky.feed.like", "app.bsky.graph.follow"
HANDLE = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
TID = re.compile(r"[2-7a-j][2-7a-z]{12}")
TID_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
RAW, DAG_CBOR = 0x55, 0x71


def full_handle(handle: str) -> str:
    """A handle as Bluesky writes it; a bare name is of this sandbox's own domain.

    Raises ValueError for an impossible one.
    """
    handle = handle.strip().removeprefix("@").lower()
    handle = handle if "." in handle else f"{handle}.test"
    if not HANDLE.fullmatch(handle) or len(handle) > 253:
        raise ValueError("A handle looks like ana.test.")
    return handle


def did_of(handle: str) -> str:
    """The DID of a handle: always the same one."""
    digest = hashlib.sha256(handle.encode()).digest()
    return "did:plc:" + base64.b32encode(digest).decode().lower()[:24]


def cid_of(content: bytes, codec: int = RAW) -> str:
    """The content id of bytes."""
    binary = bytes([1, codec, 0x12, 32]) + hashlib.sha256(content).digest()
    return "b" + base64.b32encode(binary).decode().rstrip("=").lower()


def cid_of_record(record: dict[str, Any]) -> str:
    """The content id of a record: equal records have equal ones."""
    canonical = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return cid_of(canonical.encode("utf-8", "surrogatepass"), DAG_CBOR)


def new_tid() -> str:
    """A record key for now."""
    return _tid(time.time_ns() // 1000, secrets.randbelow(1024))


def tid_at(moment: float) -> str:
    """The record key of a moment in epoch seconds: always the same one."""
    return _tid(int(moment * 1_000_000), 0)


def _tid(microseconds: int, clock_id: int) -> str:
    number = microseconds << 10 | clock_id
    return "".join(TID_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))
