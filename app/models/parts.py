"""The parts of a tweet: what one create call publishes, and the next one answers.

Stored as JSON, so that a tweet of one part, which is nearly every one, costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AFRESH: Mapping[str, Any] = {
    "rings": 0,
    "tries": 0,
    "refusals": 0,
    "lookups": 0,
    "resends": 0,
    "echoed": False,
    "first_sent_at": None,
    "unconfirmed_at": None,
}
"""The next part begins like a tweet that was never tried."""


@dataclass(frozen=True, slots=True)
class Content:
    """One part: its text and the ids of its pictures, in order."""

    text: str
    pictures: tuple[str, ...] = ()

    def as_stored(self) -> dict[str, Any]:
        """Return it in the shape of ``Tweet.parts``."""
        return {"text": self.text, "pictures": list(self.pictures)}


def contents_of(
    text: str,
    parts: Sequence[Mapping[str, Any]] | None,
    own_parts: Sequence[Mapping[str, Any]] | None,
    has_threads: bool = True,
) -> list[Content]:
    """Return what one account publishes, at least one part.

    :param text: the tweet's text, for a tweet without parts.
    :param parts: the tweet's parts.
    :param own_parts: the account's own variant, which wins.
    :param has_threads: False for a network that has none: there all parts are one.
    """
    contents = [
        Content(part["text"], tuple(part.get("pictures") or ()))
        for part in own_parts or parts or [{"text": text}]
    ]
    return contents if has_threads or len(contents) == 1 else [_joined(contents)]


def _joined(contents: Sequence[Content]) -> Content:
    texts = [content.text for content in contents if content.text]
    pictures = [picture for content in contents for picture in content.pictures]
    return Content("\n\n".join(texts), tuple(dict.fromkeys(pictures)))
