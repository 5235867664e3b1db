"""Charts as SVG inside a page. Colours and type are in operations.css: the content policy lets a
page bring no styles and no scripts of its own.

They are pictures of numbers that a table beside them has, so a screen reader passes by what is
drawn, and whoever points at it reads the number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

WIDTH, HEIGHT = 480, 250
LABEL_SIZE = 18
"""Room for labels on a phone, where a chart is small; operations.css has their sizes."""
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TICKS = (1, 10, 100, 1000, 10_000, MINUTE, 10 * MINUTE, HOUR, 10 * HOUR, DAY, 10 * DAY, 100 * DAY)
"""Milliseconds at which a logarithmic scale may have a line."""
DROPPED = ("defs", "desc")


class Series(NamedTuple):
    """One kind of numbers: what it is called, and a number and its words for each place."""

    name: str
    values: Sequence[tuple[int | None, str]]


def bars(labels: Sequence[str], every: int, series: Sequence[Series]) -> Markup:
    """Draw numbers on top of one another.

    :param labels: what each place is called, all different.
    :param every: so many places have one label.
    """
    highest = max(sum(value or 0 for value, _ in place) for place in _places(series))
    chart = _pygal().StackedBar(
        **_settings(every), range=(0, max(4, highest)), min_scale=2, max_scale=4, spacing=0
    )
    chart.value_formatter = lambda value: f"{value:,.0f}"
    return _drawn(chart, labels, series)


def durations(
    labels: Sequence[str], every: int, series: Sequence[Series], words: Callable[[float], str]
) -> Markup:
    """Draw milliseconds as lines, on a scale on which 10 ms and an hour both can be seen.

    :param words: how a duration is written.
    """
    known = [value for place in _places(series) for value, _ in place if value is not None]
    low, high = _around(known or [10, 1000])
    chart = _pygal().Line(
        **_settings(every), logarithmic=True, range=(0.9 * low, 1.1 * high), dots_size=2.5
    )
    chart.y_labels = [tick for tick in TICKS if low <= tick <= high]
    chart.value_formatter = words
    return _drawn(chart, labels, series)


def _places(series: Sequence[Series]) -> Any:
    return zip(*(one.values for one in series), strict=True)


def _around(values: Sequence[int]) -> tuple[int, int]:
    """Return the nearest ticks around some milliseconds, at least two apart."""
    low = max((tick for tick in TICKS if tick <= min(values)), default=TICKS[0])
    high = min((tick for tick in TICKS if tick >= max(values)), default=TICKS[-1])
    return low, max(high, TICKS[min(TICKS.index(low) + 2, len(TICKS) - 1)])


def _pygal() -> Any:
    import pygal  # loaded where it is used: it takes long, and commands draw nothing

    return pygal


def _settings(every: int) -> dict[str, Any]:
    style = _pygal().style.Style(label_font_size=LABEL_SIZE, major_label_font_size=LABEL_SIZE)
    return {
        "css": [],
        "disable_xml_declaration": True,
        "height": HEIGHT,
        "js": [],
        "margin": 6,
        "no_prefix": True,
        "show_legend": False,
        "show_minor_x_labels": False,
        "style": style,
        "truncate_label": -1,
        "width": WIDTH,
        "x_labels_major_every": every,
    }


def _drawn(chart: Any, labels: Sequence[str], series: Sequence[Series]) -> Markup:
    chart.x_labels = list(labels)
    for one in series:
        values = [
            {"value": value, "tooltip": words} if value else None for value, words in one.values
        ]
        chart.add(one.name, values)
    chart.add_xml_filter(_without_styles)
    return Markup(chart.render(is_unicode=True))


def _without_styles(root: Any) -> Any:
    """Leave the drawing alone: what the policy would block goes, and what only scripts need."""
    root.attrib |= {"aria-hidden": "true", "class": "chart", "focusable": "false"}
    del root.attrib["id"]
    for parent in list(root.iter()):
        parent.attrib.pop("style", None)
        for child in list(parent):
            is_node = isinstance(child.tag, str)
            if not is_node or child.tag in DROPPED or _is_empty(parent, child):
                parent.remove(child)
    return root


def _is_empty(parent: Any, child: Any) -> bool:
    """True for pygal's own titles, its backgrounds, and layers that only its scripts fill."""
    if child.tag == "title":
        return parent.tag == "svg" or "guides" in parent.get("class", "")
    kinds = child.get("class", "")
    return "background" in kinds or "text-overlay" in kinds or "tooltip-overlay" in kinds
