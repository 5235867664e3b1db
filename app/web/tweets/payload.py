"""Reading what a tweet shall say: its parts, what single accounts say instead, its pictures.

As a form: ``text``, ``part`` for each further part, ``pictures`` of the first part, ``pictures-1``
of the next one and so on, and ``variant-<account id>`` for each part of a variant.
As JSON: ``text`` and ``pictures``, or ``parts``; ``variants`` and ``options`` by account id.

A part is ``{"text", "pictures"}`` as in ``Tweet.parts``, with None for what was left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict

from app.models import StoredPart
from app.web.tweets import options

PREFIX = "variant-"
MAX_ID = 10
KEYS = {"text", "part", "parts", "pictures", "variants", "options"}


def is_about_contents(name: str) -> bool:
    """True for the name of a field that is read here."""
    return name in KEYS or name.startswith((PREFIX, options.PREFIX, "pictures-"))


def arguments(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``User.tweet_later`` that say what is published."""
    shared = filled(form["parts"], ())
    variants = {key: filled(own, shared) for key, own in form["variants"].items()}
    said = {key: own if any_of(own) else [] for key, own in variants.items()}
    return {"parts": shared, "variants": said, "options": form["options"]}


def merged(given: Mapping[str, Any], now: Sequence[Mapping[str, Any]]) -> list[StoredPart]:
    """Return all parts after a change; what it leaves out stays as it is ``now``."""
    parts = filled(given["parts"], now)
    if given["parts"][0]["text"] is None:
        parts[0]["text"] = now[0]["text"]
    return parts if given["is_whole"] else [*parts, *map(dict, now[1:])]


def filled(
    parts: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]
) -> list[StoredPart]:
    """Give each part that names no pictures the pictures of the same part in ``other``."""
    return [
        {
            "text": part["text"] or "",
            "pictures": list(_pictures_at(other, number))
            if part["pictures"] is None
            else part["pictures"],
        }
        for number, part in enumerate(parts)
    ]


def follows(own: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]]) -> bool:
    """Return True when a variant differs in text only: each part shows the shared pictures."""
    return all(part["pictures"] == _pictures_at(shared, number) for number, part in enumerate(own))


def any_of(parts: Sequence[Mapping[str, Any]]) -> bool:
    """True when these parts say or show something."""
    return any(part["text"] or part["pictures"] for part in parts)


def _pictures_at(parts: Sequence[Mapping[str, Any]], number: int) -> list[str]:
    return parts[number]["pictures"] if number < len(parts) else []


def read_form(form: MultiDict[str, str], picked: Sequence[list[str] | None]) -> dict[str, Any]:
    """Return the contents of a form in the composer's shape.

    ``parts``, at least one; ``is_whole``, whether there are no others; ``variants``, the parts by
    account id, [] for a variant that is taken back; ``options`` by account id, {} for none.

    :param picked: the pictures of each part.
    """
    texts = [form.get("text"), *form.getlist("part")]
    named = {name: form.getlist(name) for name in form if name.startswith(PREFIX)}
    parts = [
        {"text": text, "pictures": pictures}
        for number, (text, pictures) in enumerate(zip_longest(texts, picked))
        if number == 0 or (text or "").strip() or pictures
    ]
    return {
        "parts": parts,
        "is_whole": "text" in form,
        "variants": {
            account_id: [{"text": text, "pictures": None} for text in own if text.strip()]
            for name, own in named.items()
            if (account_id := id_in(name.removeprefix(PREFIX))) is not None
        },
        "options": options.of_form(options.read(form.lists())),
    }


def read_json(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of JSON that fits its schema, like ``read_form``."""
    is_whole = bool(given.get("parts"))
    return {
        "parts": _parts_in(given["parts"]) if is_whole else [_part_in(given)],
        "is_whole": is_whole,
        "variants": {
            int(key): _variant_in(own) for key, own in (given.get("variants") or {}).items()
        },
        "options": {int(key): own or {} for key, own in (given.get("options") or {}).items()},
    }


def _variant_in(own: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Words alone keep the shared pictures; null takes a variant back."""
    if own is None:
        return []
    return filled(_parts_in(own["parts"]), ()) if own.get("parts") else [_part_in(own)]


def _parts_in(value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_part_in(part) for part in value]


def _part_in(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"text": given.get("text"), "pictures": given.get("pictures")}


def id_in(word: str) -> int | None:
    """Return the id in a field's name, None when there is none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= MAX_ID else None
