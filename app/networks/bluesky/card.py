"""The card under a post with a link: Bluesky's servers fetch nothing, so whoever posts brings it.

It is an ornament: whatever goes wrong, the post goes out without it and no later than its seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app import untrusted
from app.networks import http
from app.networks.bluesky import page_words, pages

CARD_SECONDS = 3.0
"""For names, connections, redirects and the page together: a due post waits for it."""
SLOW = 0.5
"""Of its seconds: an account that waited for so long for one page has no other card for a while."""
REST = 60.0
"""Seconds for which it has none, so that slow pages do not add up before its posts."""
MAX_RESTING = 10_000
"""Accounts that are remembered; beyond it all are forgotten."""
MAX_TITLE = 150
MAX_DESCRIPTION = 300
"""Graphemes. The lexicon has no limit; apps show less."""

log = logging.getLogger(__name__)


class Cards:
    """Makes cards, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._resting: dict[str, float] = {}

    def of(
        self, account: str, url: str, seconds: float, public_only: bool
    ) -> dict[str, str] | None:
        """Return uri, title and description of a linked page, None without; never raises.

        :param account: whose post waits for it.
        :param seconds: for all of it; more than CARD_SECONDS are not taken.
        :param public_only: ask no private address.
        """
        began = time.monotonic()
        if not untrusted.web_address(url) or self._rests(account, began):
            return None
        seconds = min(seconds, CARD_SECONDS)
        card = _card_of(url, began + seconds, public_only)
        if time.monotonic() - began >= SLOW * seconds:
            self._rest(account)
        return card

    def _rests(self, account: str, now: float) -> bool:
        with self._lock:
            return self._resting.get(account, now) > now

    def _rest(self, account: str) -> None:
        with self._lock:
            if len(self._resting) >= MAX_RESTING:
                self._resting.clear()
            self._resting[account] = time.monotonic() + REST


def embed_of(card: Mapping[str, str]) -> dict[str, Any]:
    """Return the card as a record carries it."""
    return {"$type": "app.bsky.embed.external", "external": dict(card)}


def _card_of(url: str, ends_at: float, public_only: bool) -> dict[str, str] | None:
    try:
        return _made_of(url, pages.fetch(url, ends_at, public_only))
    except (pages.NoPage, http.NotSent, http.NoResponse, OSError) as error:
        log.info("a post goes without a card: %s", type(error).__name__)  # nothing of the page's
    except Exception as error:  # a page can be anything, and no page is worth a post
        log.error("a page stumbled over: %s", type(error).__name__)
    return None


def _made_of(url: str, page: str) -> dict[str, str]:
    told = page_words.words_of(page)
    title = page_words.line_of(told.title, MAX_TITLE)
    return {
        "uri": url,
        "title": title or untrusted.line(urlsplit(url).hostname),
        "description": page_words.line_of(told.description, MAX_DESCRIPTION),
    }
