"""Cleans data from other servers before it is stored or shown. Imports nothing of ours.

Characters that no text needs (NUL, lone surrogates, control characters) become U+FFFD. They are not
removed, so that a text with them never equals a text without them.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import urlsplit

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
MAX_DEPTH = 64
"""Largest depth of nested objects and lists; the networks' own answers have about ten."""
MAX_ITEMS = 400_000
"""Most commas and opening brackets in an answer: many small values need far more memory."""
MAX_ID = 256
MAX_NAME = 255
MAX_DETAIL = 300
MAX_TRACE = 64
MAX_ADDRESS = 2_000
MAX_SECRET = 8_192
MAX_DIGITS = 18
"""Most digits of a whole number, so that each fits into 64 bits."""

_UNFIT = re.compile(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\uD800-\uDFFF\uFFFE\uFFFF]")
_SPACES = re.compile(r"\s+")
_NO_ADDRESS = re.compile(r"[\s\\<>\"`{}|^]")


def fit_text(text: str) -> str:
    """Return a text that every database and page accepts; line breaks and tabs stay."""
    if text.isprintable():  # which is most of them, and quickly told
        return text
    return _UNFIT.sub(UNREADABLE, text)


def fit(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return JSON with cleaned texts and keys, and without numbers such as NaN.

    :raises ValueError: it is nested deeper than ``depth``.
    """
    if isinstance(value, str):
        return fit_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {_fit_key(key): fit(item, depth - 1) for key, item in value.items()}
    return [fit(item, depth - 1) for item in value]


def parsed(text: str) -> Any:
    """Parse a text as JSON and clean it; None when it is not JSON, or too large or too deep.

    ``NaN``, ``1e999`` and numbers with hundreds of digits become null, because the rest of the
    answer may still be useful.
    """
    if text.count(",") + text.count("[") + text.count("{") > MAX_ITEMS:
        return None
    try:
        return fit(_decoder.decode(text.removeprefix("\ufeff")))
    except (ValueError, RecursionError):
        return None


def stored(value: Any) -> str:
    """Return a value as the JSON that a column keeps. Raises ValueError when it is too deep."""
    return json.dumps(fit(value))


def identifier(value: Any, most: int = MAX_ID) -> str | None:
    """Return an id from a network, which may be any text or a whole number; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    words = value.strip() if isinstance(value, str) else _digits(value)
    fits = 0 < len(words) <= most and words.isprintable() and UNREADABLE not in words
    return words if fits else None


def line(value: Any, most: int = MAX_NAME) -> str:
    """Return a name in one line, cut to ``most`` characters; "" if it is not a text."""
    if not isinstance(value, str):
        return ""
    return _SPACES.sub(" ", fit_text(value[: most * 4])).strip()[:most].rstrip()


def detail(value: Any) -> str:
    """Return a network's error text, shortened."""
    return fit_text(str(value)[:MAX_DETAIL])


def trace(value: Any) -> str | None:
    """Return the id by which a network finds a call again, None for none that can be told."""
    found = line(value, MAX_TRACE)
    return found if found and found.isprintable() and UNREADABLE not in found else None


def web_address(value: Any) -> str:
    """Return an http or https URL that a browser may be sent to; "" for anything else."""
    if not isinstance(value, str) or len(value) > MAX_ADDRESS:
        return ""
    if not value.lower().startswith(("https://", "http://")):
        return ""
    if not value.isprintable() or UNREADABLE in value or _NO_ADDRESS.search(value):
        return ""
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return ""
    return value if usable else ""


def secret(value: Any) -> str | None:
    """Return a token or a client's secret as a header can carry it, else None."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_SECRET:
        return None
    return value if value.isascii() and value.isprintable() and value == value.strip() else None


def whole(value: Any, least: int, most: int) -> int | None:
    """Return a whole number between two others, also one written as a text; else None."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and least <= value <= most else None


def _fit_key(key: Any) -> Any:
    return fit_text(key) if isinstance(key, str) else key


def _digits(number: int) -> str:
    return str(number) if abs(number) < 10**MAX_DIGITS * 1000 else ""


def _whole_number(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS + 4 else None


def _fraction(written: str) -> float | None:
    number = float(written)
    return number if math.isfinite(number) else None


_decoder = json.JSONDecoder(
    strict=False,  # a control character in one text must not make us lose the other texts
    parse_int=_whole_number,
    parse_float=_fraction,
    parse_constant=lambda _: None,
)
