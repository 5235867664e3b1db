"""Reading a list of an account to its end, as an import does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks import Network, http
from app.networks.base import Outcome, OutcomeKind
from app.networks.history import Asked, HistoryPage, PastItem, ReadKind
from tests.support.creates import created
from tests.support.scripted import part

MOST_PAGES = 100


def published(network: Network, credentials: Mapping[str, Any], text: str) -> Outcome:
    """Publish a text now; return how that ended, which is well."""
    body = network.body(part(text), {})
    outcome = created(network, dict(credentials), body, http.boottime() + 60)
    assert outcome.kind == OutcomeKind.OK, outcome
    return outcome


def pages_of(
    network: Network, credentials: Mapping[str, Any], remote_id: str, kind: ReadKind, **more: Any
) -> list[HistoryPage]:
    """Return every page of a list; ``more`` are further fields of ``Asked``."""
    found: list[HistoryPage] = []
    cursor = None
    for _ in range(MOST_PAGES):
        asked = Asked(kind, cursor, **more)
        found.append(network.history(dict(credentials), remote_id, asked))
        cursor = found[-1].following
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


def items_of(pages: list[HistoryPage]) -> list[PastItem]:
    """Return what is in the pages."""
    return [item for page in pages for item in page.items]
