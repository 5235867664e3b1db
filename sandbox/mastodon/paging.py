"""Pages of a list, which lead on by a ``Link`` header alone."""

from urllib.parse import urlencode

from flask import Response, request

IDS = ("max_id", "min_id", "since_id")


def page_size(usual: int, most: int) -> int:
    """How many entries a page may hold: what was asked for, and never more than ``most``."""
    return min(most, max(1, number_in("limit", usual)))


def number_in(name: str, usual: int = 0) -> int:
    """A number of the query; what is none counts as left out."""
    told = request.args.get(name, "")
    return int(told) if told.isdecimal() else usual


def add_links(answer: Response, numbers: list[int], limit: int, loops: bool = False) -> None:
    """Add the ``Link`` header to a page with these numbers, newest first.

    There is a next page after every full one. ``loops`` makes it the same page again.
    """
    if not numbers:
        return
    links = [_link("prev", limit, min_id=numbers[0])]
    if loops:
        links.insert(0, _link("next", limit, max_id=numbers[0] + 1))
    elif len(numbers) == limit:
        links.insert(0, _link("next", limit, max_id=numbers[-1]))
    answer.headers["Link"] = ", ".join(links)


def _link(relation: str, limit: int, **where: int) -> str:
    kept = {name: value for name, value in request.args.items() if name not in IDS}
    query = urlencode({**kept, "limit": limit, **where})
    return f'<{request.base_url}?{query}>; rel="{relation}"'
