"""Other ways in which people are told: their browsers, and an Apprise URL of their own.

docs/push.md. Whoever has something to tell calls ``queue()``; a worker sends it.
"""

from __future__ import annotations

from app.push.addresses import WrongAddress
from app.push.outbox import queue, send_due
from app.push.targets import add_browser, keep_url, reached, remove, url_of
from app.push.vapid import public_key

__all__ = [
    "WrongAddress",
    "add_browser",
    "keep_url",
    "public_key",
    "queue",
    "reached",
    "remove",
    "send_due",
    "url_of",
]
