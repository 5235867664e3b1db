"""How Facebook counts text, which link it previews, and how posts are compared."""

from __future__ import annotations

from collections.abc import Iterable

from app.networks.base import Limits
from app.networks.links import addresses_in
from app.networks.text import allowed, clean, refuse_too_long


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that Facebook does not take. It counts UTF-16 units."""
    refuse_too_long(len(allowed(written).encode("utf-16-le")) // 2, limits.characters)


def first_link(written: str) -> str | None:
    """Return the first address that is written with its scheme, in full; None for no address.

    A bare ``example.com`` may be no address at all, and Facebook refuses a post with a link that
    leads nowhere.
    """
    with_scheme = (
        url
        for start, _, url in addresses_in(written)
        if written[start : start + 8].lower().startswith(("http://", "https://"))
    )
    return next(with_scheme, None)


def comparable(message: str, picture_ids: Iterable[str]) -> str:
    """Return the form in which what was sent and what Facebook shows are equal.

    The message alone where there is one; a post of pictures only is known by their ids.
    """
    return clean(message) or "pictures " + ",".join(sorted(picture_ids))
