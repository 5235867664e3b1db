"""What a post on a Facebook Page can have: the link whose preview it shows."""

from __future__ import annotations

from app.networks import option_values
from app.networks.base import Limits, Part
from app.networks.facebook.text import first_link
from app.networks.options import Given, Option, OptionProblem, Shown

OFFERED = (Option("link", "link", "Link of the preview", limit=2_000),)


def check(given: Given, shown: Shown, _limits: Limits) -> None:
    """Raise OptionProblem for what Facebook does not take: pictures leave no room for a preview."""
    option_values.check(OFFERED, given)
    if "link" in given and any(pictures for _, pictures in shown):
        raise OptionProblem("link_with_pictures", name="link")


def link_of(part: Part) -> str | None:
    """Return the link that a post previews: the chosen one, else the first in its text."""
    return part.options.get("link") or first_link(part.text)
