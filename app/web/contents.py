"""Reading what a tweet shall say: its parts, what single accounts say instead, its pictures.

As a form: ``text``, ``part`` for each further part, ``variant-<account id>``, ``pictures``.
As JSON: ``text`` or ``parts``, ``variants`` by account id, ``pictures``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnprocessableEntity

PREFIX = "variant-"


def read(given: Any, picture_ids: list[str] | None = None) -> dict[str, Any]:
    """Return the contents in the composer's shape.

    ``text``; ``further``, the texts of further parts; ``parts``, all of them, None for a single
    one; ``picture_ids``; ``variants``, the parts by account id, [] for one that is taken back.

    :param picture_ids: the pictures of a form, where they are known already.
    :raises UnprocessableEntity: the JSON has another shape.
    """
    if isinstance(given, MultiDict):
        return _read_form(given, given.getlist("pictures") if picture_ids is None else picture_ids)
    return _read_json(given)


def text_in(value: Any) -> str:
    """Return a text that may be left out; raises UnprocessableEntity for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnprocessableEntity
    return value


def arguments(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``User.tweet_later`` and ``draft_of`` beside the text."""
    return {
        "parts": form["parts"],
        "pictures": form["picture_ids"],
        "variants": {key: parts for key, parts in form["variants"].items() if parts},
    }


def _read_form(form: MultiDict[str, str], pictures: list[str]) -> dict[str, Any]:
    text = form.get("text", "")
    further = [part for part in form.getlist("part") if part.strip()]
    named = {name: form[name] for name in form if name.startswith(PREFIX)}
    return _shape(
        text,
        [{"text": part, "pictures": []} for part in further],
        pictures,
        {
            account_id: [{"text": words, "pictures": pictures}] if words.strip() else []
            for name, words in named.items()
            if (account_id := _id_in(name.removeprefix(PREFIX))) is not None
        },
    )


def _read_json(given: Mapping[str, Any]) -> dict[str, Any]:
    parts = _parts_in(given["parts"]) if given.get("parts") else None
    pictures = _ids_in(given.get("pictures"))
    single = {"text": text_in(given.get("text")), "pictures": pictures}
    first: dict[str, Any] = parts[0] if parts else single
    variants = given.get("variants") or {}
    if not isinstance(variants, dict):
        raise UnprocessableEntity
    return _shape(
        first["text"],
        parts[1:] if parts else [],
        first["pictures"],
        {
            account_id: _variant_in(own, first["pictures"])
            for key, own in variants.items()
            if (account_id := _id_in(key)) is not None
        },
    )


def _shape(
    text: str,
    further: list[dict[str, Any]],
    pictures: list[str],
    variants: dict[int, list[dict[str, Any]]],
) -> dict[str, Any]:
    first = {"text": text, "pictures": pictures}
    return {
        "text": text,
        "further": [part["text"] for part in further],
        "parts": [first, *further] if further else None,
        "picture_ids": pictures,
        "variants": variants,
    }


def _variant_in(own: Any, pictures: list[str]) -> list[dict[str, Any]]:
    """Words alone keep the shared pictures; null takes a variant back."""
    if own is None:
        return []
    if isinstance(own, str):
        own = {"text": own}
    if not isinstance(own, dict):
        raise UnprocessableEntity
    if own.get("parts"):
        return _parts_in(own["parts"])
    own_pictures = _ids_in(own["pictures"]) if "pictures" in own else pictures
    text = text_in(own.get("text"))
    return [{"text": text, "pictures": own_pictures}] if text or own_pictures else []


def _parts_in(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise UnprocessableEntity
    return [
        {"text": text_in(part.get("text")), "pictures": _ids_in(part.get("pictures"))}
        for part in value
    ]


def _ids_in(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UnprocessableEntity
    return [one for one in value if one]


def _id_in(word: Any) -> int | None:
    return int(word) if str(word).isascii() and str(word).isdigit() else None
