"""Reading a request by its schema. What does not fit is refused by name, before anything is done.

400 is what cannot be read at all, 415 another kind of body, 422 what was understood and does not
fit: the error names the field.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn, TypeVar

from flask import request
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from app.web.schemas.calls import SubmitKey
from app.web.schemas.fields import Schema

MAX_SHOWN_NAME = 60
MAX_TYPED = 500
"""Characters of a server, a handle or a password."""
MAX_FORM_BYTES = 256 * 1024
"""Of all texts of a form, files aside; as MAX_CONTENT_LENGTH of a body without files."""
MAX_NAMES = 2000
"""In one object of JSON or one form: a text of its own for each of many accounts, and the rest."""
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
FILES = re.compile(r"picture-files(?:-([1-9][0-9]?))?")

Model = TypeVar("Model", bound=Schema)


class Invalid(ValueError):
    """Input that does not fit; ``field`` names it, ``code`` and ``params`` say why.

    Codes: ``unknown_name``, ``repeated_name``, ``missing``, ``wrong_type``, ``too_long``,
    ``too_many``, ``too_many_parts``, ``too_many_pictures``, ``control_characters``,
    ``unknown_account``, ``unknown_picture``, ``empty_time``, ``now_or_later``,
    ``time_moved``, ``queue_or_time``, ``bad_weekday``, ``bad_time``, ``out_of_bounds``,
    ``text_and_parts``, ``nothing_to_change``, ``not_for_one_job``, ``unknown_visibility``,
    ``unknown_zone``, ``unknown_view``, ``bad_date``, ``bad_week_start``.
    """

    def __init__(self, code: str, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = None if field is None else shown_name(field)
        self.params = params


def shown_name(name: str) -> str:
    """Return a name of a field that somebody sent, short and safe to show."""
    plain = name.encode("utf-8", "backslashreplace").decode()
    readable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return readable[:MAX_SHOWN_NAME]


def body(schema: type[Model]) -> Model:
    """Return the request's JSON, or a form of the same names.

    :raises BadRequest: it cannot be read.
    :raises UnsupportedMediaType: it is neither.
    :raises Invalid: it does not fit.
    """
    return _validated(schema, _json()) if request.is_json else form(schema)


def form(schema: type[Model]) -> Model:
    """Return the request's form; raises as ``body`` does. Nothing at all is an empty form."""
    has_body = bool(request.content_length or request.headers.get("Transfer-Encoding"))
    if request.mimetype not in FORMS and has_body:
        raise UnsupportedMediaType
    if has_body and not request.form and not request.files:
        raise BadRequest  # it broke off, or was no form inside; Werkzeug calls that an empty one
    if sum(map(len, chain(request.form, *request.form.listvalues()))) > MAX_FORM_BYTES:
        raise RequestEntityTooLarge
    if len(request.form) > MAX_NAMES:
        raise Invalid("too_many", next(iter(request.form)), limit=MAX_NAMES)
    given = _by_field(schema, request.form)
    if "csrf_token" not in schema.model_fields:
        given.pop("csrf_token", None)
    return _validated(schema, given)


def file_fields(parts: int) -> None:
    """Refuse files in fields that no part of this form has; raises Invalid."""
    for name in request.files:
        found = FILES.fullmatch(shown_name(name))
        if found is None or int(found[1] or 0) >= parts:
            raise Invalid("unknown_name", name)


def only_file(name: str) -> None:
    """Refuse a form that has more than one file of this name; raises Invalid."""
    for other in [*request.files, *request.form]:
        if other not in {name, "csrf_token"}:
            raise Invalid("unknown_name", other)
    if len(request.files.getlist(name)) > 1:
        raise Invalid("repeated_name", name)


def checked(schema: type[Model], given: Mapping[str, Any]) -> Model:
    """Return single values of a request by a schema; raises Invalid."""
    return _validated(schema, given)


def query(schema: type[Model]) -> Model:
    """Return what stands in the address; names that nobody asked for are left alone there.

    :raises Invalid: it does not fit.
    """
    known = {name: request.args[name] for name in schema.model_fields if name in request.args}
    return _validated(schema, known)


def key_in_header() -> str | None:
    """Return the header that stands for the field ``submit_id``; raises Invalid."""
    given = request.headers.get("Idempotency-Key") or None
    return _validated(SubmitKey, {"submit_id": given}).submit_id


def connect_fields(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed to connect an account; raises Invalid for what is far too long."""
    typed = {name: given.get(name, "") for name in names}
    for name, value in typed.items():
        if len(value) > MAX_TYPED:
            raise Invalid("too_long", name)
    return typed


# JSON


def _json() -> Any:
    """Return the object that was sent; no body at all is an empty one, as with forms."""
    data = request.get_data() or b"{}"
    try:
        given = json.loads(data, object_pairs_hook=_object, parse_constant=_no_number)
    except Invalid:
        raise
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(given, dict):
        raise Invalid("wrong_type")
    return given


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise Invalid("too_many", pairs[0][0], limit=MAX_NAMES)
    found = dict(pairs)
    if len(found) < len(pairs):
        often = Counter(name for name, _value in pairs).most_common(1)
        raise Invalid("repeated_name", often[0][0])
    for name in found:
        if not (name.isascii() and name.isprintable()):
            raise Invalid("unknown_name", name)
    return found


def _no_number(_word: str) -> NoReturn:
    raise BadRequest  # NaN and Infinity are no JSON


# Forms


def _by_field(schema: type[Schema], given: MultiDict[str, str]) -> dict[str, Any]:
    """Gather the flat names of a form under the fields of its schema."""
    known = {field.alias or name: name for name, field in schema.model_fields.items()}
    gathered: dict[str, Any] = {}
    for name, values in given.lists():
        kind, dash, rest = name.rpartition("-")
        if name in known:
            gathered[name] = values if _is_list(schema, known[name]) else _only(name, values)
        elif name.startswith("alt-"):  # a picture's id has dashes itself
            gathered.setdefault(schema.groups.get("alt", name), {})[name[4:]] = values[0]
        elif name.startswith("options-") and "options" in schema.groups:
            gathered.setdefault(schema.groups["options"], {})[name[8:]] = values
        elif dash and kind in schema.groups:
            gathered.setdefault(schema.groups[kind], {})[rest] = values
        else:
            gathered[name] = values[0]
    return gathered


def _is_list(schema: type[Schema], name: str) -> bool:
    return schema.model_fields[name].default_factory is list


def _only(name: str, values: Sequence[str]) -> str:
    if any(value != values[0] for value in values):
        raise Invalid("repeated_name", name)
    return values[0]


# What does not fit


def _validated(schema: type[Model], given: Any) -> Model:
    try:
        return schema.model_validate(given)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=True, include_input=False)
    raise _problem(schema, min(errors, key=lambda one: one["type"] != "extra_forbidden"))


_CODES = {
    "extra_forbidden": "unknown_name",
    "missing": "missing",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "string_unicode": "control_characters",
    "control_characters": "control_characters",
    "bad_weekday": "bad_weekday",
    "bad_time": "bad_time",
    "unknown_account": "unknown_account",
    "bad_date": "bad_date",
    "unknown_picture": "unknown_picture",
    "greater_than_equal": "unknown_account",
    "less_than_equal": "unknown_account",
}


_AMOUNTS = {"caps", "every_s", "rest_s"}
"""Fields whose numbers are amounts: what is out of bounds elsewhere is no id."""


def _problem(schema: type[Schema], error: ErrorDetails) -> Invalid:
    where = list(error["loc"])
    code = _CODES.get(error["type"], "wrong_type")
    if code == "unknown_name":
        return Invalid(code, ".".join(map(str, where)))
    field = _field_of(schema, where)
    if error["type"] == "string_too_short" and field == "when":
        code = "empty_time"
    if code == "unknown_account" and field in _AMOUNTS:
        code = "out_of_bounds"
    if code == "wrong_type" and field == "visibility":
        code = "unknown_visibility"
    if code == "wrong_type" and field == "view":
        code = "unknown_view"
    if code == "too_many" and where[-1] == "pictures":
        code = "too_many_pictures"
    if code == "too_many" and where[-1] in {"parts", "part"}:
        code, field = "too_many_parts", "text"
    return Invalid(code, field, limit=error.get("ctx", {}).get("max_length"))


def _field_of(schema: type[Schema], where: Sequence[int | str]) -> str:
    """Return the name that forms, pages and docs/http.md have for a field of the input."""
    first = str(where[0]) if where else ""
    rest = [one for one in where[1:] if one != "[key]"]
    groups = {field: kind for kind, field in schema.groups.items()}
    if first in groups and rest:
        return f"{groups[first]}-{rest[0]}"
    if first == "options" and rest:
        return f"options-{rest[0]}"
    if first == "variants" and rest:
        number = rest[2] if len(rest) > 2 and isinstance(rest[2], int) else 0
        return f"variant-{rest[0]}-{number}" if number else f"variant-{rest[0]}"
    if first == "parts" and rest and isinstance(rest[0], int):
        kind = "pictures" if "pictures" in rest else "part"
        if rest[0] == 0:
            return "text" if kind == "part" else kind
        return f"{kind}-{rest[0]}"
    return first
