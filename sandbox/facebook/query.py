"""Reads what a call brings, as strictly as Facebook or stricter, and picks what it asks for."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Request

from sandbox.facebook import errors

GENERAL = frozenset({"access_token", "appsecret_proof", "fields"})
PAGING = frozenset({"limit", "after", "before"})
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LISTED = re.compile(r"attached_media\[(\d{1,2})\]")
EDGES = ("likes", "comments", "reactions")
MOST = 100

Parameters = dict[str, Any]
Tree = dict[str, Any]


def read_parameters(request: Request) -> Parameters:
    """The query and the body, form or JSON, as one object. Raises GraphError."""
    parameters: Parameters = dict(request.args)
    if request.content_length:
        parameters |= _body(request)
    listed = sorted((name for name in parameters if LISTED.fullmatch(name)), key=_position)
    if listed:
        parameters["attached_media"] = [_json(parameters.pop(name)) for name in listed]
    return parameters


def check_names(parameters: Mapping[str, Any], *allowed: str) -> None:
    """Raise GraphError for a parameter that the address does not know."""
    unknown = set(parameters) - GENERAL - set(allowed)
    if unknown:
        raise errors.invalid(f"Param {min(unknown)} is not known here")


def truth(parameters: Mapping[str, Any], name: str, default: bool) -> bool:
    """A true or false, from JSON or a form. Raises GraphError."""
    value = parameters.get(name, default)
    if value in (True, "true", "1"):
        return True
    if value in (False, "false", "0"):
        return False
    raise errors.invalid(f"Param {name} must be a boolean")


def words(parameters: Mapping[str, Any], name: str) -> str:
    """A text, empty when it was not given. Raises GraphError."""
    value = parameters.get(name, "")
    if not isinstance(value, str):
        raise errors.invalid(f"Param {name} must be a string")
    return value


def moment(parameters: Mapping[str, Any], name: str) -> int | None:
    """A moment in epoch seconds, None when it was not given. Raises GraphError."""
    value = words(parameters, name)
    if value and not value.isdecimal():
        raise errors.invalid(f"Param {name} must be a time in seconds")
    return int(value) if value else None


def page_of(
    items: list[Any], parameters: Mapping[str, Any], most: int = MOST
) -> tuple[list[Any], dict[str, Any]]:
    """The asked part of a list, and the ``paging`` that leads on without its ``next``."""
    limit = words(parameters, "limit") or "25"
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST:
        raise errors.invalid("Param limit must be a number from 1 to 100")
    start = _cursor_in(words(parameters, "after")) if "after" in parameters else 0
    end = start + min(int(limit), most)
    part = items[start:end]
    if not part:
        return [], {}
    paging: dict[str, Any] = {"cursors": {"before": _cursor(start), "after": _cursor(end)}}
    return part, paging | ({"next": ""} if end < len(items) else {})


def loop(paging: dict[str, Any]) -> dict[str, Any]:
    """``paging`` that leads on to its own page."""
    before = paging["cursors"]["before"]
    return {"cursors": {"before": before, "after": before}, "next": ""}


def tree_of(fields: str, known: Iterable[str], node: str) -> Tree:
    """``id,picture{url}`` as nested names. Raises GraphError for a field that ``node`` lacks."""
    tree = _Fields(fields).read()
    for name in tree:
        if name not in known:
            raise errors.invalid(
                f"Tried accessing nonexisting field ({name}) on node type ({node})"
            )
    return tree


def pick(value: Any, tree: Tree) -> Any:
    """Only what ``tree`` asks for, and the id; lists and their ``data`` envelopes are entered."""
    if isinstance(value, list):
        return [pick(entry, tree) for entry in value]
    if isinstance(value, dict) and set(value) == {"data"}:
        return {"data": pick(value["data"], tree)}
    if not isinstance(value, dict) or not tree:
        return value
    wanted = {name: value[name] for name in tree if value.get(name) is not None}
    picked = {name: pick(found, tree[name]) for name, found in wanted.items()}
    return picked | ({"id": value["id"]} if "id" in value else {})


class _Fields:
    """Reads the field language, one character after the other."""

    def __init__(self, text: str) -> None:
        self._parts = re.findall(r"\.[a-z_]+\([a-z0-9_]+\)|[a-z_]+|[{},]", text)
        if "".join(self._parts) != text:
            raise errors.invalid("Syntax error in the fields")

    def read(self) -> Tree:
        tree = self._level()
        if self._parts:
            raise errors.invalid("Syntax error in the fields")
        return tree

    def _level(self) -> Tree:
        tree: Tree = {}
        while self._parts and self._parts[0] != "}":
            name = self._parts.pop(0)
            tree[name] = self._modified({"data": {}} if name in EDGES else {})
            if self._parts and self._parts[0] == "{":
                self._parts.pop(0)
                tree[name] = self._level()
                if not self._parts or self._parts.pop(0) != "}":
                    raise errors.invalid("Syntax error in the fields")
            if self._parts and self._parts[0] == ",":
                self._parts.pop(0)
        return tree

    def _modified(self, usual: Tree) -> Tree:
        """What is picked of a field: with ``.summary(true)`` the summary, too."""
        while self._parts and self._parts[0].startswith("."):
            modifier = self._parts.pop(0)
            if modifier.startswith(".summary(") and usual:
                usual = usual | {"summary": {}}
        return usual


def _body(request: Request) -> Parameters:
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise errors.invalid("The body is not a JSON object")
        return body
    if request.mimetype not in FORMS:
        raise errors.invalid("Content-Type must be a form's or application/json")
    form: Parameters = dict(request.form)
    if "attached_media" in form:
        form["attached_media"] = _json(form["attached_media"])
    return form


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise errors.invalid("Param attached_media must be JSON") from error


def _position(name: str) -> int:
    found = LISTED.fullmatch(name)
    return int(found[1]) if found else 0


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode().rstrip("=")


def _cursor_in(cursor: str) -> int:
    try:
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(re.fullmatch(r"at:([0-9]{1,9})", decoded)[1])  # type: ignore[index]
    except (ValueError, TypeError) as error:
        raise errors.invalid("Invalid cursors values") from error
