"""The card under a post with a link. Bluesky's servers fetch no pages: the app that posts makes it.

A card is not necessary: whatever goes wrong, the post goes out without it, after CARD_SECONDS at
the latest.
"""

from __future__ import annotations

import logging
import threading
import time
from urllib.parse import urlsplit

from app import untrusted
from app.networks import http
from app.networks.bluesky import page_words, pages

CARD_SECONDS = 3.0
"""For names, connections, redirects and the page together: a due post waits for it."""
SLOW_SHARE = 0.5
"""Of the seconds for a card: a page that takes longer is slow, and the account rests from cards."""
REST_SECONDS = 60.0
"""Without cards after a slow page, so that slow pages do not add up before an account's posts."""
MAX_RESTING = 10_000
"""Accounts that are remembered; when there are more, all are forgotten."""
MAX_TITLE_GRAPHEMES = 150
MAX_DESCRIPTION_GRAPHEMES = 300
"""The lexicon has no limit; apps show less."""

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
        if time.monotonic() - began >= SLOW_SHARE * seconds:
            self._rest(account)
        return card

    def _rests(self, account: str, now: float) -> bool:
        with self._lock:
            return self._resting.get(account, now) > now

    def _rest(self, account: str) -> None:
        with self._lock:
            if len(self._resting) >= MAX_RESTING:
                self._resting.clear()
            self._resting[account] = time.monotonic() + REST_SECONDS


def _card_of(url: str, ends_at: float, public_only: bool) -> dict[str, str] | None:
    try:
        return _made_of(url, pages.fetch(url, ends_at, public_only))
    except (pages.NoPage, http.NotSent, http.NoResponse, OSError) as error:
        log.info("a post goes without a card: %s", type(error).__name__)  # its words name no page
    except Exception as error:  # a page can be anything, and no page is worth a post
        log.error("a page stumbled over: %s", type(error).__name__)
    return None


def _made_of(url: str, page: str) -> dict[str, str]:
    told = page_words.words_of(page)
    title = page_words.line_of(told.title, MAX_TITLE_GRAPHEMES)
    return {
        "uri": url,
        "title": title or untrusted.line(urlsplit(url).hostname),
        "description": page_words.line_of(told.description, MAX_DESCRIPTION_GRAPHEMES),
    }
