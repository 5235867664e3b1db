"""The schemas of the calls, and the tables that docs/http.md has of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.web import schemas
from app.web.schemas import reading
from app.web.schemas.fields import Schema
from tests.support import schema_tables

PAGE = Path(__file__).resolve().parents[3] / "docs" / "http.md"
GENERATED = re.compile(r"<!-- fields -->\n\n(.*?)\n\n<!-- end of fields -->", re.DOTALL)


def test_the_page_has_the_tables_of_the_schemas() -> None:
    """After changing a schema, put there what ``schema_tables.markdown()`` returns."""
    found = GENERATED.search(PAGE.read_text("utf-8"))
    assert found is not None
    assert found[1] == schema_tables.markdown()


@pytest.mark.parametrize("schema", Schema.__subclasses__(), ids=lambda schema: schema.__name__)
def test_every_schema_refuses_unknown_names(schema: type[Schema]) -> None:
    """No call passes over a name that it does not know."""
    with pytest.raises(schemas.Invalid) as refused:
        reading._validated(schema, {"whem": "in 2 hours"})
    assert (refused.value.code, refused.value.field) == ("unknown_name", "whem")


def test_types_are_strict() -> None:
    """A number with a fraction, a text and a truth are no whole numbers."""
    for wrong in (23.9, 23.0, "23", True, None, float("inf"), float("nan"), [23]):
        with pytest.raises(schemas.Invalid):
            reading._validated(schemas.calls.NewTweet, {"text": "a", "accounts": [wrong]})
    for truth in (1, 0, "true", 1.0):  # null is left out
        with pytest.raises(schemas.Invalid):
            reading._validated(schemas.calls.AccountChange, {"signs_in": truth})
    assert reading._validated(schemas.calls.AccountChange, {"signs_in": False}).signs_in is False


def test_names_are_shown_short_and_safe() -> None:
    """What somebody sent as a name does not fill or break a page."""
    assert reading.shown_name("a\0b\ud800\n") == "a�b\\ud800�"
    assert len(reading.shown_name("x" * 10_000)) == 60
